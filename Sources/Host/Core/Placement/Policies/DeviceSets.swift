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
        /// A bit for each position.
        var positions: UInt64
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

    /// The numbers of devices, the fullest first; of those alike the one whose links lead to the
    /// fullest, then the one with the least number.
    static func order(_ devices: [DeviceVector]) -> [Int] {
        guard devices.contains(where: { $0.place.link > 0 }) else {
            return devices.indices.sorted {
                (devices[$0].milli, devices[$0].memoryBytes, $0)
                    < (devices[$1].milli, devices[$1].memoryBytes, $1)
            }
        }
        var linked: [UInt8: Int64] = [:]
        for device in devices { linked[device.place.link, default: 0] += device.milli }
        linked[0] = 0
        return devices.indices.sorted { first, second in
            let (one, other) = (devices[first], devices[second])
            return (one.milli, one.memoryBytes, linked[one.place.link] ?? 0, first)
                < (other.milli, other.memoryBytes, linked[other.place.link] ?? 0, second)
        }
    }

    /// The positions that a request could take: each one of which a device is enough, or the
    /// fullest that together are; without those that are like an earlier one.
    func choices(for request: ResourceRequest, in set: Int32) -> [[Int]] {
        let devices = sets[Int(set)]
        let able = devices.indices.filter { Self.fits(request, devices[$0]) }
        guard request.devices == 1 else {
            let chosen = DeviceVector.together(
                able, of: devices, count: request.devices, topology: request.topology)
            return chosen.map { [$0] } ?? []
        }
        return able.filter { $0 == 0 || !Self.areAlike(devices[$0 - 1], devices[$0]) }.map { [$0] }
    }

    private static func areAlike(_ one: DeviceVector, _ other: DeviceVector) -> Bool {
        one.milli == other.milli && one.memoryBytes == other.memoryBytes
    }

    /// Whether a set has as many devices with room as are asked for.
    func fits(_ request: ResourceRequest, in set: Int32) -> Bool {
        if request.topology != .any, request.devices > 1 {
            return !firstChoice(for: request, in: set).isEmpty
        }
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
        guard request.devices == 1 || devices.allSatisfy({ $0.place == .unknown }) else {
            return choices(for: request, in: set).first ?? []
        }
        guard request.devices == 1 || request.topology == .any else { return [] }
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
        guard let last = positions.last else { return set }
        let step = Step(
            set: set, positions: positions.reduce(0) { $0 | 1 << UInt64($1) },
            milli: request.deviceMilli, memoryBytes: request.deviceMemoryBytes)
        if last < 64, let known = steps[step] { return known }
        var devices = sets[Int(set)]
        for position in positions {
            devices[position].milli -= request.deviceMilli
            devices[position].memoryBytes -= request.deviceMemoryBytes
        }
        let left = intern(devices)
        if last < 64 { steps[step] = left }
        return left
    }
}
