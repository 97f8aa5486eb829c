/// What the coordinator knows of queues, and of workers that are kept for somebody.
struct Sharing: Sendable {
    /// The first is the one of runs that name none.
    var queues: [QueueState] = [QueueState(spec: QueueSpec(name: QueueSpec.defaultName))]
    /// What all active workers have.
    var total = ResourceAmount()
    /// Runs that have not ended, by queue and priority: counted and looked up, never walked
    /// through in an order that matters.
    var live: [LiveKey: Int] = [:]
    /// Runs that are paused and have not ended.
    var pausedRuns = 0
    /// The lowest priority of a run that has not ended.
    var lowestPriority = 0
    /// Whether the order of shapes matters at all: more than one queue or priority is in use, or
    /// one has a limit.
    var isShared = false
    /// Workers that are kept for a shape: a worker and a shape at most once each.
    var holds: [Hold] = []
    /// What is known of workers that are not there yet.
    var supply = Supply.given
    /// No worker is sought for a shape that waits for long before this moment.
    var nextClaim = Tick.zero
}

/// What the coordinator knows of a queue.
struct QueueState: Sendable {
    var spec: QueueSpec {
        didSet { ceiling = spec.quota.ceiling }
    }
    /// What its quota and what it may borrow are together.
    private(set) var ceiling: Quota
    /// Whether the configuration names it; one that it does not name any more keeps its runs.
    var isConfigured = true
    var isPaused = false
    /// What its runs hold.
    var use = ResourceAmount()

    init(spec: QueueSpec, isConfigured: Bool = true, isPaused: Bool = false) {
        self.spec = spec
        self.isConfigured = isConfigured
        self.isPaused = isPaused
        ceiling = spec.quota.ceiling
    }

    /// Whether something other than its weight matters.
    var isRestricted: Bool { isPaused || spec.quota.isLimited }

    /// Whether it holds more than its quota, or would with so much more.
    func isOverQuota(with more: ResourceAmount = ResourceAmount()) -> Bool {
        spec.quota.exceeded(by: use + more) != nil
    }

    /// Whether it holds more than it may, or would with so much more, what it may borrow included.
    func isOverCeiling(with more: ResourceAmount = ResourceAmount()) -> Bool {
        ceiling.exceeded(by: use + more) != nil
    }

    /// What it would hold with so much more, as a dominant share over its weight.
    func share(of total: ResourceAmount, with more: ResourceAmount = ResourceAmount()) -> Double {
        (use + more).dominantShare(of: total) / Double(spec.weight)
    }
}

/// A queue and a priority.
struct LiveKey: Hashable, Sendable {
    var queue: Int
    var priority: Int
}

/// A worker that is kept for a shape: no other shape gets a slot there.
struct Hold: Hashable, Sendable {
    var worker: Int
    var shape: Int
    /// Slots that the shape is still to get there.
    var wanted: Int
    /// A lease: after this moment the worker is everybody's again.
    var until: Tick
    /// Whether room was made by ending attempts there.
    var isPreemptive: Bool
}
