import FanfoldCore
import Foundation
import Testing

@testable import FanfoldSimulation

/// The scaler with clouds that fail: whatever gets lost, nothing leaks and nothing is there twice.
@Suite struct ScalingSimulationTests {
    private static let second: UInt64 = 1_000_000_000
    /// `FANFOLD_WORKLOADS`; the long run has 1,000 and more.
    private static let sequences =
        ProcessInfo.processInfo.environment["FANFOLD_WORKLOADS"].flatMap(UInt64.init) ?? 300

    private static func world(
        seed: UInt64, faults: ScalingSimulation.Faults
    ) -> ScalingSimulation {
        var random = SplitMix64(seed: seed)
        var pools: [ScalingPool] = []
        var clouds: [String: FakeCloud] = [:]
        for number in 0...random.upTo(1) {
            let name = "p\(number)"
            var kind = FakeCloud.Kind(
                name: name + "-kind", milliCores: Int64(random.upTo(3) + 1) * 1_000,
                memoryBytes: 1 << 32, microsPerHour: Int64(random.upTo(900_000)) + 100_000)
            kind.isSpot = random.upTo(1) == 0
            kind.interruptionsPerHour = kind.isSpot ? Double(random.upTo(20)) / 10 : 0
            kind.bootNanoseconds = random.upTo(90) * second
            kind.quota = Int(random.upTo(8)) + 1
            if random.upTo(2) == 0 {
                let start = random.upTo(1_800) * second
                kind.outages = [start..<(start + random.upTo(900) * second)]
            }
            clouds[name] = FakeCloud(kinds: [kind], seed: seed)
            var offering = ScalingOffering(
                name: kind.name,
                resources: ResourceVector(
                    milliCores: kind.milliCores, memoryBytes: kind.memoryBytes),
                microsPerHour: kind.microsPerHour(at: 0))
            offering.isSpot = kind.isSpot
            offering.interruptionsPerHour = kind.interruptionsPerHour
            offering.bootNanoseconds = kind.bootNanoseconds
            var pool = ScalingPool(
                name: name, maximum: Int(random.upTo(6)) + 2, offerings: [offering])
            pool.minimum = Int(random.upTo(1))
            pool.step = Int(random.upTo(3)) + 1
            pools.append(pool)
        }
        var settings = ScalingSettings(pools: pools)
        settings.evaluationNanoseconds = 10 * second
        let arrivals = (0..<6).map { _ in
            ScalingSimulation.Arrival(
                at: random.upTo(2_400) * second, count: Int(random.upTo(20)) + 1,
                request: ResourceRequest(milliCores: 1_000),
                nanoseconds: (random.upTo(120) + 1) * second)
        }
        return ScalingSimulation(
            arrivals, settings: settings, clouds: clouds, faults: faults, seed: seed)
    }

    @Test func `no sequence of faults leaks a worker or makes one twice`() {
        for seed in 0..<Self.sequences {
            var random = SplitMix64(seed: seed &+ 99)
            var faults = ScalingSimulation.Faults()
            faults.failing = random.upTo(300)
            faults.losing = random.upTo(300)
            faults.repeating = random.upTo(300)
            faults.silent = random.upTo(100)
            faults.restarting = random.upTo(60)
            faults.forgetting = random.upTo(2) == 0 ? 5 : 0
            var world = Self.world(seed: seed, faults: faults)
            for _ in 0..<300 { world.turn() }
            // The weather clears up, and what is there must become what is wanted.
            world.faults = ScalingSimulation.Faults()
            let report = world.run(until: world.now + 86_400 * Self.second)
            #expect(report.problems.isEmpty, "seed \(seed): \(report.problems.prefix(3))")
            let least = world.settings.pools.reduce(0) { $0 + $1.minimum }
            #expect(report.aliveAtEnd <= least, "leaked, seed \(seed)")
            #expect(report.waitingAtEnd == 0, "something waits for ever, seed \(seed)")
        }
    }

    @Test func `a world without faults does all work within its limits, the same each time`() {
        for seed in 0..<50 as Range<UInt64> {
            var world = Self.world(seed: seed, faults: .init())
            let report = world.run(until: 2 * 86_400 * Self.second)
            var again = Self.world(seed: seed, faults: .init())
            #expect(again.run(until: 2 * 86_400 * Self.second) == report)
            #expect(report.problems.isEmpty, "seed \(seed): \(report.problems.prefix(3))")
            #expect(report.done == world.arrivals.reduce(0) { $0 + $1.count })
            #expect(report.spentMicros > 0)
        }
    }

    @Test func `a cloud gives the same machines for the same token, whoever asks how often`() throws
    {
        var kind = FakeCloud.Kind(
            name: "k", milliCores: 1_000, memoryBytes: 1, microsPerHour: 1)
        kind.quota = 3
        var cloud = FakeCloud(kinds: [kind])
        let first = try cloud.launch(["k"], least: 1, most: 2, token: "t", owner: "o", at: 5)
        #expect(first.count == 2)
        #expect(try cloud.launch(["k"], least: 1, most: 2, token: "t", owner: "o", at: 9) == first)
        #expect(
            try cloud.launch(["k"], least: 1, most: 2, token: "u", owner: "o", at: 9).count == 1)
        #expect(throws: FakeCloud.Refusal.soldOut(0)) {
            try cloud.launch(["k"], least: 1, most: 1, token: "v", owner: "o", at: 9)
        }
    }

    @Test(arguments: [0.001, 0.1, 0.5, 1, 2.718281828459045, 10, 1e9])
    func `a logarithm is what the exponential takes back`(_ x: Double) {
        let known: [Double: Double] = [
            0.001: -6.907755278982137, 0.1: -2.302585092994046, 0.5: -0.6931471805599453,
            1: 0, 2.718281828459045: 1, 10: 2.302585092994046, 1e9: 20.72326583694641,
        ]
        #expect(abs(Logarithm.natural(x) - (known[x] ?? .nan)) < 1e-12)
    }
}
