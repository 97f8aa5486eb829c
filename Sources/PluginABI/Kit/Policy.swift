/// Says how well kinds of workers suit requests.
///
/// The host asks ahead, keeps the scores, and chooses by them among the workers that have room; what
/// is not answered in time it decides itself.  It tells how attempts ended, and asks again from time to
/// time.  Calls never overlap and may come from any thread.
public protocol Policy: SendableMetatype {
    /// What the YAML says under `with:` of `placement:`, with defaults filled in.
    associatedtype Configuration: Decodable

    /// Who the policy is, and the JSON Schema of its configuration.
    static var component: ComponentDescription { get }

    /// Makes an instance.
    ///
    /// Keep `host` if the policy wants its log.
    init(configuration: Configuration, host: HostHandle) throws(PluginError)

    /// How well workers suit a request: higher is better.
    ///
    /// A function of what it is given and of what this instance has observed: another instance, which
    /// has observed nothing, may be asked the same again.
    ///
    /// Returns: A finite number; another one fails the call.
    func score(
        _ request: ShapeRequest, on workers: WorkerGroup
    ) throws(PluginError) -> Double

    /// Takes in how attempts ended, each told once at most; a policy that learns nothing leaves it out.
    ///
    /// Parameter dropped: How many more ended that are not told.
    mutating func observe(_ outcomes: [PlacedOutcome], dropped: UInt64)
}

extension Policy {
    /// Learns nothing.
    public mutating func observe(_ outcomes: [PlacedOutcome], dropped: UInt64) {}
}

/// What a subtask asks for.
public struct ShapeRequest: Decodable, Sendable {
    /// Cores, in parts too.
    public var cpus: Double
    /// Bytes of memory.
    public var memoryBytes: Int64
    /// How many GPUs.
    public var gpus: Int
    /// What it takes of each of them: 1 is all.
    public var gpuShare: Double
    /// Bytes of memory of each of them.
    public var gpuMemoryBytes: Int64
    /// Labels that a worker must have, all of them.
    public var labels: [String]

    enum CodingKeys: String, CodingKey {
        case cpus, gpus, labels
        case memoryBytes = "memory_bytes"
        case gpuShare = "gpu_share"
        case gpuMemoryBytes = "gpu_memory_bytes"
    }

    /// A request, for the tests of a policy.
    public init(
        cpus: Double = 1, memoryBytes: Int64 = 0, gpus: Int = 0, gpuShare: Double = 0,
        gpuMemoryBytes: Int64 = 0, labels: [String] = []
    ) {
        self.cpus = cpus
        self.memoryBytes = memoryBytes
        self.gpus = gpus
        self.gpuShare = gpuShare
        self.gpuMemoryBytes = gpuMemoryBytes
        self.labels = labels
    }
}

/// All workers that have so much in all and the same labels, while they are so full.
public struct WorkerGroup: Decodable, Sendable {
    /// Cores.
    public var cpus: Double
    /// Bytes of memory, in whole GiB.
    public var memoryBytes: Int64
    /// How many GPUs.
    public var gpus: Int
    /// Bytes of memory of the GPU that has least, in whole GiB.
    public var gpuMemoryBytes: Int64
    /// Their labels.
    public var labels: [String]
    /// The most of what is scarcest that is in use: 0, 0.25, 0.5, 0.75 or 1.
    public var usedUpTo: Double
    /// How many workers there are with so much and these labels, however full.
    public var count: Int

    enum CodingKeys: String, CodingKey {
        case cpus, gpus, labels, count
        case memoryBytes = "memory_bytes"
        case gpuMemoryBytes = "gpu_memory_bytes"
        case usedUpTo = "used_up_to"
    }

    /// A group, for the tests of a policy.
    public init(
        cpus: Double = 1, memoryBytes: Int64 = 0, gpus: Int = 0, gpuMemoryBytes: Int64 = 0,
        labels: [String] = [], usedUpTo: Double = 0, count: Int = 1
    ) {
        self.cpus = cpus
        self.memoryBytes = memoryBytes
        self.gpus = gpus
        self.gpuMemoryBytes = gpuMemoryBytes
        self.labels = labels
        self.usedUpTo = usedUpTo
        self.count = count
    }
}

/// How an attempt turned out where it was placed.
public struct PlacedOutcome: Decodable, Sendable {
    /// What it asked for.
    public var request: ShapeRequest
    /// Its worker: one, which was so full at the end of the attempt, the attempt included.
    public var worker: WorkerGroup
    /// `succeeded`, or why it did not: `exit-code`, `out-of-memory`, `timeout`, `worker-lost`,
    /// `preempted`, `cancelled`, `unavailable` and others, more of which may come.
    public var ended: String
    /// Wall time, in nanoseconds.
    public var ranNanoseconds: UInt64
    /// Time on all cores together, in nanoseconds; 0 where this or one of the following was not
    /// measured.
    public var cpuNanoseconds: UInt64
    /// The most memory that it had at a time, in bytes.
    public var peakMemoryBytes: Int64
    /// The most of one GPU's memory that it had at a time, in bytes.
    public var peakGPUMemoryBytes: Int64
    /// Bytes it was given.
    public var bytesIn: UInt64
    /// Bytes it gave.
    public var bytesOut: UInt64
    /// Items it gave.
    public var items: UInt64

    enum CodingKeys: String, CodingKey {
        case request, worker, ended, items
        case ranNanoseconds = "ran_ns"
        case cpuNanoseconds = "cpu_ns"
        case peakMemoryBytes = "peak_memory_bytes"
        case peakGPUMemoryBytes = "peak_gpu_memory_bytes"
        case bytesIn = "bytes_in"
        case bytesOut = "bytes_out"
    }

    /// Reads one; figures that were not measured are 0.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func figure<N: Decodable & FixedWidthInteger>(_ key: CodingKeys) throws -> N {
            try values.decodeIfPresent(N.self, forKey: key) ?? 0
        }
        request = try values.decode(ShapeRequest.self, forKey: .request)
        worker = try values.decode(WorkerGroup.self, forKey: .worker)
        ended = try values.decode(String.self, forKey: .ended)
        ranNanoseconds = try figure(.ranNanoseconds)
        cpuNanoseconds = try figure(.cpuNanoseconds)
        peakMemoryBytes = try figure(.peakMemoryBytes)
        peakGPUMemoryBytes = try figure(.peakGPUMemoryBytes)
        bytesIn = try figure(.bytesIn)
        bytesOut = try figure(.bytesOut)
        items = try figure(.items)
    }

    /// An outcome, for the tests of a policy.
    public init(
        _ request: ShapeRequest = ShapeRequest(), on worker: WorkerGroup = WorkerGroup(),
        ended: String = "succeeded", ranNanoseconds: UInt64 = 0
    ) {
        self.request = request
        self.worker = worker
        self.ended = ended
        self.ranNanoseconds = ranNanoseconds
        (cpuNanoseconds, bytesIn, bytesOut, items) = (0, 0, 0, 0)
        (peakMemoryBytes, peakGPUMemoryBytes) = (0, 0)
    }
}
