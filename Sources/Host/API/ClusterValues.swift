/// How far a worker is.
package enum WorkerStatus: String, Hashable, Sendable, CaseIterable {
    /// It takes subtasks.
    case active
    /// Nothing was heard of it for a while; what it has may still come.
    case unknown
    /// It finishes what it runs.
    case draining
    /// It is gone.
    case lost
    /// It is not let in any more.
    case revoked
    /// Too much failed on it that succeeds elsewhere: it gets nothing new for a while.
    case quarantined
}

/// An amount of everything that can be reserved.
package struct ResourceAmounts: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64
    /// GPUs, in thousandths.
    package var milliGPUs: Int64

    /// An amount.
    package init(milliCores: Int64, memoryBytes: Int64, milliGPUs: Int64 = 0) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.milliGPUs = milliGPUs
    }
}

/// A worker.
package struct WorkerDetail: Hashable, Sendable {
    /// Its number; a machine that comes back has another.
    package var id: UInt64
    /// The name that it joined with.
    package var name: String
    /// How far it is.
    package var status: WorkerStatus
    /// Where it connected from; `nil` for one inside the coordinator.
    package var address: String?
    /// The version of its program.
    package var version: String
    /// What it offers.
    package var total: ResourceAmounts
    /// What of it is not reserved.
    package var free: ResourceAmounts
    /// What its machine uses, as it measured last.
    package var measured: ResourceAmounts?
    /// `key=value`, sorted.
    package var labels: [String]
    /// The model of its processor, if it said so.
    package var processor: String?
    /// Its GPUs.
    package var gpus: [GPUDetail] = []
    /// Bytes that are free on the disk that it works on, as it measured last.
    package var freeDiskBytes: Int64?
    /// Why it gets nothing new, while it is in quarantine.
    package var quarantine: QuarantineDetail?
    /// Attempts that run on it.
    package var running: Int
    /// Attempts queued on it.
    package var queued: Int
    /// When it joined.
    package var joined: Timestamp
    /// When it was heard last.
    package var heard: Timestamp

    /// A worker.
    package init(
        id: UInt64, name: String, status: WorkerStatus, address: String? = nil, version: String,
        total: ResourceAmounts, free: ResourceAmounts, measured: ResourceAmounts? = nil,
        labels: [String] = [], processor: String? = nil, running: Int = 0, queued: Int = 0,
        joined: Timestamp, heard: Timestamp
    ) {
        self.id = id
        self.name = name
        self.status = status
        self.address = address
        self.version = version
        self.total = total
        self.free = free
        self.measured = measured
        self.labels = labels
        self.processor = processor
        self.running = running
        self.queued = queued
        self.joined = joined
        self.heard = heard
    }
}

/// A GPU of a worker.
package struct GPUDetail: Hashable, Sendable {
    /// The model.
    package var name: String
    /// Which one it is, on whatever machine.
    package var uuid: String
    /// Bytes of its own memory.
    package var memoryBytes: Int64
    /// The memory node (NUMA) it is attached to, counted from 0; `nil` where nobody knows.
    package var memoryNode: Int?
    /// The group of GPUs of the worker that are linked directly to one another (NVLink), counted
    /// from 1; `nil` for one without links.
    package var linkGroup: Int?
    /// What of its time is not reserved, in thousandths; `nil` for one of a worker that is gone.
    package var freeMilli: Int64?
    /// Bytes of its memory that are not reserved.
    package var freeMemoryBytes: Int64?
    /// Bytes of it in use; `nil` if it is not measured.
    package var usedMemoryBytes: Int64?
    /// How much of the last moment it was busy, 0 to 100; `nil` if it is not measured.
    package var busyPercent: Int?

    /// A GPU.
    package init(name: String, uuid: String, memoryBytes: Int64) {
        self.name = name
        self.uuid = uuid
        self.memoryBytes = memoryBytes
    }
}

/// What all active workers have together.
package struct ResourceTotals: Hashable, Sendable {
    /// Workers that take subtasks.
    package var workers: Int
    /// What they offer.
    package var total: ResourceAmounts
    /// What of it is not reserved.
    package var free: ResourceAmounts
    /// What those use that have measured.
    package var measured: ResourceAmounts?
    /// The same as shares.
    package var utilisation: UtilisationDetail?

    /// The sum over all active workers.
    package init(
        workers: Int, total: ResourceAmounts, free: ResourceAmounts,
        measured: ResourceAmounts? = nil
    ) {
        self.workers = workers
        self.total = total
        self.free = free
        self.measured = measured
    }
}

/// What a join token is to be good for.
package struct JoinTokenRequest: Hashable, Sendable {
    /// How long it is good.
    package var lifetimeSeconds: Int64
    /// How many workers may join with it.
    package var maximumUses: Int
    /// Labels that every worker gets that joins with it.
    package var labels: [String]

    /// A token for one worker unless it says otherwise.
    package init(lifetimeSeconds: Int64, maximumUses: Int = 1, labels: [String] = []) {
        self.lifetimeSeconds = lifetimeSeconds
        self.maximumUses = maximumUses
        self.labels = labels
    }
}

/// A join token without its secret.
package struct JoinTokenSummary: Hashable, Sendable {
    /// What it is listed and revoked by.
    package var id: String
    /// When it was made.
    package var created: Timestamp
    /// From when on it is worthless.
    package var expires: Timestamp
    /// How many workers may still join with it.
    package var remainingUses: Int
    /// Labels that every worker gets that joins with it.
    package var labels: [String]

    /// A join token without its secret.
    package init(
        id: String, created: Timestamp, expires: Timestamp, remainingUses: Int,
        labels: [String] = []
    ) {
        self.id = id
        self.created = created
        self.expires = expires
        self.remainingUses = remainingUses
        self.labels = labels
    }
}

/// A join token with its secret, the once.
package struct NewJoinToken: Hashable, Sendable {
    /// What lists show of it.
    package var summary: JoinTokenSummary
    /// What the worker is given.
    package var secret: String

    /// A token that was just made.
    package init(summary: JoinTokenSummary, secret: String) {
        self.summary = summary
        self.secret = secret
    }
}

/// What the store has of a file.
package struct BlobStatus: Hashable, Sendable {
    /// Bytes that it has.
    package var offset: Int64
    /// Whether that is all, and the sum was right.
    package var isComplete: Bool

    /// What the store has of a file.
    package init(offset: Int64, isComplete: Bool) {
        self.offset = offset
        self.isComplete = isComplete
    }
}

/// Bytes that are pulled, so that whoever sends them never has more than a piece in memory.
package struct ByteStream: Sendable {
    /// How many there are, if it is known.
    package var length: Int64?
    /// What they are: `application/json`.
    package var mediaType: String
    /// The next piece, `nil` after the last; not called again after that, nor twice at a time.
    package var next: @Sendable () async throws(ControlError) -> [UInt8]?
    /// Whether it goes on until something ends elsewhere: then it takes the place of an event stream,
    /// and ends with the server.
    package var isLive = false

    /// Bytes that `next` gives.
    package init(
        length: Int64?, mediaType: String,
        next: @escaping @Sendable () async throws(ControlError) -> [UInt8]?
    ) {
        self.length = length
        self.mediaType = mediaType
        self.next = next
    }
}
