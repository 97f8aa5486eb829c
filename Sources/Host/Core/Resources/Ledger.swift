/// What of a worker is reserved, by whom; and apart from that, what its processes really use.
///
/// For every dimension `0 <= free <= total`.  Reserving and releasing are idempotent by id.
package struct Ledger: Hashable, Sendable {
    /// What the worker has.
    package let total: ResourceVector
    /// What is not reserved.
    package internal(set) var free: ResourceVector
    /// What the worker measured last; never changes what is free.
    package var measured: MeasuredUse?
    /// Labels of the worker.
    package let labels: [String]
    var reservations: [SlotID: Reservation] = [:]

    struct Reservation: Hashable {
        var milliCores: Int64
        var memoryBytes: Int64
        var deviceMilli: Int64
        var deviceMemoryBytes: Int64
        var devices: [Int]
    }

    /// Nothing is reserved.
    package init(total: ResourceVector, labels: [String] = []) {
        self.total = total
        self.free = total
        self.labels = labels
    }

    /// The devices that `id` holds, by their places in ``total``; empty if it holds none.
    package func devices(of id: SlotID) -> [Int] { reservations[id]?.devices ?? [] }

    /// How many reservations there are.
    package var count: Int { reservations.count }

    /// Whether the request could be reserved now.
    package func fits(_ request: ResourceRequest) -> Bool {
        request.milliCores <= free.milliCores && request.memoryBytes <= free.memoryBytes
            && (request.devices == 0
                || Self.devices(for: request, in: free).count == request.devices)
            && hasLabels(of: request)
    }

    /// Whether the worker has all labels that are asked for.
    package func hasLabels(of request: ResourceRequest) -> Bool {
        request.labels.allSatisfy { labels.contains($0) }
    }

    /// Reserves what is asked for, whole or not at all.
    ///
    /// - Parameters:
    ///   - wanted: The devices to take, if they have room; `nil` for the fullest that have.
    /// - Returns: Whether it is reserved; also when `id` had reserved before.
    package mutating func reserve(
        _ request: ResourceRequest, by id: SlotID, devices wanted: [Int]? = nil
    ) -> Bool {
        if reservations[id] != nil { return true }
        guard fits(request) else { return false }
        let devices = request.devices == 0 ? [] : devices(for: request, wanted)
        for device in devices {
            free.devices[device].milli -= request.deviceMilli
            free.devices[device].memoryBytes -= request.deviceMemoryBytes
        }
        free.milliCores -= request.milliCores
        free.memoryBytes -= request.memoryBytes
        reservations[id] = Reservation(
            milliCores: request.milliCores, memoryBytes: request.memoryBytes,
            deviceMilli: request.deviceMilli, deviceMemoryBytes: request.deviceMemoryBytes,
            devices: devices)
        return true
    }

    /// Gives back what `id` reserved.
    ///
    /// Returns: Whether there was something to give back.
    @discardableResult
    package mutating func release(_ id: SlotID) -> Bool {
        guard let held = reservations.removeValue(forKey: id) else { return false }
        free.milliCores += held.milliCores
        free.memoryBytes += held.memoryBytes
        for device in held.devices {
            free.devices[device].milli &+= held.deviceMilli
            free.devices[device].memoryBytes &+= held.deviceMemoryBytes
        }
        return true
    }

    /// Measured use as a share of what is reserved, per dimension; `nil` where nothing is
    /// reserved or measured.
    package var efficiency: (cpu: Double?, memory: Double?) {
        guard let measured else { return (nil, nil) }
        let cores = total.milliCores - free.milliCores
        let memory = total.memoryBytes - free.memoryBytes
        return (
            cores > 0 ? Double(measured.milliCores) / Double(cores) : nil,
            memory > 0 ? Double(measured.memoryBytes) / Double(memory) : nil
        )
    }

    /// How many such requests `vector` holds at a time, at most
    /// ``Limits/slotsPerWorkerAndShape``.
    package static func count(of request: ResourceRequest, in vector: ResourceVector) -> Int {
        var count = Int64(Limits.slotsPerWorkerAndShape)
        if request.milliCores > 0 { count = min(count, vector.milliCores / request.milliCores) }
        if request.memoryBytes > 0 { count = min(count, vector.memoryBytes / request.memoryBytes) }
        if request.devices > 0 {
            let able = devices(for: request, in: vector).count
            count = able < request.devices ? 0 : min(count, sets(of: request, in: vector))
        }
        return Int(max(0, count))
    }

    /// How many times the devices hold what the request needs of them; of devices that must be near
    /// to one another, group by group.
    private static func sets(of request: ResourceRequest, in vector: ResourceVector) -> Int64 {
        var shares: [UInt8: Int64] = [:]
        for device in vector.devices {
            var share = device.milli / request.deviceMilli
            if request.deviceMemoryBytes > 0 {
                share = min(share, device.memoryBytes / request.deviceMemoryBytes)
            }
            var group: UInt8 = 0
            switch request.topology {
            case _ where request.devices == 1: break
            case .any: break
            case .node where device.place.node > 0: group = device.place.node
            case .link where device.place.link > 0: group = device.place.link
            default: continue
            }
            shares[group, default: 0] += min(share, Int64(Limits.slotsPerWorkerAndShape))
        }
        return shares.values.reduce(0) { $0 + $1 / Int64(request.devices) }
    }

    private func devices(for request: ResourceRequest, _ wanted: [Int]?) -> [Int] {
        guard let wanted, wanted.count == request.devices, Set(wanted).count == wanted.count,
            wanted.allSatisfy({
                free.devices.indices.contains($0)
                    && free.devices[$0].milli >= request.deviceMilli
                    && free.devices[$0].memoryBytes >= request.deviceMemoryBytes
            }), request.topology == .any
        else { return Self.devices(for: request, in: free) }
        return wanted
    }

    /// The devices that the request would get, near to one another and the fullest that still fit
    /// first; none where there are not so many.
    static func devices(for request: ResourceRequest, in vector: ResourceVector) -> [Int] {
        let able = DeviceSets.order(vector.devices).filter {
            vector.devices[$0].milli >= request.deviceMilli
                && vector.devices[$0].memoryBytes >= request.deviceMemoryBytes
        }
        return DeviceVector.together(
            able, of: vector.devices, count: request.devices, topology: request.topology) ?? []
    }

    /// The rules that do not hold.
    package func violations() -> [String] {
        var found: [String] = []
        var cores = free.milliCores
        var memory = free.memoryBytes
        var devices = free.devices
        for held in reservations.values {
            cores &+= held.milliCores
            memory &+= held.memoryBytes
            for device in held.devices {
                devices[device].milli &+= held.deviceMilli
                devices[device].memoryBytes &+= held.deviceMemoryBytes
            }
        }
        if cores != total.milliCores || memory != total.memoryBytes || devices != total.devices {
            found.append("free and reserved must add up to the total")
        }
        if free.milliCores < 0 || free.memoryBytes < 0
            || free.devices.contains(where: { $0.milli < 0 || $0.memoryBytes < 0 })
        {
            found.append("free must not be negative")
        }
        return found
    }
}
