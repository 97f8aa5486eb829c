/// How large a worker is, where whoever rents it out leaves that to the user.
public struct WorkerSize: Decodable, Sendable, Hashable {
    /// Processors.
    public var cpus: Double
    /// Memory in mebibytes.
    public var memoryMiB: Int64
    /// GPUs.
    public var gpus: Int

    private enum CodingKeys: String, CodingKey {
        case cpus, gpus
        case memoryMiB = "memory-mib"
    }

    /// Reads a size; GPUs need not be said.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        cpus = try object.decode(Double.self, forKey: .cpus)
        memoryMiB = try object.decode(Int64.self, forKey: .memoryMiB)
        gpus = try object.decodeIfPresent(Int.self, forKey: .gpus) ?? 0
    }
}
