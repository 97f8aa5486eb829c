/// What can be free of a worker's devices, each combination once.
///
/// The devices of a set stand in order, the fullest first, whichever they are on the worker: two
/// workers with the same share free are alike, wherever it is.
struct DeviceSets: Sendable {
    private(set) var sets: ContiguousArray<[DeviceVector]> = [[]]
    /// Thousandths free in all devices of a set.
    private(set) var milli: ContiguousArray<Int64> = [0]
    /// Looked up only, never walked through.
    private var indices: [[DeviceVector]: Int32] = [[]: 0]
    private var steps: [Step: Int32] = [:]

    private struct Step: Hashable {
        var set: Int32
        var position: Int32
        var milli: Int64
        var memoryBytes: Int64
    }

    var count: Int { sets.count }

    subscript(set: Int32) -> [DeviceVector] { sets[Int(set)] }

    /// The set with these devices, in whatever order.
    mutating func intern(_ devices: [DeviceVector]) -> Int32 {
        if devices.isEmpty { return 0 }
        let ordered = Self.order(devices).map { devices[$0] }
        if let known = indices[ordered] { return known }
        let index = Int32(sets.count)
        sets.append(ordered)
        milli.append(ordered.reduce(0) { $0 + $1.milli })
        indices[ordered] = index
        return index
    }

    /// The numbers of devices, the fullest first; of those alike the one with the least number.
    static func order(_ devices: [DeviceVector]) -> [Int] {
        devices.indices.sorted {
            (devices[$0].milli, devices[$0].memoryBytes, $0)
                < (devices[$1].milli, devices[$1].memoryBytes, $1)
        }
    }

    /// The positions that a request could take: each one of which a device is enough, or the
    /// fullest that together are; without those that are like an earlier one.
    func choices(for request: ResourceRequest, in set: Int32) -> [[Int]] {
        let devices = sets[Int(set)]
        let able = devices.indices.filter { Self.fits(request, devices[$0]) }
        guard able.count >= request.devices else { return [] }
        guard request.devices == 1 else { return [Array(able.prefix(request.devices))] }
        return able.filter { $0 == 0 || devices[$0 - 1] != devices[$0] }.map { [$0] }
    }

    /// Whether a set has as many devices with room as are asked for.
    func fits(_ request: ResourceRequest, in set: Int32) -> Bool {
        var able = 0
        for device in sets[Int(set)] where Self.fits(request, device) {
            able += 1
            if able >= request.devices { return true }
        }
        return request.devices == 0
    }

    private static func fits(_ request: ResourceRequest, _ device: DeviceVector) -> Bool {
        device.milli >= request.deviceMilli && device.memoryBytes >= request.deviceMemoryBytes
    }

    /// The first positions that have room; what is taken where nothing is to be chosen.
    func firstChoice(for request: ResourceRequest, in set: Int32) -> [Int] {
        guard request.devices > 0 else { return [] }
        let devices = sets[Int(set)]
        var found: [Int] = []
        for position in devices.indices where Self.fits(request, devices[position]) {
            found.append(position)
            if found.count == request.devices { break }
        }
        return found
    }

    /// What is left of a set when a request takes these positions.
    mutating func taking(
        _ request: ResourceRequest, at positions: [Int], of set: Int32
    ) -> Int32 {
        guard let first = positions.first else { return set }
        let step = Step(
            set: set, position: Int32(first) | Int32(positions.count) << 16,
            milli: request.deviceMilli, memoryBytes: request.deviceMemoryBytes)
        if let known = steps[step] { return known }
        var devices = sets[Int(set)]
        for position in positions {
            devices[position].milli -= request.deviceMilli
            devices[position].memoryBytes -= request.deviceMemoryBytes
        }
        let left = intern(devices)
        steps[step] = left
        return left
    }
}
