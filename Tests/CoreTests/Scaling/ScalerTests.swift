import Testing

@testable import FanfoldCore

@Suite struct ScalerTests {
    @Test func `three workers at thirty per cent lose one and not two`() {
        var scaler = Scaler(settings: ScalingSettings(pools: [ScalingWorld.pool(cores: 10)]))
        var gone: Set<String> = []
        for turn in 1...100 {
            var facts = ScalingFacts(at: Tick(UInt64(turn) * 30 * ScalingWorld.second))
            let names = ["w0", "w1", "w2"].filter { !gone.contains($0) }
            for (place, name) in names.enumerated() {
                var worker = ScalingWorker(name: name, pool: "a", offering: "a-10", launch: 0)
                let count = 9 / names.count + (place < 9 % names.count ? 1 : 0)
                worker.running = [ScalingDemand(request: ScalingWorld.core, count: count)]
                facts.workers.append(worker)
            }
            for decision in scaler.evaluate(facts) {
                if case .drain(let name) = decision.action { gone.insert(name) }
                if case .launch = decision.action { Issue.record("grew: \(decision)") }
            }
        }
        #expect(gone.count == 1)
    }

    @Test func `ready work without room gets the offering that is cheapest for a slot`() {
        var dear = ScalingWorld.pool("dear", cores: 4, price: 1_000_000)
        dear.maximum = 3
        let cheap = ScalingWorld.pool("cheap", cores: 16, price: 2_000_000)
        var world = ScalingWorld(ScalingSettings(pools: [dear, cheap]))
        world.load = 16
        let made = world.turn()
        #expect(made.first?.action == .launch(1, offering: "cheap-16", count: 2))
        #expect(made.first?.reason == .unmetDemand(slots: 16))
        #expect(made.first?.alternatives.map(\.name) == ["dear-4"])
    }

    @Test func `an offering that fails is left for another, and is tried again later`() {
        var spot = ScalingWorld.pool("spot", price: 300_000, spot: true)
        spot.offerings[0].interruptionsPerHour = 0.1
        let demand = ScalingWorld.pool("demand", price: 1_000_000)
        var scaler = Scaler(settings: ScalingSettings(pools: [spot, demand]))
        var names: [String] = []
        for turn in 1...200 {
            var facts = ScalingFacts(at: Tick(UInt64(turn) * 30 * ScalingWorld.second))
            facts.demand = [ScalingDemand(request: ScalingWorld.core, count: 4)]
            for decision in scaler.evaluate(facts) {
                guard case .launch(let id, let offering, _) = decision.action else { continue }
                names.append(offering)
                scaler.launchFailed(id, at: facts.at)
            }
        }
        #expect(names.first == "spot-4")
        #expect(names.contains("demand-4"))
        #expect(names.suffix(20).contains("spot-4"))
    }

    @Test func `a spot worker that is to be taken back is replaced before it is gone`() {
        var world = ScalingWorld(
            ScalingSettings(pools: [ScalingWorld.pool(minimum: 1, spot: true)]))
        world.load = 1
        for _ in 0..<20 { world.turn() }
        let before = world.live.count
        guard let name = world.machines.keys.sorted().first else { return }
        world.machines[name]?.worker.isInterrupted = true
        let made = world.turn()
        #expect(made.contains { $0.action == .drain(name) && $0.reason == .interrupted })
        for _ in 0..<5 { world.turn() }
        #expect(world.live.count >= before)
        #expect(world.machines[name]?.isGone == true)
    }

    @Test func `a decision that is withdrawn leaves its worker as it was, and is made again`() {
        var settings = ScalingSettings(pools: [ScalingWorld.pool(maximum: 3)])
        settings.downCooldownNanoseconds = 0
        var scaler = Scaler(settings: settings)
        var withdrawn: [ScalingDecision.Action] = []
        for turn in 1...60 where withdrawn.count < 2 {
            var facts = ScalingFacts(at: Tick(UInt64(turn) * 30 * ScalingWorld.second))
            facts.workers = ["w0", "w1"].map {
                ScalingWorker(name: $0, pool: "a", offering: "a-4", launch: 0)
            }
            facts.workers[0].running = [ScalingDemand(request: ScalingWorld.core, count: 1)]
            let before = scaler
            for decision in scaler.evaluate(facts) where decision.action == .drain("w1") {
                #expect(scaler.member("w1")?.phase == "draining")
                scaler.withdraw(decision, as: before)
                #expect(scaler.member("w1")?.phase == "active")
                withdrawn.append(decision.action)
            }
        }
        #expect(withdrawn == [.drain("w1"), .drain("w1")])
    }

    @Test func `a drain is taken back when work returns`() {
        var world = ScalingWorld(ScalingSettings(pools: [ScalingWorld.pool(maximum: 2)]))
        world.load = 8
        for _ in 0..<40 { world.turn() }
        world.load = 1
        var drained: String?
        for _ in 0..<100 where drained == nil {
            for decision in world.turn() {
                if case .drain(let name) = decision.action { drained = name }
            }
        }
        world.load = 8
        #expect(world.turn().contains { $0.action == drained.map { .cancelDrain($0) } })
    }

    @Test func `workers found at the start are adopted, and those of no pool are ended`() {
        var scaler = Scaler(settings: ScalingSettings(pools: [ScalingWorld.pool()]))
        var facts = ScalingFacts(at: Tick(1))
        facts.workers = [
            ScalingWorker(name: "ours", pool: "a", offering: "a-4", launch: 7),
            ScalingWorker(name: "lost", pool: "gone", offering: "x", launch: 8),
        ]
        let made = scaler.evaluate(facts)
        #expect(made.map(\.action) == [.adopt("ours"), .terminate("lost")])
        #expect(made.map(\.reason) == [.found, .orphan])
        #expect(scaler.nextLaunch == 8)
    }

    @Test func `a launch that made nothing begins no cooldown`() {
        var world = ScalingWorld(ScalingSettings(pools: [ScalingWorld.pool()]))
        world.load = 4
        world.failing = 100
        world.turn()
        world.failing = 0
        #expect(world.turn().contains { if case .launch = $0.action { true } else { false } })
        world.load = 40
        #expect(world.turn().contains { if case .cooldown = $0.reason { true } else { false } })
    }

    @Test func `a forecast adds workers only where it may act, and removes none`() {
        for mode in ForecastMode.allCases {
            var settings = ScalingSettings(pools: [ScalingWorld.pool(minimum: 1)])
            settings.forecasts = mode
            var scaler = Scaler(settings: settings)
            var facts = ScalingFacts(at: Tick(1))
            facts.forecasts = ["a": 3]
            let made = scaler.evaluate(facts)
            let recommended = made.contains { $0.action == .recommend(count: 4) }
            let launched = made.reduce(0) {
                if case .launch(_, _, let count) = $1.action { $0 + count } else { $0 }
            }
            #expect(recommended == (mode == .recommend))
            #expect(launched == (mode == .act ? 5 : 1))
            #expect(made.first?.inputs.forecast == 3)
        }
    }

    @Test func `what is coded goes on as if nothing had happened`() throws {
        let settings = ScalingSettings(pools: [ScalingWorld.pool(), ScalingWorld.pool("b")])
        var world = ScalingWorld(settings, seed: 5)
        world.failing = 10
        world.losing = 20
        for turn in 0..<60 {
            world.load = turn % 20
            world.turn()
            var copy = try Scaler(settings: settings, from: world.scaler.encoded())
            copy.recent = world.scaler.recent
            #expect(copy == world.scaler)
        }
        let bytes = world.scaler.encoded()
        for cut in 0..<bytes.count {
            #expect(throws: CodingError.self) {
                try Scaler(settings: settings, from: Array(bytes.prefix(cut)))
            }
        }
    }

    @Test func `much short work needs few workers`() {
        let demand = ScalingDemand(
            request: ScalingWorld.core, count: 60_000, nanoseconds: 1_000_000)
        #expect(demand.slots(within: 60 * ScalingWorld.second) == 1)
        #expect(ScalingDemand(request: ScalingWorld.core, count: 9).slots(within: 1) == 9)
    }

    @Test func `spot is priced with what interruptions cost`() {
        var offering = ScalingOffering(
            name: "s", resources: ResourceVector(milliCores: 1, memoryBytes: 1),
            microsPerHour: 1000)
        offering.isSpot = true
        offering.interruptionsPerHour = 0.5
        var settings = ScalingSettings(pools: [])
        settings.checkpointNanoseconds = 3_600_000_000_000
        settings.checkpointCostNanoseconds = 360_000_000_000
        settings.replacementNanoseconds = 720_000_000_000
        let price = OfferingRecord().effectivePrice(of: offering, settings, at: .zero)
        // 1 + 0.1/1 + 0.5 * (1/2 + 0.2)
        #expect(abs(price - 1450) < 1e-6)
    }
}
