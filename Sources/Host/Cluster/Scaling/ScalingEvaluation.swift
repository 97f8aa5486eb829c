import FanfoldCore
import FanfoldRuntime

/// One evaluation: what was known at one moment, taken away from the loop, and what comes of it.
///
/// Taking it costs the loop little: what changes slowly is shared until somebody changes it, and what
/// runs on workers is copied into two flat lists.  All else, up to the bytes for the journal, is done
/// where ``evaluated()`` is called.  It asks nobody and has no clock, so that what would be decided is
/// what is decided.
struct ScalingEvaluation: Sendable {
    /// A worker that joined with the name that its provider has for it.
    struct Instance: Sendable {
        var worker: WorkerID
        var capacity: ResourceVector
    }

    /// What came of it.
    struct Outcome: Sendable {
        /// The scaler with the settings of the moment, before it decided.
        var before: Scaler
        /// The scaler that has decided.
        var after: Scaler
        var memory: ScalingMemory
        var idleSince: [String: UInt64]
        var facts: ScalingFacts
        /// Of the workers that are to be drained or ended, those that took work.
        var ready: Set<String> = []
        /// Those of them on which nothing ran.
        var idle: Set<String> = []
        var made: [ScalingDecision]
        /// How runs with a deadline are served.
        var outlooks: [RunOutlook]
        /// Pools that are left alone, with the currency of their prices.
        var foreign: [String: String]
        /// What a person is told.
        var warnings: [Warning] = []
        /// What goes into the journal, if something does.
        var bytes: [UInt8] = []
    }

    /// Something that a person may do something about.
    struct Warning: Hashable, Sendable {
        var pool: String
        var message: String
    }

    let scaling: ClusterScaling
    let owner: String
    /// The moment by the wall clock; not before the scaler's last.
    let wall: Tick
    var scaler: Scaler
    var memory: ScalingMemory
    /// What providers have had for rent since the last evaluation, by pool.
    var offered: [String: [RentableOffering]]
    /// Pools that are left alone, with the currency of their prices.
    var foreign: [String: String]
    let lists: [String: ScalingDesk.WorkerList]
    /// Until when providers that refused are left alone.
    let refusedUntil: [String: UInt64]
    var idleSince: [String: UInt64]
    let demand: [ScalingDemand]
    /// What is left of runs with a deadline.
    let runs: [ScalingRun]
    let work: WorkSnapshot
    let instances: [String: Instance]
    var warnings: [Warning] = []
    /// Workers of pools that are left alone.
    var elsewhere: [WorkerElsewhere] = []

    /// Decides.
    ///
    /// Complexity: O(workers x log(workers) + shapes x classes of workers).
    func evaluated() -> Outcome {
        var copy = self
        return copy.run()
    }

    private mutating func run() -> Outcome {
        takeOffered()
        let facts = facts()
        rebuild()
        let before = scaler
        var left = foreign.sorted { $0.key < $1.key }.map { pool, currency in
            ScalingDecision.keep(
                pool, pricedIn: currency, budgetIn: memory.currency, at: wall)
        }
        left += endWhatIdlesElsewhere()
        let made = scaler.evaluate(facts) + left
        // In other modes nothing that was decided becomes of the scaler.
        let kept = scaling.declaration.mode == .act ? scaler : before
        var outcome = Outcome(
            before: before, after: kept, memory: memory, idleSince: idleSince, facts: facts,
            made: made, outlooks: scaler.outlooks, foreign: foreign, warnings: warnings,
            bytes: memory.bytes(kept))
        outcome.noteStandings()
        return outcome
    }

    // MARK: Facts

    private mutating func facts() -> ScalingFacts {
        var facts = ScalingFacts(at: wall)
        facts.demand = demand
        facts.runs = runs
        let names = scaling.pools.map(\.name)
        for provider in scaling.providers {
            let list = lists[provider.name] ?? ScalingDesk.WorkerList()
            let pools = scaling.pools.filter { $0.provider == provider.name }.map(\.name)
            if !list.isKnown || list.problem != nil { facts.unlisted.formUnion(pools) }
            for worker in list.workers {
                if let fact = fact(worker, names) { facts.workers.append(fact) }
            }
        }
        let there = Set(facts.workers.map(\.name)).union(elsewhere.map(\.name))
        idleSince = idleSince.filter { there.contains($0.key) }
        return facts
    }

    private mutating func fact(_ worker: RentedWorker, _ pools: [String]) -> ScalingWorker? {
        let token = LaunchToken(worker.token, owner: owner, pools: pools)
        let pool = token?.pool ?? ""
        if foreign[pool] != nil { noteElsewhere(worker, of: pool) }
        // A pool of which nothing is known yet, or which is left alone, decides nothing about its
        // workers either.
        if token != nil, memory.offerings[pool] == nil { return nil }
        let instance = instances[worker.id]
        let work = instance.flatMap { self.work.work(on: $0.worker) }
        if token != nil {
            keepOffering(worker, of: pool, work == nil ? nil : instance?.capacity)
        }
        var fact = ScalingWorker(
            name: worker.id, pool: pool, offering: worker.offering, launch: token?.launch ?? 0)
        fact.isReady = work != nil
        fact.running = work?.running ?? []
        fact.workNanoseconds = work?.workNanoseconds ?? 0
        if work != nil, fact.running.isEmpty {
            let since = idleSince[worker.id] ?? wall.nanoseconds
            idleSince[worker.id] = since
            fact.idleSince = Tick(since)
        } else {
            idleSince[worker.id] = nil
        }
        fact.isInterrupted =
            worker.state == "stopping" && !scaler.isEnding(worker.id)
        return fact
    }
}

extension ScalingEvaluation.Outcome {
    /// Whether what a decision was made from has changed while it was made, so that it is not carried
    /// out; the next evaluation looks again.
    ///
    /// - Parameter now: how its worker is now; `nil` if it is not there.
    func isStale(_ decision: ScalingDecision, now: WorkerStanding?) -> Bool {
        switch (decision.action, decision.reason) {
        case (.drain(let name), .lowUtilisation):
            // One that has gone is no more to be drained, and one that has got work is needed.
            guard let now else { return true }
            return idle.contains(name) && !now.isIdle
        case (.terminate(let name), .lowUtilisation), (.terminate(let name), .neverReady),
            (.terminate(let name), .deadline):
            // It takes work after all.
            return !ready.contains(name) && now != nil
        case (.terminate, .drained), (.terminate, .otherCurrency):
            return now.map { !$0.isIdle } ?? false
        case (.cancelDrain, _): return now?.isDraining != true
        default: return false
        }
    }

    /// Notes how the workers were that are to be drained or ended, so that the loop has not to look.
    mutating func noteStandings() {
        let names = made.compactMap { decision -> String? in
            switch decision.action {
            case .drain(let name), .terminate(let name): name
            default: nil
            }
        }
        let wanted = Set(names)
        for worker in facts.workers where wanted.contains(worker.name) && worker.isReady {
            ready.insert(worker.name)
            if worker.running.allSatisfy({ $0.count == 0 }) { idle.insert(worker.name) }
        }
    }
}
