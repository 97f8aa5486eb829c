/// How large a worker is, where whoever rents it out leaves that to the user.
public struct WorkerSize: Decodable, Sendable, Hashable {
    /// Processors.
    public var cpus: Double
    /// Memory in mebibytes.
    public var memoryMiB: Int64
    /// GPUs.
    public var gpus: Int
    /// Memory of each GPU in mebibytes; `nil` if nobody said.
    public var gpuMemoryMiB: Int64?

    private enum CodingKeys: String, CodingKey {
        case cpus, gpus
        case memoryMiB = "memory-mib"
        case gpuMemoryMiB = "gpu-memory-mib"
    }

    /// Memory of each GPU in bytes; `nil` if nobody said.
    public var gpuMemoryBytes: Int64? { gpuMemoryMiB.map { $0 << 20 } }

    /// What the boot data of a worker are told where a job has a part of its machine: what it has,
    /// and that nobody wants its state when it has ended.
    public var pilot: [String: String] {
        [
            "FANFOLD_CPUS": cpus == cpus.rounded() ? "\(Int64(cpus))" : "\(cpus)",
            "FANFOLD_MEMORY": "\(memoryMiB)MiB", "FANFOLD_SCRATCH": "1",
        ]
    }

    /// Reads a size; GPUs need not be said.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        cpus = try object.decode(Double.self, forKey: .cpus)
        memoryMiB = try object.decode(Int64.self, forKey: .memoryMiB)
        gpus = try object.decodeIfPresent(Int.self, forKey: .gpus) ?? 0
        gpuMemoryMiB = try object.decodeIfPresent(Int64.self, forKey: .gpuMemoryMiB)
    }
}
