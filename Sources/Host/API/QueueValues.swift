/// What a queue may hold at a time; `nil` in a dimension for as much as there is.
package struct QueueQuota: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64?
    /// Bytes of memory.
    package var memoryBytes: Int64?
    /// GPUs, in thousandths.
    package var milliGPUs: Int64?
    /// Whether it may hold more while no queue within its quota could use it.
    package var mayBorrow: Bool
    /// How much more at most; `nil` if it may not, or as much as idles.
    package var mostBorrowed: QueueBorrowing?

    /// A quota.
    package init(
        milliCores: Int64? = nil, memoryBytes: Int64? = nil, milliGPUs: Int64? = nil,
        mayBorrow: Bool = false, mostBorrowed: QueueBorrowing? = nil
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.milliGPUs = milliGPUs
        self.mayBorrow = mayBorrow
        self.mostBorrowed = mostBorrowed
    }
}

/// How much more than its quota a queue may hold; `nil` in a dimension for whatever idles.
package struct QueueBorrowing: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64?
    /// Bytes of memory.
    package var memoryBytes: Int64?
    /// GPUs, in thousandths.
    package var milliGPUs: Int64?

    /// A limit.
    package init(
        milliCores: Int64? = nil, memoryBytes: Int64? = nil, milliGPUs: Int64? = nil
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.milliGPUs = milliGPUs
    }
}

/// A queue with its numbers.
package struct QueueDetail: Hashable, Sendable {
    /// Its name.
    package var name: String
    /// Twice the weight, twice the share.
    package var weight: Int
    /// What it may hold at a time.
    package var quota: QueueQuota
    /// The highest priority of runs whose submitter is no admin.
    package var maximumPriority: Int
    /// The names of the tokens whose runs may be in it, besides those of admins; `nil` for all.
    package var users: [String]?
    /// Whether the settings name it: if not, it takes no new runs.
    package var isConfigured = true
    /// Whether nothing more of it is started.
    package var isPaused = false
    /// What its runs hold.
    package var used = ResourceAmounts(milliCores: 0, memoryBytes: 0)
    /// That, as a dominant share: 1 is all that active workers have.
    package var share = 0.0
    /// What of it is more than the quota.
    package var borrowed = ResourceAmounts(milliCores: 0, memoryBytes: 0)
    /// Runs that have not ended.
    package var runs = 0
    /// Those of them that are paused by themselves.
    package var pausedRuns = 0
    /// Slots that its runs hold: what runs, and what is about to.
    package var running = 0
    /// Subtasks that could be placed.
    package var waiting = 0
    /// Since when what waits longest has got no slot.
    package var waitingSince: Timestamp?

    /// A queue that holds nothing.
    package init(name: String, weight: Int, quota: QueueQuota, maximumPriority: Int) {
        self.name = name
        self.weight = weight
        self.quota = quota
        self.maximumPriority = maximumPriority
    }
}

/// Why a worker gets nothing new, and for how long.
package struct QuarantineDetail: Hashable, Sendable {
    /// For programs.
    package var code: String
    /// For people.
    package var sentence: String
    /// Since when, if that is known.
    package var since: Timestamp?
    /// When it gets another chance.
    package var until: Timestamp

    /// A quarantine.
    package init(code: String, sentence: String, since: Timestamp?, until: Timestamp) {
        self.code = code
        self.sentence = sentence
        self.since = since
        self.until = until
    }
}

/// How much of what the active workers have is reserved, each counted by its size, and how much of
/// that is used.
package struct UtilisationDetail: Hashable, Sendable {
    /// The share of the cores, 0 to 1; `nil` where there are none, as with the others.
    package var cpu: Double?
    /// The share of the memory.
    package var memory: Double?
    /// The share of the GPUs, on workers that have any.
    package var gpu: Double?
    /// The mean of these.
    package var overall: Double
    /// What is used of what is reserved, on workers that have measured.
    package var efficiency: Double?

    /// Shares.
    package init(
        cpu: Double?, memory: Double?, gpu: Double?, overall: Double, efficiency: Double?
    ) {
        self.cpu = cpu
        self.memory = memory
        self.gpu = gpu
        self.overall = overall
        self.efficiency = efficiency
    }
}
