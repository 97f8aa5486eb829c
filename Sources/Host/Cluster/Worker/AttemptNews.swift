import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// What running attempts say: logs are kept until somebody asks, progress goes to the coordinator.
///
/// Of an attempt's progress the latest counts, and it is sent at most every
/// ``LogLimits/progressNanoseconds``; it may be lost.
final class AttemptNews: AttemptWitness {
    private struct Said {
        var progress: AttemptProgress
        var sentAt: UInt64
        var isSent: Bool
    }

    private struct State {
        var session: WireSession?
        var said: [AttemptID: Said] = [:]
    }

    let logs: AttemptLogs
    private let state = Mutex(State())

    /// Logs are kept in `folder`.
    init(folder: String) { logs = AttemptLogs(folder: folder) }

    // MARK: Attempts

    func wrote(_ bytes: UnsafeRawBufferPointer, in attempt: AttemptID) {
        logs.append(bytes, to: attempt)
    }

    func progressed(_ progress: AttemptProgress, in attempt: AttemptID) {
        let now = monotonicNanoseconds()
        state.withLock { state in
            let last = state.said[attempt]
            // What is known already is not said again.
            if last?.progress == progress { return }
            let isDue = last.map { now - $0.sentAt >= LogLimits.progressNanoseconds } ?? true
            state.said[attempt] = Said(
                progress: progress, sentAt: isDue ? now : last?.sentAt ?? now, isSent: isDue)
            if isDue { state.session?.send([Self.message(attempt, progress)]) }
        }
    }

    func ended(_ attempt: AttemptID) {
        logs.end(attempt)
        state.withLock { $0.said[attempt] = nil }
    }

    // MARK: The connection

    /// Says what was held back; called with each heartbeat.
    func flush() {
        let now = monotonicNanoseconds()
        state.withLock { state in
            guard let session = state.session else { return }
            var messages: [WireMessage] = []
            for (attempt, said) in state.said where !said.isSent {
                messages.append(Self.message(attempt, said.progress))
                state.said[attempt] = Said(progress: said.progress, sentAt: now, isSent: true)
            }
            if !messages.isEmpty { session.send(messages) }
        }
    }

    /// Another connection: everything is said again.
    func begin(over session: WireSession) {
        state.withLock { state in
            state.session = session
            for attempt in Array(state.said.keys) { state.said[attempt]?.isSent = false }
        }
        flush()
    }

    func end(_ session: WireSession) {
        logs.end(session)
        state.withLock { state in
            if state.session == session { state.session = nil }
        }
    }

    private static func message(_ attempt: AttemptID, _ progress: AttemptProgress) -> WireMessage {
        var message = WireProgress()
        message.attempt = WireAttempt(attempt)
        message.of = 1_000_000
        message.done = UInt64(progress.fraction * 1_000_000)
        message.note = progress.note
        return WireMessage(.progress(message))
    }
}
