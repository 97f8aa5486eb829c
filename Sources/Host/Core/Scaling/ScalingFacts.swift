/// Subtasks of one shape that want to run.
package struct ScalingDemand: Hashable, Sendable {
    /// What each needs.
    package var request: ResourceRequest
    /// How many are ready, or will be within the time that a worker takes to boot.
    package var count: Int
    /// How long each is expected to run, in nanoseconds; `nil` where nothing is known.
    package var nanoseconds: UInt64?
    /// The run, if it has a deadline.
    package var run: RunID?
    /// The task that will want them, if it has not begun.
    package var expected: ExpectedTask?
    /// How long those that run have run together, in nanoseconds; said of runs with a deadline.
    package var ranNanoseconds: UInt64 = 0

    /// So many subtasks.
    package init(
        request: ResourceRequest, count: Int, nanoseconds: UInt64? = nil, run: RunID? = nil
    ) {
        self.request = request
        self.count = count
        self.nanoseconds = nanoseconds
        self.run = run
    }

    /// Slots that begin all of it within the horizon.
    func slots(within horizon: UInt64) -> Int {
        guard let nanoseconds, horizon > 0 else { return count }
        let wanted = (Double(count) * Double(nanoseconds) / Double(horizon)).rounded(.up)
        return min(count, max(1, Int(min(wanted, 1e9))))
    }
}

/// A worker as its provider lists it, and what the coordinator knows of it.
package struct ScalingWorker: Hashable, Sendable {
    /// The provider's name of it.
    package var name: String
    /// From its tags: the pool.
    package var pool: String
    /// From its tags: the offering.
    package var offering: String
    /// From its tags: the launch that made it.
    package var launch: UInt64
    /// Whether it has joined and takes work.
    package var isReady = true
    /// What runs on it: requests and how many of each.
    package var running: [ScalingDemand] = []
    /// Since when nothing has run on it.
    package var idleSince: Tick?
    /// Work that would be lost if it ended now, in nanoseconds.
    package var workNanoseconds: UInt64 = 0
    /// Whether its provider has said that it will take it back.
    package var isInterrupted = false

    /// A worker that is ready and idle.
    package init(name: String, pool: String, offering: String, launch: UInt64) {
        self.name = name
        self.pool = pool
        self.offering = offering
        self.launch = launch
    }
}

/// One consistent look at everything that scaling depends on.
package struct ScalingFacts: Hashable, Sendable {
    /// When it was taken.
    package var at: Tick
    /// What wants to run.
    package var demand: [ScalingDemand] = []
    /// What is left of runs that have a deadline.
    package var runs: [ScalingRun] = []
    /// Every worker with our tag that the providers list.
    package var workers: [ScalingWorker] = []
    /// Pools whose provider could not be asked: what is not listed there is not gone.
    package var unlisted: Set<String> = []
    /// Load that is expected when a worker launched now is ready, in workers kept fully busy, for
    /// each pool; where there is none, the scaler forecasts by what it has seen itself.
    package var forecasts: [String: Double] = [:]

    /// Nothing wants to run, nothing is there.
    package init(at: Tick) { self.at = at }
}
