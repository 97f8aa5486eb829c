import FanfoldCore
import FanfoldWire

/// What the journal keeps of a worker, so that it is known when it comes back.
struct WorkerLabel: Hashable, Sendable {
    /// Random, made once by the worker.
    var uid: String
    /// For people.
    var name: String
    var milliCores: Int64
    var memoryBytes: Int64
    /// What it says of itself, for people: the processor, the host.
    var description: String
    /// The version of its program.
    var build: String
    /// What it is called when a subtask asks for something by label.
    var labels: [String]
    /// Its GPUs, in the order of its ledger's devices.
    var gpus: [GPU]
    /// When it joined, in milliseconds since 1970.
    var joined: Int64

    /// One of its GPUs.
    struct GPU: Hashable, Sendable {
        var name: String
        var uuid: String
        var memoryBytes: Int64
        var place = DevicePlace.unknown
    }

    /// GPUs that a worker may say it has.
    static let maximumGPUs = 64

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.byte(3)
        writer.string(uid)
        writer.string(name)
        writer.zigzag(milliCores)
        writer.zigzag(memoryBytes)
        writer.string(description)
        writer.string(build)
        writer.varint(UInt64(labels.count))
        for label in labels { writer.string(label) }
        writer.varint(UInt64(gpus.count))
        for gpu in gpus {
            writer.string(gpu.name)
            writer.string(gpu.uuid)
            writer.zigzag(gpu.memoryBytes)
            writer.byte(gpu.place.node)
            writer.byte(gpu.place.link)
        }
        writer.zigzag(joined)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        // Labels of before places were told read as they were written.
        let hasPlaces = try reader.version(from: 2, to: 3) > 2
        uid = try reader.string()
        name = try reader.string()
        milliCores = try reader.zigzag()
        memoryBytes = try reader.zigzag()
        description = try reader.string()
        build = try reader.string()
        labels = []
        for _ in 0..<(try reader.count()) { labels.append(try reader.string()) }
        gpus = []
        for _ in 0..<(try reader.count()) {
            gpus.append(
                GPU(
                    name: try reader.string(), uuid: try reader.string(),
                    memoryBytes: try reader.zigzag(),
                    place: hasPlaces
                        ? DevicePlace(node: try reader.byte(), link: try reader.byte()) : .unknown))
        }
        joined = try reader.zigzag()
        try reader.finish()
    }

    /// Thousandths of a core that a worker may say it has.
    static let maximumMilliCores: Int64 = 1 << 30
    /// Bytes of memory, or of a device's memory, that a worker may say it has.
    static let maximumMemoryBytes: Int64 = 1 << 48

    /// - Parameter uid: who it is, as its connection proves.
    init(_ hello: WireHello, uid: String, joined: Int64) {
        let has = hello.capabilities
        func smaller(_ value: Int64, _ limit: Int64) -> Int64 {
            limit > 0 ? min(value, limit) : value
        }
        self.uid = uid
        name = hello.name.isEmpty ? String(uid.prefix(8)) : hello.name
        // What it says is summed up with what others say.
        milliCores = min(
            Self.maximumMilliCores, max(0, smaller(has.milliCores, has.cgroupMilliCores)))
        memoryBytes = min(
            Self.maximumMemoryBytes, max(0, smaller(has.memoryBytes, has.cgroupMemoryBytes)))
        description = [has.hostName, has.cpuModel, has.operatingSystem, has.architecture]
            .filter { !$0.isEmpty }.joined(separator: ", ")
        build = hello.build
        labels = has.labels.map { "\($0.key)=\($0.value)" }.sorted()
        gpus = has.gpus.prefix(Self.maximumGPUs).map { gpu in
            GPU(
                name: gpu.name, uuid: gpu.uuid,
                memoryBytes: min(Self.maximumMemoryBytes, max(0, gpu.memoryBytes)),
                place: DevicePlace(
                    node: UInt8(clamping: gpu.memoryNode), link: UInt8(clamping: gpu.linkGroup)))
        }
        self.joined = joined
    }
}

extension WorkerLabel {
    /// What the coordinator may place on the worker.
    var capacity: ResourceVector {
        ResourceVector(
            milliCores: milliCores, memoryBytes: memoryBytes,
            devices: gpus.map { DeviceVector(memoryBytes: $0.memoryBytes, place: $0.place) })
    }
}

extension WorkerUse {
    /// What a heartbeat says, within what a worker may say.
    init(_ beat: WireHeartbeat) {
        func bounded(_ value: Int64, _ limit: Int64) -> Int64 { min(limit, max(0, value)) }
        self.init(
            milliCores: bounded(beat.milliCores, WorkerLabel.maximumMilliCores),
            memoryBytes: bounded(beat.memoryBytes, WorkerLabel.maximumMemoryBytes),
            freeDiskBytes: bounded(beat.diskBytes, .max),
            graphics: zip(beat.gpuPercents, beat.gpuUsedBytes).prefix(WorkerLabel.maximumGPUs).map {
                GraphicsUse(
                    percent: min(100, Int($0)),
                    memoryBytes: bounded($1, WorkerLabel.maximumMemoryBytes))
            })
    }
}
