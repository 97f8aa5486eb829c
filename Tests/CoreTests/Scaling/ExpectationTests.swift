import Foundation
import Testing

@testable import FanfoldCore

/// What the scaler makes of demand that is only expected.
@Suite struct ExpectationTests {
    private static let second = ScalingWorld.second

    private func expected(
        _ count: Int, in seconds: UInt64, task: UInt32 = 1, each: UInt64? = nil
    ) -> ScalingDemand {
        var demand = ScalingDemand(
            request: ScalingWorld.core, count: count, nanoseconds: each.map { $0 * Self.second })
        demand.expected = ExpectedTask(
            run: RunID(1), id: TaskID(task), name: "t\(task)",
            readyNanoseconds: seconds * Self.second)
        return demand
    }

    private func settings(boot seconds: UInt64 = 60) -> ScalingSettings {
        var pool = ScalingWorld.pool()
        pool.offerings[0].bootNanoseconds = seconds * Self.second
        return ScalingSettings(pools: [pool])
    }

    @Test func `workers are launched a boot before they are needed, once, and it is said for what`()
    {
        var world = ScalingWorld(settings())
        world.expected = [expected(6, in: 600)]
        // It takes a boot and an evaluation: there is time.
        #expect(world.turn().isEmpty)
        world.expected = [expected(6, in: 100)]
        let made = world.turn()
        #expect(made.map(\.action) == [.launch(1, offering: "a-4", count: 2)])
        #expect(
            made.map(\.reason) == [.expectedDemand(slots: 6, run: RunID(1), task: "t1")])
        for _ in 0..<15 { #expect(world.turn().isEmpty) }
        // It has begun: there is room for it.
        world.expected = []
        world.load = 6
        for _ in 0..<10 { #expect(world.turn().isEmpty) }
        #expect(world.live.count == 2)
    }

    @Test func `short work of which that is known needs few slots`() {
        var world = ScalingWorld(settings())
        world.expected = [expected(60, in: 30, each: 1)]
        #expect(world.turn().map(\.action) == [.launch(1, offering: "a-4", count: 1)])
    }

    @Test func `what never begins keeps workers for a while, and is not believed again`() {
        var world = ScalingWorld(settings())
        world.expected = [expected(4, in: 30)]
        world.turn()
        #expect(world.live.count == 1)
        // 30 s until it should have begun, the cooldown of a removal, and a removal.
        var turns = 0
        while !world.live.isEmpty, turns < 100 {
            world.turn()
            turns += 1
        }
        #expect((20...26).contains(turns), "\(turns)")
        for _ in 0..<100 { #expect(world.turn().isEmpty) }
    }

    @Test func `nothing is added for what is expected soon after workers went`() {
        var world = ScalingWorld(settings())
        world.load = 4
        world.turn()
        world.load = 0
        while !world.live.isEmpty { world.turn() }
        let gone = world.now
        world.expected = [expected(4, in: 30)]
        while world.live.isEmpty { world.turn() }
        let waited = world.now.nanoseconds - gone.nanoseconds
        // The drain that ended it was an evaluation or two before its end.
        #expect((500...600).contains(waited / Self.second), "\(waited)")
        // What is ready does not wait.
        var other = ScalingWorld(settings())
        other.load = 4
        other.turn()
        other.load = 0
        while !other.live.isEmpty { other.turn() }
        other.load = 4
        other.turn()
        #expect(!other.live.isEmpty)
    }

    @Test func `what is expected is no part of the load, and headroom is not kept for it`() {
        var world = ScalingWorld(settings())
        world.load = 2
        world.turn()
        for _ in 0..<12 { world.turn() }
        world.expected = [expected(2, in: 30)]
        // All four cores would be busy: 100 %, where 80 % of ready work makes a pool grow.
        for _ in 0..<12 { #expect(world.turn().isEmpty) }
        let view = world.scaler.poolViews[0]
        #expect(view.utilisation == 0.5)
    }

    @Test func `a restart goes on with what was expected since when`() throws {
        var world = ScalingWorld(settings())
        world.expected = [expected(4, in: 30), expected(1, in: 50, task: 9)]
        world.turn()
        let copy = try Scaler(settings: settings(), from: world.scaler.encoded())
        #expect(copy.expectations == world.scaler.expectations)
        #expect(copy.expectations.count == 2)
        #expect(copy.encoded() == world.scaler.encoded())
        var (one, other) = (world, world)
        other.scaler = copy
        for _ in 0..<60 { #expect(one.turn() == other.turn()) }
    }

    @Test func `as many tasks are remembered as there may be, and one more is not expected`() {
        var world = ScalingWorld(settings())
        world.expected = (0..<UInt32(Limits.expectationsKept + 1)).map {
            expected(1, in: 30, task: $0)
        }
        world.turn()
        #expect(world.scaler.expectations.count == Limits.expectationsKept)
        #expect(world.scaler.expectations[TaskID(UInt32(Limits.expectationsKept))] == nil)
        world.expected = []
        for _ in 0..<20 { world.turn() }
        #expect(world.scaler.expectations.isEmpty)
    }

    /// Expectations that come and go at random beside work that does, most of them wrong.
    @Test
    func `wrong guesses never break a limit, and never make a pool swing faster than work does`() {
        for seed in 0..<ScalingPropertyTests.workloads {
            var random = SplitMix64(seed: UInt64(seed) &+ 991)
            var settings = settings(boot: 30 + random.upTo(300))
            settings.pools[0].maximum = Int(random.upTo(9)) + 1
            settings.hourlyBudgetMicros = 1_000_000 + Int64(random.upTo(9_000_000))
            var world = ScalingWorld(settings, seed: UInt64(seed))
            let steady = Int(random.upTo(8))
            world.load = steady
            for turn in 0..<240 {
                world.expected = (0..<UInt32(random.upTo(3))).map { _ in
                    expected(
                        Int(random.upTo(30)) + 1, in: random.upTo(400),
                        task: UInt32(random.upTo(20)), each: random.upTo(1) == 0 ? 20 : nil)
                }
                let made = world.turn()
                #expect(world.scaler.count(of: 0) <= settings.pools[0].maximum, "seed \(seed)")
                #expect(
                    world.scaler.microsPerHour <= settings.hourlyBudgetMicros ?? 0, "seed \(seed)")
                let isUp = made.contains {
                    if case .expectedDemand = $0.reason { true } else { false }
                }
                let isDown = made.contains {
                    if case .lowUtilisation = $0.reason { true } else { false }
                }
                #expect(!isUp || !isDown, "grew and shrank at once, seed \(seed), turn \(turn)")
                if turn % 40 == 39,
                    let copy = try? Scaler(
                        settings: settings, from: world.scaler.encoded())
                {
                    world.scaler = copy
                }
            }
            // Two hours: a removal, and growth for what is expected, each wait for the other's cooldown.
            #expect(world.expectedReversals.count <= 2 * 6 + 1, "seed \(seed)")
            world.expected = []
            world.load = 0
            for _ in 0..<400 { world.turn() }
            #expect(world.live.isEmpty, "leaked, seed \(seed)")
        }
    }
}
