import Testing

@testable import FanfoldCore

@Suite struct PlacerTests {
    private static let half = ResourceVector(milliCores: 4000, memoryBytes: 8192)
    private static let whole = ResourceVector(milliCores: 8000, memoryBytes: 16_384)

    @Test func `half of the cores and half of the memory free is a fitness of one half`() {
        let fitness = Fitness.calculate(
            PlacementRequest(ResourceRequest()), free: Self.half, total: Self.whole, labels: [])
        #expect(fitness.cpu == 0.5)
        #expect(fitness.memory == 0.5)
        #expect(fitness.gpu == nil)
        #expect(fitness.overall == 0.5)
        #expect(fitness.unfit == [])
    }

    @Test func `a GPU of which half is free keeps the fitness of one half`() {
        var (free, total) = (Self.half, Self.whole)
        total.devices = [DeviceVector(memoryBytes: 8192)]
        free.devices = [DeviceVector(memoryBytes: 4096)]
        let fitness = Fitness.calculate(
            PlacementRequest(ResourceRequest()), free: free, total: total, labels: [])
        #expect(fitness.gpu == 0.5)
        #expect(fitness.overall == 0.5)
    }

    @Test func `each thing that is short is a reason, and the fitness is 0`() {
        let request = PlacementRequest(
            ResourceRequest(
                milliCores: 4001, memoryBytes: 8193, devices: 1, deviceMilli: 500,
                labels: ["ssd"]))
        let fitness = Fitness.calculate(
            request, free: Self.half, total: Self.whole, labels: ["hdd"])
        #expect(fitness.unfit == [.cpu, .memory, .gpu, .label])
        #expect(fitness.overall == 0)
        var placer = Placer(.fitness)
        let shape = placer.shape(of: request)
        #expect(placer.explain(shape, on: 3).fitness == .unknown)
        #expect(Fitness.unknown.overall == 0)
        #expect(Fitness.Unfit.workerNotFound.rawValue == "worker_not_found")
    }

    @Test func `powers are right to twelve digits`() {
        #expect(abs(Exponential.ten(0.5) - 10.0.squareRoot()) < 1e-12)
        #expect(abs(Exponential.natural(1) - 2.718281828459045) < 1e-12)
        #expect(abs(Exponential.natural(-1) - 0.36787944117144233) < 1e-12)
    }

    @Test func `fitness and pack fill a worker in use, spread takes an empty one`() {
        for policy in PlacementPolicy.forUse {
            var placer = Placer(policy)
            for node in 0..<3 { placer.add(node, total: Self.whole) }
            placer.set(1, free: Self.half)
            let shape = placer.shape(of: PlacementRequest(ResourceRequest()))
            let expected = policy == .spread || policy == .fgd ? 0 : 1
            #expect(placer.place(shape)?.node == expected, "\(policy)")
        }
    }

    @Test func `work without GPUs stays off workers with some while others have room`() {
        var gpu = Self.whole
        gpu.devices = [DeviceVector(memoryBytes: 8192)]
        for policy in PlacementPolicy.forUse {
            var placer = Placer(policy)
            placer.add(0, total: gpu)
            placer.add(1, total: Self.whole)
            let shape = placer.shape(of: PlacementRequest(ResourceRequest(milliCores: 8000)))
            #expect(placer.place(shape)?.node == 1, "\(policy)")
            #expect(placer.place(shape)?.node == 0, "\(policy)")
            #expect(placer.place(shape) == nil, "\(policy)")
        }
    }

    @Test func `a model of GPU is one of several that will do`() {
        var gpu = Self.whole
        gpu.devices = [DeviceVector(memoryBytes: 0)]
        var placer = Placer(.keepUsable)
        for (node, model) in ["T4", "P100", "V100"].enumerated() {
            placer.add(node, total: gpu, labels: [model])
        }
        let shape = placer.shape(
            of: PlacementRequest(ResourceRequest(devices: 1), anyLabel: ["V100", "P100"]))
        #expect(placer.place(shape)?.node == 1)
        #expect(placer.place(shape)?.node == 2)
        #expect(placer.place(shape) == nil)
    }

    @Test func `parts of a GPU are taken from the fullest that has room`() {
        var total = Self.whole
        total.devices = Array(repeating: DeviceVector(memoryBytes: 100), count: 2)
        var placer = Placer(.fitness)
        placer.add(0, total: total)
        let part = placer.shape(
            of: PlacementRequest(
                ResourceRequest(milliCores: 1, devices: 1, deviceMilli: 400)))
        let both = placer.shape(
            of: PlacementRequest(ResourceRequest(milliCores: 1, devices: 2, deviceMilli: 200)))
        #expect(placer.place(part)?.devices == [0])
        #expect(placer.place(part)?.devices == [0])
        #expect(placer.place(part)?.devices == [1])
        #expect(placer.free(of: 0)?.devices.map(\.milli) == [200, 600])
        #expect(placer.place(both)?.devices == [0, 1])
        #expect(placer.place(both) == nil)
    }

    @Test(arguments: PlacementPolicy.allCases)
    func `the index finds what a look at every worker finds`(_ policy: PlacementPolicy) {
        for seed in 0..<4 { history(policy, seed: UInt64(seed)) }
    }

    private func history(_ policy: PlacementPolicy, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var placer = Placer(policy)
        var mirror: [Int: ResourceVector] = [:]
        for node in 0..<40 { add(node, &placer, &mirror, &random) }
        let shapes = (0..<12).map { _ in placer.shape(of: request(&random)) }
        var held: [(shape: Int, place: ChosenPlace)] = []
        for step in 0..<1500 {
            switch random.upTo(9) {
            case 0 where step % 7 == 0:
                let node = Int(random.upTo(39))
                held.removeAll { $0.place.node == node }
                add(node, &placer, &mirror, &random)
            case 0...3 where !held.isEmpty:
                let one = held.remove(at: Int(random.upTo(UInt64(held.count - 1))))
                placer.release(one.shape, one.place)
            default:
                let shape = shapes[Int(random.upTo(11))]
                placer.arrived(shape)
                let expected = placer.chooseNaively(shape)
                let found = placer.place(shape)
                #expect(found == expected, "\(policy), seed \(seed), step \(step)")
                if let found { held.append((shape, found)) }
            }
        }
        for one in held { placer.release(one.shape, one.place) }
        for (node, total) in mirror { #expect(placer.free(of: node) == total) }
    }

    private func add(
        _ node: Int, _ placer: inout Placer, _ mirror: inout [Int: ResourceVector],
        _ random: inout SplitMix64
    ) {
        let devices = [0, 0, 1, 2, 4][Int(random.upTo(4))]
        let total = ResourceVector(
            milliCores: 8000 * Int64(1 + random.upTo(2)), memoryBytes: 64_000,
            devices: Array(repeating: DeviceVector(memoryBytes: 16_000), count: devices))
        placer.add(node, total: total, labels: random.upTo(1) == 0 ? ["a"] : ["b"])
        mirror[node] = total
    }

    private func request(_ random: inout SplitMix64) -> PlacementRequest {
        let devices = [0, 1, 1, 2][Int(random.upTo(3))]
        return PlacementRequest(
            ResourceRequest(
                milliCores: 500 * Int64(random.upTo(6)), memoryBytes: 1000 * Int64(random.upTo(8)),
                devices: devices, deviceMilli: [100, 250, 470, 1000][Int(random.upTo(3))],
                deviceMemoryBytes: 1000 * Int64(random.upTo(4))),
            anyLabel: [[], ["a"], ["a", "b"]][Int(random.upTo(2))])
    }

    @Test func `states that nobody is in any more are forgotten, and places stay right`() {
        var random = SplitMix64(seed: 5)
        var placer = Placer(.fitness)
        for node in 0..<20 { placer.add(node, total: Self.whole) }
        for step in 0..<(Limits.emptyStates + 4000) {
            let shape = placer.shape(
                of: PlacementRequest(
                    ResourceRequest(
                        milliCores: Int64(1 + random.upTo(60)),
                        memoryBytes: Int64(random.upTo(100)))))
            if step % 500 == 0 {
                #expect(placer.choose(shape) == placer.chooseNaively(shape))
            }
            if placer.place(shape) == nil {
                for node in 0..<20 { placer.set(node, free: Self.whole) }
            }
        }
        #expect(placer.states <= 20)
    }

    @Test func `every scorer's value is told for a worker that fits`() {
        var gpu = Self.whole
        gpu.devices = [DeviceVector(memoryBytes: 0), DeviceVector(memoryBytes: 0)]
        var placer = Placer(.keepUsable)
        placer.add(0, total: gpu)
        let shape = placer.shape(
            of: PlacementRequest(ResourceRequest(devices: 1, deviceMilli: 300)))
        placer.arrived(shape, count: 100)
        let values = placer.explain(shape, on: 0).values
        #expect(
            values.map(\.name) == [
                "best-fit", "pack", "spread", "fragmentation", "room-lost", "policy",
            ])
        // 2 whole GPUs, of which one with 700 left is as usable.
        #expect(values[3].value == 0)
    }
}
