@testable import FanfoldCore

/// Providers and work that are made up: launches boot, answers get lost, spot workers go.
struct ScalingWorld {
    struct Machine {
        var worker: ScalingWorker
        var readyAt: Tick
        var isGone = false
    }

    static let second: UInt64 = 1_000_000_000
    static let core = ResourceRequest(milliCores: 1000)

    var scaler: Scaler
    var now = Tick(ScalingWorld.second)
    var machines: [String: Machine] = [:]
    /// Launches that the provider has carried out: the same one again makes nothing new.
    var made: [UInt64: [String]] = [:]
    var decisions: [ScalingDecision] = []
    /// Slots that are wanted, those that run included.
    var load = 0
    var random: SplitMix64
    /// Of 100 calls, those that fail, and those whose answer is lost.
    var failing: UInt64 = 0
    var losing: UInt64 = 0
    /// Reversals: moments at which the direction changed.
    var reversals: [Tick] = []
    private var lastUp: Bool?
    /// What is expected beside the load.
    var expected: [ScalingDemand] = []
    /// Moments at which workers went, or came for what was expected, after the other.
    var expectedReversals: [Tick] = []
    private var lastExpected: Bool?

    init(_ settings: ScalingSettings, seed: UInt64 = 1) {
        scaler = Scaler(settings: settings)
        random = SplitMix64(seed: seed)
    }

    /// A pool of workers of four cores at one unit an hour.
    static func pool(
        _ name: String = "a", minimum: Int = 0, maximum: Int = 10, cores: Int64 = 4,
        price: Int64 = 1_000_000, spot: Bool = false
    ) -> ScalingPool {
        var offering = ScalingOffering(
            name: name + "-\(cores)",
            resources: ResourceVector(milliCores: cores * 1000, memoryBytes: 1 << 34),
            microsPerHour: price)
        offering.isSpot = spot
        var pool = ScalingPool(name: name, maximum: maximum, offerings: [offering])
        pool.minimum = minimum
        return pool
    }

    var live: [Machine] { machines.values.filter { !$0.isGone } }

    mutating func facts() -> ScalingFacts {
        var facts = ScalingFacts(at: now)
        var left = load
        for name in machines.keys.sorted() where machines[name]?.isGone == false {
            guard var machine = machines[name] else { continue }
            machine.worker.isReady = machine.readyAt <= now
            let member = scaler.members[name]
            let cores = member.map {
                Int(scaler.offering($0.pool, $0.offering).resources.milliCores / 1000)
            }
            let before = machine.worker.running.first?.count ?? 0
            // What drains gets nothing new, and ends what it has.
            let takes = machine.worker.isReady && member?.phase == .active
            let now = takes ? min(cores ?? 0, left) : 0
            left -= now
            machine.worker.running =
                now > 0 ? [ScalingDemand(request: Self.core, count: now)] : []
            if now == 0, before > 0 || machine.worker.idleSince == nil {
                machine.worker.idleSince = self.now
            } else if now > 0 {
                machine.worker.idleSince = nil
            }
            machine.worker.workNanoseconds = UInt64(now) * Self.second
            machines[name] = machine
            facts.workers.append(machine.worker)
        }
        if left > 0 { facts.demand = [ScalingDemand(request: Self.core, count: left)] }
        facts.demand += expected
        return facts
    }

    @discardableResult
    mutating func turn(after seconds: UInt64 = 30) -> [ScalingDecision] {
        now = now.advanced(byNanoseconds: seconds * Self.second)
        let made = scaler.evaluate(facts())
        decisions += made
        note(made)
        for decision in made { carryOut(decision) }
        return made
    }

    private mutating func note(_ made: [ScalingDecision]) {
        for decision in made {
            let isExpected: Bool
            switch (decision.action, decision.reason) {
            case (.launch, .expectedDemand): isExpected = true
            case (.drain, .lowUtilisation), (.terminate, .lowUtilisation): isExpected = false
            default: continue
            }
            if let lastExpected, lastExpected != isExpected { expectedReversals.append(now) }
            lastExpected = isExpected
        }
        for decision in made {
            let up: Bool
            switch (decision.action, decision.reason) {
            case (.launch, .utilisation), (.launch, .unmetDemand), (.cancelDrain, _): up = true
            case (.drain, .lowUtilisation), (.terminate, .lowUtilisation): up = false
            default: continue
            }
            if let lastUp, lastUp != up { reversals.append(now) }
            lastUp = up
        }
    }

    private mutating func carryOut(_ decision: ScalingDecision) {
        let fails = random.upTo(99) < failing
        let isLost = random.upTo(99) < losing
        switch decision.action {
        case .launch(let id, let offering, let count):
            if fails, made[id] == nil {
                if !isLost { scaler.launchFailed(id, at: now) }
                return
            }
            let names = made[id] ?? (0..<count).map { "m\(id)-\($0)" }
            if made[id] == nil {
                for name in names {
                    let worker = ScalingWorker(
                        name: name, pool: decision.pool, offering: offering, launch: id)
                    machines[name] = Machine(
                        worker: worker, readyAt: now.advanced(byNanoseconds: 60 * Self.second))
                }
                made[id] = names
            }
            if !isLost { scaler.launched(id, names: names, at: now) }
        case .terminate(let name):
            if !fails { machines[name]?.isGone = true }
        case .drain(let name): scaler.drained(name, at: now)
        default: break
        }
    }
}
