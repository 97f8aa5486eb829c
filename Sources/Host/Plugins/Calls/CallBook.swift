import CPluginABI
@preconcurrency import Glibc
import Logging
import Synchronization

/// The calls that a plugin has been given and has not answered.
///
/// An id is never used twice, so a late, second or made-up completion finds nothing and is only
/// noticed.
final class CallBook: Sendable {
    private struct Entry: Sendable {
        var call: PluginCall
        var handler: PluginCallHandler
        var isCancelled = false
        var timer: UInt64?
        var parts: CallParts?
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var next: UInt64 = 1
        /// Set once nothing more is taken.
        var isClosed = false
    }

    private let state = Monitor(State())
    private let logger: Logger
    private let timers = CallTimers.shared

    init(logger: Logger) {
        self.logger = logger
    }

    /// How many are under way.
    var count: Int { state.withLock { $0.entries.count } }

    /// Takes a call in.
    ///
    /// - Parameter onCancel: told, once, that an answer is not wanted any more.
    /// - Returns: its id, or `nil` if the book is closed.
    func open(
        _ call: PluginCall, _ handler: PluginCallHandler,
        onCancel: @escaping @Sendable (UInt64) -> Void
    ) -> UInt64? {
        let id = state.withLock { state -> UInt64? in
            guard !state.isClosed else { return nil }
            defer { state.next += 1 }
            state.entries[state.next] = Entry(call: call, handler: handler)
            return state.next
        }
        guard let id, let limit = call.nanoseconds else { return id }
        let timer = timers.add(after: limit) { [weak self] in
            self?.overdue(id, limit, onCancel)
        }
        let isStill = state.withLock { state -> Bool in
            state.entries[id]?.timer = timer
            return state.entries[id] != nil
        }
        if !isStill { timers.remove(timer) }
        return id
    }

    /// Keeps the parts of a call until it has ended.
    func keep(_ parts: CallParts, for id: UInt64) {
        state.withLock { $0.entries[id]?.parts = parts }
    }

    /// First it is asked to end, then it is ended without it.
    private func overdue(
        _ id: UInt64, _ limit: UInt64, _ onCancel: @escaping @Sendable (UInt64) -> Void
    ) {
        guard cancel(id) else { return }
        onCancel(id)
        let timer = timers.add(after: CallLimits.cancelNanoseconds) { [weak self] in
            self?.end(
                id,
                .failure(
                    PluginFailure(
                        code: fan_code(FAN_DEADLINE), retry: .later, reason: "plugin.hung",
                        message: "the call did not end within \(limit / 1_000_000) ms, nor when "
                            + "it was cancelled")))
        }
        state.withLock { $0.entries[id]?.timer = timer }
    }

    /// Marks a call as not wanted.
    ///
    /// - Returns: whether it is under way and was not cancelled before.
    func cancel(_ id: UInt64) -> Bool {
        state.withLock { state in
            guard state.entries[id]?.isCancelled == false else { return false }
            state.entries[id]?.isCancelled = true
            return true
        }
    }

    /// Whether an answer is not wanted; also of a call that is not there.
    func isCancelled(_ id: UInt64) -> Bool {
        state.withLock { $0.entries[id]?.isCancelled ?? true }
    }

    /// Whether a call is under way.
    func contains(_ id: UInt64) -> Bool { state.withLock { $0.entries[id] != nil } }

    /// Hands on what comes before the end.
    ///
    /// - Returns: whether there is such a call, and its answer is wanted.
    func progress(_ id: UInt64, _ answer: PluginAnswer) -> Bool {
        guard let entry = state.withLock({ $0.entries[id] }), !entry.isCancelled else {
            return false
        }
        entry.handler.progress(answer)
        return true
    }

    /// Ends a call, once.
    ///
    /// - Returns: whether it was under way.
    @discardableResult
    func end(_ id: UInt64, _ result: Result<PluginAnswer, PluginFailure>) -> Bool {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: id) }) else {
            logger.warning(
                "plugin breaks the contract",
                metadata: ["what": "host->complete for operation \(id), which does not exist"])
            return false
        }
        if let timer = entry.timer { timers.remove(timer) }
        entry.handler.done(result)
        state.wake()
        return true
    }

    /// Takes nothing more in; waits until all have ended, and ends those that do not.
    func close(onCancel: (UInt64) -> Void) {
        let ids = state.withLock { state in
            state.isClosed = true
            return state.entries.keys.sorted()
        }
        for id in ids where cancel(id) { onCancel(id) }
        let limit = HostTable.monotonicNow() + CallLimits.cancelNanoseconds
        _ = state.wait(until: limit) { $0.entries.isEmpty ? true : nil }
        endAll(
            PluginFailure(
                code: fan_code(FAN_CANCELLED), reason: "plugin.closed",
                message: "the plugin's instance was ended before the call was"))
    }

    /// Ends all that is under way with one failure.
    func endAll(_ failure: PluginFailure) {
        let entries = state.withLock { state -> [Entry] in
            defer { state.entries = [:] }
            return state.entries.keys.sorted().compactMap { state.entries[$0] }
        }
        for entry in entries {
            if let timer = entry.timer { timers.remove(timer) }
            entry.handler.done(.failure(failure))
        }
        state.wake()
    }
}

/// The limits of asynchronous calls.
package enum CallLimits {
    /// Time that a cancelled call has to end, in nanoseconds.
    package static let cancelNanoseconds: UInt64 = 2_000_000_000
    /// Threads that one instance may have through `fanfold.lane/1` at a time.
    package static let spawnedThreads = 64
    /// Things that one instance may have in wait through `fanfold.lane/1`.
    package static let waiting = 65_536
}

/// One thread that does things at their time.
final class CallTimers: Sendable {
    private struct State {
        var due: [(time: UInt64, id: UInt64, body: @Sendable () -> Void)] = []
        var next: UInt64 = 1
        var isRunning = false
        var hasChanged = false
    }

    /// The one of this process.
    static let shared = CallTimers()

    private let state = Monitor(State())

    /// Has `body` called on the timers' thread; it must not block.
    func add(after nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> UInt64 {
        let (time, overflow) = HostTable.monotonicNow().addingReportingOverflow(nanoseconds)
        let (id, mustStart) = state.withLock { state -> (UInt64, Bool) in
            defer { state.next += 1 }
            let place = state.due.firstIndex { $0.time > time } ?? state.due.count
            state.due.insert((overflow ? .max : time, state.next, body), at: place)
            state.hasChanged = true
            defer { state.isRunning = true }
            return (state.next, !state.isRunning)
        }
        if mustStart { startThread(name: "call-timers") { [self] in run() } } else { state.wake() }
        return id
    }

    /// Forgets one; nothing if it has been done.
    func remove(_ id: UInt64) {
        state.withLock { $0.due.removeAll { $0.id == id } }
    }

    private func run() {
        while true {
            let due = state.withLock { state -> [@Sendable () -> Void] in
                state.hasChanged = false
                let now = HostTable.monotonicNow()
                let count = state.due.prefix { $0.time <= now }.count
                defer { state.due.removeFirst(count) }
                return state.due.prefix(count).map(\.body)
            }
            for body in due { body() }
            let next = state.withLock { $0.due.first?.time }
            _ = state.wait(until: next) { $0.hasChanged ? true : nil }
        }
    }
}
