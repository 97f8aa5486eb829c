import CFanfoldSystem
import DequeModule
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// What the attempts of this process wrote, and who wants to read it.
///
/// Attempts only append.  What is sent is sent by one thread, which is there while somebody asks, and
/// only as far as those who ask have given credit: so an attempt that writes without end fills no
/// connection.
final class AttemptLogs: Sendable {
    private struct State {
        var logs: [AttemptID: AttemptLog] = [:]
        /// Attempts that wrote something, so far.
        var number: UInt64 = 0
        /// Those that have ended, those that ended first before the others.
        var ended: Deque<AttemptID> = []
        var keptBytes = 0
        var serves: [LogServe.Key: LogServe] = [:]
        var hasThread = false
    }

    private let folder: String
    private let state = Mutex(State())
    private let wakeUp = TimedSemaphore()

    /// Keeps files in `folder`; what an earlier process left there is nobody's any more.
    init(folder: String) {
        self.folder = folder
        fan_remove_tree(folder)
        // Where no folder can be made the last bytes are kept in memory, and no more.
        try? PrivateFolder.make(folder)
    }

    // MARK: Attempts

    func append(_ bytes: UnsafeRawBufferPointer, to attempt: AttemptID) {
        state.withLock { state in
            if state.logs[attempt] == nil {
                state.logs[attempt] = AttemptLog(attempt, number: state.number, folder: folder)
                state.number += 1
            }
            state.logs[attempt]?.append(bytes)
        }
    }

    /// Nothing more comes of an attempt.
    func end(_ attempt: AttemptID) {
        state.withLock { state in
            guard state.logs[attempt]?.isOver == false else { return }
            state.logs[attempt]?.end()
            state.ended.append(attempt)
            state.keptBytes += state.logs[attempt]?.keptBytes ?? 0
            while state.ended.count > LogLimits.keptAttempts
                || state.keptBytes > LogLimits.keptBytes,
                let oldest = state.ended.popFirst(),
                var log = state.logs.removeValue(forKey: oldest)
            {
                state.keptBytes -= log.keptBytes
                log.remove()
            }
        }
    }

    // MARK: Requests

    func answer(_ request: WireLogRequest, over session: WireSession) {
        let (isTaken, needsThread) = state.withLock { state -> (Bool, Bool) in
            guard state.serves.count < LogLimits.requests else { return (false, false) }
            state.serves[.init(session: session, request: request.request)] =
                LogServe(request, next: state.number)
            defer { state.hasThread = true }
            return (true, !state.hasThread)
        }
        guard isTaken else {
            var last = WireLogChunk()
            last.request = request.request
            last.last = true
            return session.send([WireMessage(.logChunk(last))])
        }
        if needsThread { _ = PlainThread(name: "logs") { [self] in serve() } }
        wakeUp.signal()
    }

    func give(_ credit: WireLogCredit, over session: WireSession) {
        change(credit.request, session) { $0?.give(credit: credit.bytes) }
    }

    func cancel(_ cancel: WireLogCancel, over session: WireSession) {
        change(cancel.request, session) { serve in
            if cancel.drain { serve?.drain() } else { serve = nil }
        }
    }

    /// A connection is gone, and with it those who asked over it.
    func end(_ session: WireSession) {
        state.withLock { state in
            for key in state.serves.keys where key.session == session { state.serves[key] = nil }
        }
        wakeUp.signal()
    }

    private func change(
        _ request: UInt64, _ session: WireSession, _ body: (inout LogServe?) -> Void
    ) {
        state.withLock { body(&$0.serves[.init(session: session, request: request)]) }
        wakeUp.signal()
    }

    /// Sends what there is to send, until nobody asks any more.
    private func serve() {
        while true {
            let messages = state.withLock { state -> [(WireSession, [WireMessage])]? in
                guard !state.serves.isEmpty else {
                    state.hasThread = false
                    return nil
                }
                return Self.next(&state)
            }
            guard let messages else { return }
            for (session, messages) in messages { session.send(messages) }
            _ = wakeUp.wait(.milliseconds(LogLimits.lookMilliseconds))
        }
    }

    private static func next(_ state: inout State) -> [(WireSession, [WireMessage])] {
        var all: [(WireSession, [WireMessage])] = []
        for key in Array(state.serves.keys) {
            guard let (chunks, isLast) = state.serves[key]?.next(state.logs) else { continue }
            if isLast { state.serves[key] = nil }
            if !chunks.isEmpty { all.append((key.session, chunks.map { .init(.logChunk($0)) })) }
        }
        return all
    }
}
