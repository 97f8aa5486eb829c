import FanfoldCore

/// What outlives the process besides the scaler itself: what the pools were offered, since a provider
/// may not answer when the next process starts.
struct ScalingMemory: Hashable, Sendable {
    /// The version of the bytes; the first has nothing of other currencies.
    private static let version: UInt8 = 2

    /// What each pool may be given.
    var offerings: [String: [ScalingOffering]] = [:]
    /// The currency of the prices; empty before the first.
    var currency = ""
    /// What was spent in other currencies while the budget was in them, in millionths.
    var spentBefore: [String: Int64] = [:]

    func bytes(_ scaler: Scaler) -> [UInt8] {
        var writer = ByteWriter()
        writer.byte(Self.version)
        writer.string(currency)
        writer.varint(UInt64(offerings.count))
        for (pool, list) in offerings.sorted(by: { $0.key < $1.key }) {
            writer.string(pool)
            writer.varint(UInt64(list.count))
            for offering in list { Self.put(offering, &writer) }
        }
        writer.varint(UInt64(spentBefore.count))
        for (currency, micros) in spentBefore.sorted(by: { $0.key < $1.key }) {
            writer.string(currency)
            writer.zigzag(micros)
        }
        writer.blob(scaler.encoded())
        return writer.bytes
    }

    init() {}

    /// Reads what ``bytes(_:)`` wrote; what is left are the bytes of the scaler.
    init(_ bytes: [UInt8], scaler: inout [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard (1...Self.version).contains(version) else {
            throw CodingError(.unknownVersion(version), at: 0)
        }
        currency = try reader.string()
        for _ in 0..<(try reader.count()) {
            let pool = try reader.string()
            var list: [ScalingOffering] = []
            for _ in 0..<(try reader.count()) { list.append(try Self.get(&reader)) }
            offerings[pool] = list
        }
        if version > 1 {
            for _ in 0..<(try reader.count()) {
                spentBefore[try reader.string()] = try reader.zigzag()
            }
        }
        scaler = Array(try reader.blob())
        try reader.finish()
    }

    private static func put(_ offering: ScalingOffering, _ writer: inout ByteWriter) {
        writer.string(offering.name)
        writer.zigzag(offering.resources.milliCores)
        writer.zigzag(offering.resources.memoryBytes)
        writer.varint(UInt64(offering.resources.devices.count))
        for device in offering.resources.devices { writer.zigzag(device.memoryBytes) }
        writer.varint(UInt64(offering.labels.count))
        for label in offering.labels { writer.string(label) }
        writer.zigzag(offering.microsPerHour)
        writer.bool(offering.isSpot)
        writer.double(offering.interruptionsPerHour)
        writer.varint(offering.bootNanoseconds)
    }

    private static func get(_ reader: inout ByteReader) throws(CodingError) -> ScalingOffering {
        let name = try reader.string()
        let cores = try reader.zigzag()
        let memory = try reader.zigzag()
        var devices: [DeviceVector] = []
        for _ in 0..<(try reader.count()) {
            devices.append(DeviceVector(memoryBytes: try reader.zigzag()))
        }
        var labels: [String] = []
        for _ in 0..<(try reader.count()) { labels.append(try reader.string()) }
        var offering = ScalingOffering(
            name: name,
            resources: ResourceVector(milliCores: cores, memoryBytes: memory, devices: devices),
            microsPerHour: try reader.zigzag())
        offering.labels = labels
        offering.isSpot = try reader.bool()
        offering.interruptionsPerHour = try reader.double()
        offering.bootNanoseconds = try reader.varint()
        // Whether it is given out is asked anew.
        offering.isAvailable = false
        return offering
    }
}
