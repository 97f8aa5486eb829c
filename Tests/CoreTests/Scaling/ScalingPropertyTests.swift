import Foundation
import Testing

@testable import FanfoldCore

/// Random workloads; each rule is looked at after every evaluation.
@Suite struct ScalingPropertyTests {
    /// `FANFOLD_WORKLOADS`; the long run has 10,000.
    static let workloads =
        ProcessInfo.processInfo.environment["FANFOLD_WORKLOADS"].flatMap(Int.init) ?? 300

    /// Reversals an hour that are allowed: one down each 600 s, and one up after each.
    static let reversalsPerHour = 12

    private func settings(_ random: inout SplitMix64) -> ScalingSettings {
        var pools: [ScalingPool] = []
        for number in 0...random.upTo(1) {
            let maximum = Int(random.upTo(9)) + 1
            var pool = ScalingWorld.pool(
                "p\(number)", minimum: Int(random.upTo(UInt64(min(maximum, 3)))),
                maximum: maximum, cores: Int64(random.upTo(7)) + 1,
                price: Int64(random.upTo(900_000)) + 100_000, spot: random.upTo(1) == 0)
            pool.step = Int(random.upTo(4)) + 1
            pools.append(pool)
        }
        var settings = ScalingSettings(pools: pools)
        let least = pools.reduce(Int64(0)) {
            $0 + Int64($1.minimum) * $1.offerings[0].microsPerHour
        }
        if random.upTo(2) == 0 {
            settings.hourlyBudgetMicros = least + Int64(random.upTo(3_000_000))
        }
        if random.upTo(3) == 0 {
            settings.totalBudgetMicros = least + Int64(random.upTo(5_000_000))
        }
        return settings
    }

    private func check(_ world: ScalingWorld, _ seed: Int) {
        let scaler = world.scaler
        for (place, pool) in scaler.settings.pools.enumerated() {
            #expect(scaler.count(of: place) <= pool.maximum, "above max, seed \(seed)")
        }
        if let hourly = scaler.settings.hourlyBudgetMicros {
            #expect(scaler.microsPerHour <= hourly, "over the hourly budget, seed \(seed)")
        }
        if let total = scaler.settings.totalBudgetMicros {
            #expect(scaler.spent <= Double(total), "over the budget, seed \(seed)")
        }
    }

    /// At most a step is added to a pool, and taken from it, by one evaluation.
    private func checkStep(_ world: ScalingWorld, _ made: [ScalingDecision], _ seed: Int) {
        for pool in world.scaler.settings.pools {
            var (added, removed) = (0, 0)
            for decision in made where decision.pool == pool.name {
                switch (decision.action, decision.reason) {
                case (.launch, .answerMissing): break
                case (.launch(_, _, let count), _): added += count
                case (.drain, .lowUtilisation), (.terminate, .lowUtilisation): removed += 1
                default: break
                }
            }
            #expect(added <= pool.step, "more than a step was added, seed \(seed)")
            #expect(removed <= pool.step, "more than a step was removed, seed \(seed)")
        }
    }

    private func checkMinimum(_ world: ScalingWorld, _ made: [ScalingDecision], _ seed: Int) {
        let scaler = world.scaler
        // A budget wins over the minimum.
        guard !scaler.isSpent else { return }
        for (place, pool) in scaler.settings.pools.enumerated() {
            let stays = scaler.members.values.count { $0.pool == place && $0.phase == .active }
            let removed = made.contains {
                guard $0.pool == pool.name else { return false }
                if case .lowUtilisation = $0.reason { return true }
                return false
            }
            #expect(!removed || stays >= pool.minimum, "below min, seed \(seed)")
        }
    }

    @Test func `no random workload breaks min, max, step or a budget, or grows after it shrank`() {
        for seed in 0..<Self.workloads {
            var random = SplitMix64(seed: UInt64(seed))
            var world = ScalingWorld(settings(&random), seed: UInt64(seed))
            var shrank = false
            for turn in 0..<30 {
                // The work stays the same after workers went, and for whole windows.
                if !shrank, turn % 12 == 0 {
                    world.load = random.upTo(2) == 0 ? 0 : Int(random.upTo(30))
                }
                let made = world.turn(after: 60)
                check(world, seed)
                checkMinimum(world, made, seed)
                checkStep(world, made, seed)
                if shrank, !world.scaler.isSpent {
                    for decision in made {
                        guard case .launch = decision.action else { continue }
                        Issue.record("grew after it shrank, seed \(seed): \(decision)")
                    }
                }
                shrank = made.contains {
                    if case .lowUtilisation = $0.reason { true } else { false }
                }
            }
        }
    }

    @Test func `a load that swings turns the scaler around twelve times an hour at most`() {
        for period in Array(1...48) + [60, 80, 120, 240] {
            var settings = ScalingSettings(pools: [ScalingWorld.pool()])
            settings.pools[0].minimum = 1
            var world = ScalingWorld(settings)
            for turn in 0..<960 {
                // Every other period swings less far, and not down to nothing.
                world.load = turn / period % 2 == 0 ? 30 : period % 3
                world.turn(after: 15)
            }
            let hour = 3600 * ScalingWorld.second
            for first in world.reversals {
                let within = world.reversals.count {
                    $0 >= first && $0.nanoseconds < first.nanoseconds + hour
                }
                #expect(within <= Self.reversalsPerHour, "period \(period)")
            }
        }
    }

    @Test func `no sequence of failures leaks a worker or makes one twice`() {
        for seed in 0..<Self.workloads / 3 {
            var random = SplitMix64(seed: UInt64(seed) &+ 77)
            let settings = settings(&random)
            var world = ScalingWorld(settings, seed: UInt64(seed))
            for turn in 0..<40 {
                world.failing = random.upTo(60)
                world.losing = random.upTo(60)
                if turn % 8 == 0 { world.load = Int(random.upTo(20)) }
                world.turn()
                check(world, seed)
                // The coordinator dies and goes on, or everything it knew is lost.
                if random.upTo(15) == 0,
                    let copy = try? Scaler(settings: settings, from: world.scaler.encoded())
                {
                    world.scaler = copy
                }
            }
            world.failing = 0
            world.losing = 0
            world.load = 0
            for _ in 0..<600 { world.turn() }
            let known = Set(world.scaler.members.keys)
            #expect(Set(world.live.map(\.worker.name)) == known, "seed \(seed)")
            #expect(world.scaler.launches.isEmpty, "seed \(seed)")
            let least = settings.pools.reduce(0) { $0 + $1.minimum }
            #expect(world.live.count <= least, "leaked, seed \(seed)")
        }
    }
}
