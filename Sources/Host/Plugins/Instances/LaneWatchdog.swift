import Synchronization

/// What one lane is doing, for the watchdog.
final class LaneWatch: Sendable {
    /// The deadline of a job that was reported already.
    private static let reported = UInt64.max

    /// When the running job must have ended; 0 if none runs.
    private let deadline = Atomic<UInt64>(0)
    private let tag = Atomic<UInt64>(0)
    private let onOverrun: @Sendable (UInt64) -> Void

    init(onOverrun: @escaping @Sendable (UInt64) -> Void) {
        self.onOverrun = onOverrun
    }

    /// Whether the running job was reported.
    var isOverrun: Bool { deadline.load(ordering: .acquiring) == Self.reported }

    func begin(_ deadline: UInt64, tag: UInt64, _ watchdog: LaneWatchdog) {
        self.tag.store(tag, ordering: .relaxed)
        self.deadline.store(deadline, ordering: .sequentiallyConsistent)
        watchdog.expect(deadline)
    }

    func end() {
        deadline.store(0, ordering: .releasing)
    }

    /// Reports the job if it is late, once.
    ///
    /// Returns: When to look again; `nil` if nothing runs.
    func look(at now: UInt64) -> UInt64? {
        let deadline = deadline.load(ordering: .sequentiallyConsistent)
        guard deadline != 0, deadline != Self.reported else { return nil }
        guard deadline <= now else { return deadline }
        let tag = tag.load(ordering: .relaxed)
        let (isStill, _) = self.deadline.compareExchange(
            expected: deadline, desired: Self.reported, ordering: .acquiringAndReleasing)
        if isStill { onOverrun(tag) }
        return nil
    }
}

/// One thread that watches the deadlines of all lanes.
///
/// It sleeps until the nearest deadline that it knows.  A job that has a later one, which is nearly
/// every job, costs its lane two stores and a load.
final class LaneWatchdog: Sendable {
    private struct State {
        var watches: [ObjectIdentifier: LaneWatch] = [:]
        var isRunning = false
        var isDirty = false
    }

    /// The one of this process.
    static let shared = LaneWatchdog()

    private let state = Monitor(State())
    /// When the thread looks next.
    private let next = Atomic<UInt64>(.max)

    func add(_ watch: LaneWatch) {
        let mustStart = state.withLock { state in
            state.watches[ObjectIdentifier(watch)] = watch
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart {
            startThread(name: "lane-watchdog") { [self] in run() }
        }
    }

    func remove(_ watch: LaneWatch) {
        state.withLock { state in
            _ = state.watches.removeValue(forKey: ObjectIdentifier(watch))
        }
    }

    /// A job is to end by `deadline`.
    func expect(_ deadline: UInt64) {
        guard deadline < next.load(ordering: .sequentiallyConsistent) else { return }
        state.withLock { $0.isDirty = true }
        state.wake()
    }

    private func run() {
        while true {
            // First, so that a lane which begins a job during the look wakes us again.
            next.store(.max, ordering: .sequentiallyConsistent)
            let watches = state.withLock { state in
                state.isDirty = false
                return Array(state.watches.values)
            }
            let now = HostTable.monotonicNow()
            let nearest = watches.compactMap { $0.look(at: now) }.min() ?? .max
            next.store(nearest, ordering: .sequentiallyConsistent)
            _ = state.wait(until: nearest) { state in state.isDirty ? true : nil }
        }
    }
}
