import Logging
import Synchronization

/// The lane of an executor or a provider: its calls, and what it asks for through `fanfold.lane/1`.
final class InstanceLane: Sendable {
    private struct State {
        var spawned = 0
        var waiting = 0
        var isClosed = false
    }

    private let lane: Lane
    private let state = Monitor(State())
    private let name: String
    private let logger: Logger

    init(name: String, logger: Logger) {
        self.name = name
        self.logger = logger
        lane = Lane(name: name)
    }

    /// Runs `body` on the lane and waits for it.
    func run<R: Sendable>(_ body: @escaping @Sendable () -> R) -> R {
        let box = Monitor<R?>(nil)
        let isTaken = lane.post {
            let value = body()
            box.withLock { $0 = value }
            box.wake()
        }
        precondition(isTaken, "a lane that was just made takes a job")
        guard let value = box.wait({ $0 }) else {
            preconditionFailure("a job that was taken is done")
        }
        return value
    }

    /// Has `body` run next on the lane; or beside it, for a component that locks for itself.
    ///
    /// - Returns: `false` if the instance is ending or too much waits.
    func post(concurrently: Bool = false, _ body: @escaping @Sendable () -> Void) -> Bool {
        concurrently ? spawn(body) : lane.post(body)
    }

    /// Has `body` run on the lane after some time.
    func after(_ nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.waiting < CallLimits.waiting else { return false }
            state.waiting += 1
            return true
        }
        guard isTaken else { return refuse("after") }
        _ = CallTimers.shared.add(after: nanoseconds) { [self] in
            state.withLock { $0.waiting -= 1 }
            if !state.withLock({ $0.isClosed }) { _ = lane.post(body) }
        }
        return true
    }

    /// Has `body` run on a thread of its own, which is joined before the instance ends.
    func spawn(_ body: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.spawned < CallLimits.spawnedThreads else { return false }
            state.spawned += 1
            return true
        }
        guard isTaken else { return refuse("spawn") }
        startThread(name: name) { [state] in
            body()
            state.withLock { $0.spawned -= 1 }
            state.wake()
        }
        return true
    }

    private func refuse(_ what: String) -> Bool {
        logger.warning(
            "a lane takes no more", metadata: ["function": "\(what)", "instance": "\(name)"])
        return false
    }

    /// Waits for the threads, runs `last` on the lane and ends it.
    func close(_ last: @escaping @Sendable () -> Void = {}) {
        state.withLock { $0.isClosed = true }
        let limit = HostTable.monotonicNow() + CallLimits.cancelNanoseconds
        let isJoined = state.wait(until: limit) { $0.spawned == 0 ? true : nil } ?? false
        // An instance whose thread goes on must not be taken from under it.
        if isJoined { _ = lane.post(last) }
        _ = lane.close()
    }
}
