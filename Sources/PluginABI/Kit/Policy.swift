/// Says how well kinds of workers suit requests.
///
/// The host asks ahead, keeps the scores, and chooses by them among the workers that have room; what
/// is not answered in time it decides itself.  Calls never overlap and may come from any thread.
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
    /// A function of what it is given: another instance may be asked the same again.
    ///
    /// Returns: A finite number; another one fails the call.
    func score(
        _ request: ShapeRequest, on workers: WorkerGroup
    ) throws(PluginError) -> Double
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
