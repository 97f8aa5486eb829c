import FanfoldCore
import Foundation
import Testing

@testable import FanfoldSimulation

/// Runs with a deadline in clouds that offer both markets.
@Suite struct DeadlineSimulationTests {
    private static let second: UInt64 = 1_000_000_000
    private static let hour = 3_600 * second
    /// `FANFOLD_WORKLOADS`; the long run has 1,000 and more.
    private static let worlds =
        ProcessInfo.processInfo.environment["FANFOLD_WORKLOADS"].flatMap(UInt64.init) ?? 300

    private static func kind(_ name: String, _ price: Int64, isSpot: Bool) -> FakeCloud.Kind {
        var kind = FakeCloud.Kind(
            name: name, milliCores: 4_000, memoryBytes: 1 << 34, microsPerHour: price)
        kind.isSpot = isSpot
        kind.bootNanoseconds = 180 * second
        return kind
    }

    private static func world(
        _ arrivals: [ScalingSimulation.Arrival], _ mode: DeadlineMode = .wait,
        kinds: [FakeCloud.Kind], maximum: Int = 20, seed: UInt64 = 1
    ) -> ScalingSimulation {
        var pool = ScalingPool(
            name: "p", maximum: maximum,
            offerings: kinds.map { kind in
                var offering = ScalingOffering(
                    name: kind.name,
                    resources: ResourceVector(
                        milliCores: kind.milliCores, memoryBytes: kind.memoryBytes),
                    microsPerHour: kind.microsPerHour(at: 0))
                offering.isSpot = kind.isSpot
                offering.interruptionsPerHour = kind.interruptionsPerHour
                offering.bootNanoseconds = kind.bootNanoseconds
                return offering
            })
        pool.step = 8
        var settings = ScalingSettings(pools: [pool])
        settings.evaluationNanoseconds = 60 * second
        settings.deadlines = mode
        return ScalingSimulation(
            arrivals, settings: settings, clouds: ["p": FakeCloud(kinds: kinds, seed: seed)],
            seed: seed)
    }

    private static func run(
        count: Int, minutes: UInt64, within deadline: UInt64
    ) -> ScalingSimulation.Arrival {
        ScalingSimulation.Arrival(
            at: 60 * second, count: count, request: ResourceRequest(milliCores: 1_000),
            nanoseconds: minutes * 60 * second, deadline: 60 * second + deadline)
    }

    @Test func `with a deadline that is far everything runs on spot`() {
        var world = Self.world(
            [Self.run(count: 64, minutes: 20, within: 12 * Self.hour)],
            kinds: [
                Self.kind("spot", 300_000, isSpot: true),
                Self.kind("steady", 1_000_000, isSpot: false),
            ])
        let report = world.run(until: 24 * Self.hour)
        #expect(report.late == 0)
        #expect(report.done == 64)
        #expect(report.spotMicros > 0)
        #expect(report.spentMicros == report.spotMicros)
    }

    @Test func `without spot a run waits, and turns to workers on demand in time`() {
        var spot = Self.kind("spot", 300_000, isSpot: true)
        spot.outages = [0..<(48 * Self.hour)]
        let kinds = [spot, Self.kind("steady", 1_000_000, isSpot: false)]
        let arrival = Self.run(count: 16, minutes: 30, within: 8 * Self.hour)
        var waiting = Self.world([arrival], kinds: kinds)
        let report = waiting.run(until: 24 * Self.hour)
        #expect(report.late == 0)
        #expect(report.spotMicros == 0)
        #expect(report.lastEnd > 4 * Self.hour, "it did not wait for spot")
        // Who does not wait is done as soon as can be.
        var eager = Self.world([arrival], .meet, kinds: kinds)
        #expect(eager.run(until: 24 * Self.hour).lastEnd < 2 * Self.hour)
    }

    @Test func `spot that is taken away is left for workers on demand before it is too late`() {
        for hours in 1...5 as ClosedRange<UInt64> {
            var spot = Self.kind("spot", 300_000, isSpot: true)
            spot.outages = [(hours * Self.hour)..<(48 * Self.hour)]
            var world = Self.world(
                [Self.run(count: 160, minutes: 60, within: 6 * Self.hour)],
                kinds: [spot, Self.kind("steady", 1_000_000, isSpot: false)], maximum: 10)
            let report = world.run(until: 24 * Self.hour)
            #expect(report.late == 0, "spot went after \(hours) h")
            #expect(report.problems.isEmpty)
        }
    }

    /// A world whose deadline can be met when it begins.
    private static func random(
        _ seed: UInt64, _ mode: DeadlineMode, onDemandAlone: Bool = false
    ) -> ScalingSimulation {
        var random = SplitMix64(seed: seed)
        var spot = kind("spot", Int64(200_000 + random.upTo(400_000)), isSpot: true)
        spot.interruptionsPerHour = Double(random.upTo(20)) / 10
        var moment: UInt64 = 0
        while moment < 16 * hour {
            let start = moment + random.upTo(180) * 60 * second
            moment = start + (random.upTo(180) + 1) * 60 * second
            spot.outages.append(start..<moment)
        }
        let steady = kind("steady", 1_000_000, isSpot: false)
        let runs = (0...random.upTo(1)).map { _ in
            let count = Int(random.upTo(60)) + 1
            let minutes = random.upTo(50) + 1
            // On 32 slots, with a start, what is kept in hand, and a subtask to be lost.
            let rounds = UInt64((count + 31) / 32)
            let least = (rounds + 1) * minutes * 60 * second + 900 * second
            let at = random.upTo(120) * 60 * second
            return ScalingSimulation.Arrival(
                at: at, count: count, request: ResourceRequest(milliCores: 1_000),
                nanoseconds: minutes * 60 * second,
                deadline: at + least + random.upTo(6 * 60) * 60 * second)
        }
        return world(
            runs, mode, kinds: onDemandAlone ? [steady] : [spot, steady], maximum: 32, seed: seed)
    }

    @Test func `no deadline that can be met is missed, and all together costs less than on demand`()
    {
        var (spent, full) = (0.0, 0.0)
        for seed in 0..<Self.worlds {
            for mode in [DeadlineMode.meet, .wait] {
                var world = Self.random(seed, mode)
                let report = world.run(until: 48 * Self.hour)
                #expect(report.late == 0, "seed \(seed), \(mode)")
                #expect(report.problems.isEmpty, "seed \(seed): \(report.problems.prefix(3))")
                #expect(report.waitingAtEnd == 0)
                if mode == .wait { spent += Double(report.spentMicros) }
            }
            var other = Self.random(seed, .wait, onDemandAlone: true)
            full += Double(other.run(until: 48 * Self.hour).spentMicros)
        }
        print("RATIO", spent / full)
        #expect(spent < 0.8 * full, "cost \(spent / full) of what on demand costs")
    }

    @Test func `where deadlines are ignored some are missed`() {
        let late = (0..<40 as Range<UInt64>).reduce(0) { sum, seed in
            var world = Self.random(seed, .ignore)
            return sum + world.run(until: 48 * Self.hour).late
        }
        #expect(late > 0)
    }

    @Test func `a coordinator that dies again and again misses no deadline`() {
        for seed in 0..<(Self.worlds / 10) {
            var world = Self.random(seed, .wait)
            world.faults.restarting = 100
            #expect(world.run(until: 48 * Self.hour).late == 0, "seed \(seed)")
        }
    }
}
