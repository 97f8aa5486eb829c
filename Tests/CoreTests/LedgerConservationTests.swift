import Testing

@testable import FanfoldCore

/// What happens to a few workers, and what is known of it beside their ledgers.
private struct LedgerWorld {
    private struct Held {
        var request: ResourceRequest
        var devices: [Int]
    }

    private static let workers = 8
    private static let slots: UInt32 = 24
    private var seed: UInt64
    private var ledgers: [Ledger] = []
    private var held: [[SlotID: Held]] = []
    private(set) var refusals = 0
    private(set) var losses = 0
    private(set) var wrong: [String] = []

    init(seed: UInt64) {
        self.seed = seed
        for place in 0..<Self.workers {
            ledgers.append(Ledger(total: Self.total(place)))
            held.append([:])
        }
    }

    private static func total(_ place: Int) -> ResourceVector {
        ResourceVector(
            milliCores: Int64(place + 1) * 4000, memoryBytes: Int64(place + 1) << 30,
            devices: (0..<place % 4).map { DeviceVector(memoryBytes: Int64($0 + 1) << 30) })
    }

    /// SplitMix64.
    ///
    /// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
    private mutating func random(below limit: UInt64) -> UInt64 {
        seed &+= 0x9E37_79B9_7F4A_7C15
        var mixed = seed
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ (mixed >> 31)) % limit
    }

    private mutating func request() -> ResourceRequest {
        let devices = random(below: 3) == 0 ? Int(random(below: 3)) : 0
        return ResourceRequest(
            milliCores: Int64(random(below: 6000)), memoryBytes: Int64(random(below: 1 << 30)),
            devices: devices, deviceMilli: Int64(random(below: 1000)) + 1,
            deviceMemoryBytes: Int64(random(below: 1 << 30)))
    }

    /// One event: a reservation, a release, either of them twice, a measurement or a loss.
    mutating func step() {
        let place = Int(random(below: UInt64(Self.workers)))
        let id = SlotID(index: UInt32(random(below: UInt64(Self.slots))), generation: 0)
        switch random(below: 1000) {
        case 0..<550: reserve(by: id, on: place)
        case 550..<990: release(id, on: place)
        case 990..<999:
            let free = ledgers[place].free
            ledgers[place].measured = MeasuredUse(
                milliCores: Int64(random(below: 1 << 40)), memoryBytes: 1 << 50)
            if ledgers[place].free != free { wrong.append("what is measured changed what is free") }
        default: lose(place)
        }
    }

    private mutating func reserve(by id: SlotID, on place: Int) {
        let request = request()
        let free = ledgers[place].free
        let had = held[place][id] != nil
        let fits = ledgers[place].fits(request)
        let done = ledgers[place].reserve(request, by: id)
        if done != (had || fits) { wrong.append("a request that fits is reserved, no other") }
        if had || !done {
            if ledgers[place].free != free { wrong.append("nothing new changed what is free") }
            refusals += done ? 0 : 1
            return
        }
        let devices = ledgers[place].devices(of: id)
        if Set(devices).count != request.devices { wrong.append("each device is another one") }
        held[place][id] = Held(request: request, devices: devices)
    }

    private mutating func release(_ id: SlotID, on place: Int) {
        let had = held[place].removeValue(forKey: id) != nil
        if ledgers[place].release(id) != had { wrong.append("what was held is given back, once") }
        if ledgers[place].release(id) { wrong.append("nothing is given back twice") }
    }

    /// The worker is gone, and comes back: slot by slot everything is given back.
    private mutating func lose(_ place: Int) {
        losses += 1
        for id in held[place].keys where !ledgers[place].release(id) {
            wrong.append("a lost worker gives back all")
        }
        held[place] = [:]
        if ledgers[place].free != ledgers[place].total {
            wrong.append("all of a worker on which nothing runs is free")
        }
    }

    /// Compares the ledgers with what was given out; O(workers times slots).
    mutating func check() {
        for place in ledgers.indices {
            var free = ledgers[place].total
            for each in held[place].values {
                free.milliCores -= each.request.milliCores
                free.memoryBytes -= each.request.memoryBytes
                for device in each.devices {
                    free.devices[device].milli -= each.request.deviceMilli
                    free.devices[device].memoryBytes -= each.request.deviceMemoryBytes
                }
            }
            if ledgers[place].free != free { wrong.append("free is total less reserved") }
            wrong += ledgers[place].violations()
        }
    }
}

@Suite struct LedgerConservationTests {
    @Test func `a million random events with losses keep every ledger whole`() {
        for seed in UInt64(1)...10 {
            var world = LedgerWorld(seed: seed)
            for event in 0..<100_000 {
                world.step()
                if event % 500 == 0 { world.check() }
                if !world.wrong.isEmpty { break }
            }
            world.check()
            #expect(world.wrong.first == nil, "seed \(seed)")
            #expect(world.losses > 50 && world.refusals > 1000)
        }
    }

    @Test func `a slot says which devices it holds, the fullest that had room`() {
        let devices = [DeviceVector(memoryBytes: 10), DeviceVector(memoryBytes: 10)]
        var ledger = Ledger(
            total: ResourceVector(milliCores: 9000, memoryBytes: 0, devices: devices))
        let share = ResourceRequest(devices: 1, deviceMilli: 400)
        let reserved = [
            ledger.reserve(share, by: slot(0)), ledger.reserve(share, by: slot(1)),
            ledger.reserve(share, by: slot(2)), ledger.reserve(ResourceRequest(), by: slot(3)),
        ]
        #expect(reserved == [true, true, true, true])
        #expect((0..<5).map { ledger.devices(of: slot($0)) } == [[0], [0], [1], [], []])
    }
}
