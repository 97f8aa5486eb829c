import Testing

@testable import FanfoldCore

/// What the scaler makes of its own forecasts.
@Suite struct PoolForecastTests {
    /// Seconds between two turns: a third of a step of the forecaster.
    private static let step: UInt64 = 100
    private static let day = 864

    private static func settings(_ mode: ForecastMode) -> ScalingSettings {
        var settings = ScalingSettings(pools: [ScalingWorld.pool(maximum: 40, cores: 1)])
        settings.forecasts = mode
        return settings
    }

    /// Slots that are wanted at a turn: few by night, many from shortly after eight to five; it
    /// rises in the last third of a step.
    private static func load(at turn: Int) -> Int {
        (290..<612).contains(turn % day) ? 20 : 2
    }

    private static func removed(_ decisions: [ScalingDecision]) -> Set<String> {
        Set(
            decisions.compactMap {
                switch $0.action {
                case .drain(let name), .terminate(let name): name
                default: nil
                }
            })
    }

    @Test func `workers come before a load that was forecast, and none goes for a forecast`()
        throws
    {
        var world = ScalingWorld(Self.settings(.act))
        var early = 0
        for step in 0..<4 * Self.day {
            world.load = Self.load(at: step)
            var observing = world
            observing.scaler = try Scaler(settings: Self.settings(.observe), after: world.scaler)
            let acting = world.turn(after: Self.step)
            let others = observing.turn(after: Self.step)
            // Whatever goes would have gone without the forecast as well.
            #expect(Self.removed(acting).isSubset(of: Self.removed(others)), "step \(step)")
            for decision in acting {
                guard case .forecast = decision.reason else { continue }
                guard case .launch = decision.action else {
                    Issue.record("a forecast did something else: \(decision)")
                    continue
                }
                if step > 2 * Self.day, Self.load(at: step) < 20 { early += 1 }
            }
            #expect(!others.contains { if case .forecast = $0.reason { true } else { false } })
        }
        #expect(early > 0)
        #expect(world.decisions.last?.inputs.forecast != nil)
    }

    @Test func `workers are there when a load rises at the beginning of a step`() {
        var settings = Self.settings(.act)
        settings.pools[0].step = 40
        var world = ScalingWorld(settings)
        for step in 0..<5 * Self.day {
            world.load = (291..<612).contains(step % Self.day) ? 20 : 2
            world.turn(after: Self.step)
            // The turn before the rise, once the day is known.
            guard step > 3 * Self.day, step % Self.day == 290 else { continue }
            #expect(world.live.count >= 20, "step \(step)")
            #expect(world.live.allSatisfy { $0.readyAt <= world.now })
        }
    }

    @Test func `how long workers boot is learned, and how far is looked ahead follows it`() throws {
        var settings = Self.settings(.act)
        settings.pools[0].offerings[0].bootNanoseconds = 3_000 * ScalingWorld.second
        var world = ScalingWorld(settings)
        world.load = 4
        world.turn()
        #expect(world.scaler.bootNanoseconds(0, 0) == 3_000 * ScalingWorld.second)
        #expect(world.scaler.pools[0].load.forecaster.ahead == 11)
        for _ in 0..<12 { world.turn() }
        // A minute, seen at the next turn, and in doubt by half of it on either side.
        let boot = world.scaler.bootNanoseconds(0, 0)
        #expect((60...180).contains(boot / ScalingWorld.second))
        #expect(world.scaler.pools[0].load.forecaster.ahead == 2)
        let copy = try Scaler(settings: settings, from: world.scaler.encoded())
        #expect(copy.bootNanoseconds(0, 0) == boot)
        #expect(copy.pools[0].load == world.scaler.pools[0].load)
    }

    @Test func `boots that vary are expected to take longer than their mean`() {
        var boot = BootTime(nanoseconds: 60)
        for number in 0..<100 { boot.take(number % 2 == 0 ? 40 : 80) }
        #expect((90...110).contains(boot.expectedNanoseconds))
        var steady = BootTime(nanoseconds: 60)
        for _ in 0..<100 { steady.take(60) }
        #expect(steady.expectedNanoseconds == 60)
    }

    @Test func `what recommends launches nothing for a forecast, and says what it would`() {
        var world = ScalingWorld(Self.settings(.recommend))
        var recommended = 0
        for step in 0..<3 * Self.day {
            world.load = Self.load(at: step)
            for decision in world.turn(after: Self.step) {
                guard case .forecast = decision.reason else { continue }
                if case .recommend = decision.action {
                    recommended += 1
                } else {
                    Issue.record("it did something: \(decision)")
                }
            }
        }
        #expect(recommended > 0)
    }

    @Test func `a scaler that goes on from its bytes forecasts the same`() throws {
        let settings = Self.settings(.act)
        var world = ScalingWorld(settings)
        for step in 0..<1_200 {
            world.load = Self.load(at: step)
            world.turn(after: Self.step)
        }
        let bytes = world.scaler.encoded()
        var copy = try Scaler(settings: settings, from: bytes)
        #expect(copy.encoded() == bytes)
        #expect(copy.pools[0].load == world.scaler.pools[0].load)
        let after = try Scaler(settings: settings, after: world.scaler)
        #expect(after.encoded() == bytes)
        world.now = world.now.advanced(byNanoseconds: Self.step * ScalingWorld.second)
        let facts = world.facts()
        #expect(copy.evaluate(facts) == world.scaler.evaluate(facts))
    }

    @Test func `steps in which nobody looked count with the last load, up to a day`() throws {
        var load = PoolLoad()
        load.take(2, at: Tick(1))
        load.take(5, at: Tick(200 * ScalingWorld.second))
        load.take(3, at: Tick(250 * ScalingWorld.second))
        #expect(load.forecast == nil)
        load.take(3, at: Tick(10 * 86_400 * ScalingWorld.second))
        #expect(load.forecast != nil)
        var writer = ByteWriter()
        load.encode(into: &writer)
        // The largest of the first step, and the last one of those that follow.
        var reader = ByteReader(writer.bytes)
        #expect(try reader.natural() == 288)
        #expect(try reader.varint() == 5000)
        #expect(try reader.varint() == 3000)
    }
}
