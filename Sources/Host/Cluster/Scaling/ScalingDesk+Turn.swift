import FanfoldCore
import FanfoldRuntime

extension ScalingDesk {
    /// A look at everything, a decision, and what follows from it.
    func evaluate(_ loop: inout EngineLoop) {
        let wall = Tick(max(WallClock.now(), books.scaler.latest.nanoseconds))
        // Who knows nothing decides nothing before each provider has said what is there.
        guard
            books.scaler.latest > .zero
                || scaling.providers.allSatisfy({ provider in
                    books.lists[provider.name]?.isKnown == true
                })
        else { return }
        let facts = facts(loop, at: wall)
        guard scaling.declaration.mode == .act else {
            var copy = books.scaler
            note(copy.evaluate(facts), &loop)
            return tellSupply(&loop)
        }
        let made = books.scaler.evaluate(facts).filter { !isRepeated($0) }
        let kept = made.filter { !isNoted($0) }
        if !made.isEmpty { books.lastNotes = made }
        let isDue =
            wall.nanoseconds >= books.recordedAt + ClusterScaling.recordNanoseconds
            && books.scaler.microsPerHour > 0
        if !kept.isEmpty || books.isChanged || isDue { record(kept, &loop) }
        for decision in made { carryOut(decision, &loop) }
        tellRuns(&loop)
        tellSupply(&loop)
    }

    /// Puts what was decided, and what the next process goes on with, into the journal.
    func record(_ made: [ScalingDecision], _ loop: inout EngineLoop) {
        books.isChanged = false
        books.recordedAt = WallClock.now()
        loop.handle(
            .scalingRecorded(state: books.memory.bytes(books.scaler), made), at: loop.now)
    }

    /// Nothing is carried out: what would be is kept if it is something else than last time.
    private func note(_ made: [ScalingDecision], _ loop: inout EngineLoop) {
        let fresh = made.filter { !isNoted($0) }
        books.lastNotes = made
        guard !fresh.isEmpty else { return }
        if scaling.declaration.mode == .recommend {
            for decision in fresh {
                logger.notice(
                    "scaling is recommended",
                    metadata: ["pool": "\(decision.pool)", "what": "\(decision.sentence)"])
            }
        }
        record(fresh, &loop)
    }

    private func isNoted(_ decision: ScalingDecision) -> Bool {
        let isQuiet =
            switch decision.action {
            case .keep, .recommend: true
            default: scaling.declaration.mode != .act
            }
        return isQuiet
            && books.lastNotes.contains {
                $0.pool == decision.pool && $0.action == decision.action
                    && Self.isSame($0.reason, decision.reason)
            }
    }

    /// Numbers in a reason change from look to look.
    private static func isSame(
        _ left: ScalingDecision.Reason, _ right: ScalingDecision.Reason
    ) -> Bool {
        switch (left, right) {
        case (.utilisation, .utilisation), (.lowUtilisation, .lowUtilisation),
            (.unmetDemand, .unmetDemand):
            true
        case (.deadline(let one), .deadline(let other)), (.probe(let one), .probe(let other)):
            one.run == other.run && one.market == other.market
        default: left == right
        }
    }

    /// Whether somebody without a place was told to end a moment ago.
    private func isRepeated(_ decision: ScalingDecision) -> Bool {
        guard case .terminate(let name) = decision.action, decision.reason == .orphan,
            let told = books.ended[name]
        else { return false }
        return WallClock.now() < told + Limits.scalingRepeatNanoseconds
    }

    // MARK: Facts

    func facts(_ loop: EngineLoop, at wall: Tick) -> ScalingFacts {
        var facts = ScalingFacts(at: wall)
        facts.demand = loop.scalingDemand(within: books.scaler.longestBootNanoseconds)
        facts.runs = runs(loop, at: wall)
        let here = workersHere(loop)
        for provider in scaling.providers {
            let list = books.lists[provider.name] ?? WorkerList()
            let pools = scaling.pools.filter { $0.provider == provider.name }.map(\.name)
            if !list.isKnown || list.problem != nil { facts.unlisted.formUnion(pools) }
            for worker in list.workers {
                if let fact = fact(worker, pools, here[worker.id], loop, wall) {
                    facts.workers.append(fact)
                }
            }
        }
        rebuild()
        books.idleSince = books.idleSince.filter { name, _ in
            facts.workers.contains { $0.name == name }
        }
        return facts
    }

    /// Workers that have joined, by the name that their provider has for them.
    private func workersHere(_ loop: EngineLoop) -> [String: WorkerUsage] {
        var here: [String: WorkerUsage] = [:]
        for usage in loop.workerUsage() {
            for label in hub.label(of: usage.worker)?.labels ?? []
            where label.hasPrefix("instance=") {
                here[String(label.dropFirst(9))] = usage
            }
        }
        return here
    }

    private func fact(
        _ worker: RentedWorker, _ pools: [String], _ usage: WorkerUsage?, _ loop: EngineLoop,
        _ wall: Tick
    ) -> ScalingWorker? {
        let token = LaunchToken(
            worker.token, owner: owner, pools: scaling.pools.map(\.name))
        let pool = token?.pool ?? ""
        // A pool of which nothing is known yet decides nothing about its workers either.
        if token != nil, books.memory.offerings[pool] == nil { return nil }
        if token != nil { keepOffering(worker, of: pool, usage?.total) }
        var fact = ScalingWorker(
            name: worker.id, pool: pool, offering: worker.offering, launch: token?.launch ?? 0)
        fact.isReady = usage != nil
        if let usage, let work = loop.scalingWork(on: usage.worker) {
            fact.running = work.running
            fact.workNanoseconds = work.workNanoseconds
        }
        if usage != nil, fact.running.isEmpty {
            let since = books.idleSince[worker.id] ?? wall.nanoseconds
            books.idleSince[worker.id] = since
            fact.idleSince = Tick(since)
        } else {
            books.idleSince[worker.id] = nil
        }
        fact.isInterrupted =
            worker.state == "stopping" && books.scaler.member(worker.id)?.phase != "ending"
        return fact
    }

    // MARK: Supply

    /// What the coordinator says to those who ask why something waits.
    private func tellSupply(_ loop: inout EngineLoop) {
        let supply = supply(at: loop.now)
        guard supply != books.supply else { return }
        books.supply = supply
        // What strategies may put depends on it.
        loop.handle(.supplyChanged(supply), at: loop.now)
    }

    private func supply(at now: Tick) -> Supply {
        let scaler = books.scaler
        guard scaling.declaration.mode == .act else { return .given }
        let wall = scaler.latest
        func tick(_ moment: UInt64) -> Tick {
            // In whole seconds, so that the same moment stays the same.
            let left = moment > wall.nanoseconds ? moment - wall.nanoseconds : 0
            let at = now.advanced(byNanoseconds: left).nanoseconds
            return Tick(at / 1_000_000_000 * 1_000_000_000)
        }
        if let expected = scaler.expected {
            if case .scalingUp(expected.workers, let at) = books.supply,
                at.nanoseconds + 2_000_000_000 >= tick(expected.at.nanoseconds).nanoseconds
            {
                return books.supply
            }
            return .scalingUp(
                workers: expected.workers, expected: tick(expected.at.nanoseconds))
        }
        if let total = scaler.settings.totalBudgetMicros, scaler.isSpent {
            return .budgetExhausted(spentMicros: scaler.spentMicros, limitMicros: total)
        }
        if let hourly = scaler.settings.hourlyBudgetMicros, isHeldByBudget(scaler) {
            return .budgetExhausted(spentMicros: scaler.microsPerHour, limitMicros: hourly)
        }
        for provider in scaling.providers {
            if let refusal = books.refusals[provider.name], refusal.until > wall.nanoseconds {
                return .unavailable(provider: provider.name, until: tick(refusal.until))
            }
            if books.lists[provider.name]?.problem != nil {
                return .unavailable(provider: provider.name, until: books.nextLook)
            }
        }
        let canGrow = scaler.settings.pools.contains { $0.offerings.contains(where: \.isAvailable) }
        return canGrow ? .elastic : .given
    }

    /// Whether no offering fits into what is left for an hour.
    private func isHeldByBudget(_ scaler: Scaler) -> Bool {
        guard let hourly = scaler.settings.hourlyBudgetMicros else { return false }
        let cheapest = scaler.settings.pools.flatMap(\.offerings).filter(\.isAvailable)
            .map(\.microsPerHour).min()
        return cheapest.map { scaler.microsPerHour + $0 > hourly } ?? false
    }
}
