import Testing

@testable import FanfoldCore

@Suite struct `Devices near to one another` {
    /// Eight GPUs on two memory nodes; four linked on each, but for the last two.
    private static let machine = (0..<8).map { device -> DeviceVector in
        let link: [UInt8] = [1, 1, 1, 1, 2, 2, 0, 0]
        return DeviceVector(
            memoryBytes: 80, place: DevicePlace(node: device < 4 ? 1 : 2, link: link[device]))
    }

    private func ledger() -> Ledger {
        Ledger(
            total: ResourceVector(milliCores: 64_000, memoryBytes: 1_000, devices: Self.machine))
    }

    private func request(
        _ devices: Int, _ topology: DeviceTopology = .any, milli: Int64 = 1_000
    ) -> ResourceRequest {
        ResourceRequest(devices: devices, deviceMilli: milli, topology: topology)
    }

    private func take(_ ledger: inout Ledger, _ request: ResourceRequest, _ id: SlotID) -> Bool {
        ledger.reserve(request, by: id)
    }

    private func slot(_ index: UInt32) -> SlotID { SlotID(index: index, generation: 0) }

    @Test func `several devices are taken linked where that can be, and leave larger groups whole`()
    {
        var ledger = ledger()
        #expect(take(&ledger, request(2), slot(0)))
        // Two are linked on the second node: the group of four stays whole.
        #expect(ledger.devices(of: slot(0)) == [4, 5])
        #expect(take(&ledger, request(4), slot(1)))
        #expect(ledger.devices(of: slot(1)) == [0, 1, 2, 3])
        // What is left is not linked, but on one node.
        #expect(take(&ledger, request(2), slot(2)))
        #expect(ledger.devices(of: slot(2)) == [6, 7])
        #expect(ledger.violations().isEmpty)
    }

    @Test func `what must be linked waits rather than be taken apart`() {
        var ledger = ledger()
        #expect(!ledger.fits(request(5, .link)))
        #expect(!ledger.fits(request(5, .node)))
        #expect(ledger.fits(request(5)))
        #expect(ledger.fits(request(4, .node)))
        #expect(take(&ledger, request(4, .link), slot(0)))
        #expect(take(&ledger, request(2, .link), slot(1)))
        #expect(!take(&ledger, request(2, .link), slot(2)))
        #expect(take(&ledger, request(2, .node), slot(3)))
        ledger.release(slot(1))
        #expect(take(&ledger, request(2, .link), slot(2)))
        #expect(ledger.devices(of: slot(2)) == [4, 5])
    }

    @Test func `what a worker holds at a time counts group by group`() {
        let total = ledger().total
        #expect(Ledger.count(of: request(2), in: total) == 4)
        #expect(Ledger.count(of: request(2, .link), in: total) == 3)
        #expect(Ledger.count(of: request(2, .node), in: total) == 4)
        #expect(Ledger.count(of: request(3, .link), in: total) == 1)
        #expect(Ledger.count(of: request(3, .node), in: total) == 2)
        #expect(Ledger.count(of: request(5, .link), in: total) == 0)
        #expect(Ledger.count(of: request(1, .link), in: total) == 8)
        let unknown = ResourceVector(
            milliCores: 64_000, memoryBytes: 1_000,
            devices: Array(repeating: DeviceVector(memoryBytes: 80), count: 4))
        #expect(Ledger.count(of: request(2), in: unknown) == 2)
        #expect(Ledger.count(of: request(2, .link), in: unknown) == 0)
    }

    @Test func `one device is taken where links are used up already`() {
        var ledger = ledger()
        #expect(take(&ledger, request(1), slot(0)))
        #expect(ledger.devices(of: slot(0)) == [6])
        #expect(take(&ledger, request(3), slot(1)))
        #expect(ledger.devices(of: slot(1)) == [0, 1, 2])
        #expect(take(&ledger, request(1), slot(2)))
        #expect(ledger.devices(of: slot(2)) == [7])
        #expect(take(&ledger, request(1), slot(3)))
        #expect(ledger.devices(of: slot(3)) == [3])
    }

    @Test(arguments: [PlacementPolicy.fitness, .pack, .spread, .fgd, .keepUsable, .firstFit])
    func `each policy keeps to what must be near, like a look at every worker`(
        _ policy: PlacementPolicy
    ) {
        var random = SplitMix64(seed: 7)
        var placer = Placer(policy)
        let plain = Array(repeating: DeviceVector(memoryBytes: 80), count: 8)
        for node in 0..<6 {
            placer.add(
                node,
                total: ResourceVector(
                    milliCores: 64_000, memoryBytes: 1_000,
                    devices: node.isMultiple(of: 2) ? Self.machine : plain))
        }
        let shapes = [
            request(2, .link), request(4, .link), request(3, .node), request(2), request(4),
            request(1, milli: 300),
        ].map { placer.shape(of: PlacementRequest($0)) }
        var placed: [(shape: Int, place: ChosenPlace)] = []
        for _ in 0..<600 {
            if !placed.isEmpty, random.upTo(2) == 0 {
                let (shape, place) = placed.remove(at: Int(random.upTo(UInt64(placed.count - 1))))
                placer.release(shape, place)
                continue
            }
            let shape = shapes[Int(random.upTo(UInt64(shapes.count - 1)))]
            placer.arrived(shape)
            let naive = placer.chooseNaively(shape)
            let chosen = placer.choose(shape)
            #expect(chosen == naive)
            guard let place = placer.place(shape) else { continue }
            placed.append((shape, place))
            let wanted = placer.requests[shape].resources
            let groups = place.devices.map { device -> UInt8 in
                let at = Self.machine[device].place
                return wanted.topology == .link ? at.link : at.node
            }
            if wanted.topology != .any {
                #expect(place.node.isMultiple(of: 2))
                #expect(Set(groups).count == 1 && groups[0] > 0)
            }
        }
        #expect(placed.count > 10)
    }

    @Test func `records say places and topology, and those of before read as they were`() throws {
        var writer = ByteWriter()
        for device in [Self.machine[0], DeviceVector(milli: 0, memoryBytes: 7)] {
            writer.put(device)
        }
        writer.put(request(2, .link))
        writer.put(request(2))
        var zero = request(2, .node)
        zero.milliCores = 0
        writer.put(zero)
        var reader = ByteReader(writer.bytes)
        let devices = [try reader.get(DeviceVector.self), try reader.get(DeviceVector.self)]
        #expect(devices == [Self.machine[0], DeviceVector(milli: 0, memoryBytes: 7)])
        var requests: [ResourceRequest] = []
        for _ in 0..<3 { requests.append(try reader.get()) }
        #expect(requests == [request(2, .link), request(2), zero])
        try reader.finish()
    }
}
