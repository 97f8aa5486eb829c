import FanfoldCore
import FanfoldRuntime

extension ScalingDesk {
    /// Takes a look at everything and has it decided on another thread; done by ``finish(_:_:_:)``.
    func begin(_ loop: EngineLoop) {
        // Who knows nothing decides nothing before each provider has said what is there.
        guard
            books.scaler.latest > .zero
                || scaling.providers.allSatisfy({ provider in
                    books.lists[provider.name]?.isKnown == true
                })
        else { return }
        let evaluation = evaluation(loop)
        let isChanged = books.isChanged || !evaluation.offered.isEmpty
        books.isEvaluating = true
        books.isChanged = false
        books.offered = [:]
        think { [self] in
            var outcome = evaluation.evaluated()
            // The loop needs it no more, and would have to take it apart.
            outcome.facts.workers = []
            let decided = outcome
            engine.perform { [self] loop, _ in finish(decided, isChanged, &loop) }
        }
    }

    /// What is known now, to be decided on.
    ///
    /// Complexity: O(workers and attempts that run); the rest is shared with the evaluation.
    func evaluation(_ loop: EngineLoop) -> ScalingEvaluation {
        ScalingEvaluation(
            scaling: scaling, owner: owner,
            wall: Tick(max(WallClock.now(), books.scaler.latest.nanoseconds)),
            scaler: books.scaler, memory: books.memory, offered: books.offered,
            foreign: books.foreign, lists: books.lists,
            refusedUntil: books.refusals.mapValues(\.until), idleSince: books.idleSince,
            demand: loop.scalingDemand(within: books.scaler.longestBootNanoseconds),
            runs: runs(loop), work: loop.workSnapshot(), instances: hub.instances)
    }

    /// Takes over what was decided, and has it done as far as it still holds.
    private func finish(
        _ outcome: ScalingEvaluation.Outcome, _ isChanged: Bool, _ loop: inout EngineLoop
    ) {
        books.isEvaluating = false
        books.scaler = outcome.after
        books.memory = outcome.memory
        books.idleSince = outcome.idleSince
        books.foreign = outcome.foreign
        warn(outcome.warnings)
        if scaling.declaration.mode == .act {
            act(outcome, isChanged, &loop)
        } else {
            note(outcome.made, &loop)
        }
        tellRuns(&loop)
        let waiting = books.waiting
        books.waiting = []
        for body in waiting { body(&loop) }
        tellSupply(&loop)
    }

    private func act(
        _ outcome: ScalingEvaluation.Outcome, _ isChanged: Bool, _ loop: inout EngineLoop
    ) {
        var made: [ScalingDecision] = []
        var bytes: [UInt8]? = outcome.bytes
        for decision in outcome.made where !isRepeated(decision) {
            guard outcome.isStale(decision, now: standing(of: decision, loop)) else {
                made.append(decision)
                continue
            }
            books.scaler.withdraw(decision, as: outcome.before)
            bytes = nil
            logger.info(
                "a decision about scaling was overtaken",
                metadata: ["pool": "\(decision.pool)", "what": "\(decision.sentence)"])
        }
        let kept = made.filter { !isNoted($0) }
        if !made.isEmpty { books.lastNotes = made }
        let isDue =
            outcome.facts.at.nanoseconds >= books.recordedAt + ClusterScaling.recordNanoseconds
            && books.scaler.microsPerHour > 0
        if !kept.isEmpty || isChanged || isDue {
            record(kept, bytes ?? books.memory.bytes(books.scaler), &loop)
        }
        let listing = listing(of: made)
        for decision in made { carryOut(decision, listing, &loop) }
    }

    private func standing(
        of decision: ScalingDecision, _ loop: EngineLoop
    ) -> WorkerStanding? {
        switch decision.action {
        case .drain(let name), .cancelDrain(let name), .terminate(let name):
            hub.instances[name].flatMap { loop.standing(of: $0.worker) }
        case .launch, .adopt, .recommend, .keep: nil
        }
    }

    /// Who lists the workers that are to be ended: one of a pool that the settings do not name any more
    /// belongs to whoever lists it.
    private func listing(of made: [ScalingDecision]) -> [String: ClusterScaling.Provider] {
        let ends = made.compactMap { decision -> String? in
            if case .terminate(let name) = decision.action { name } else { nil }
        }
        guard !ends.isEmpty else { return [:] }
        let wall = WallClock.now()
        books.ended = books.ended.filter { wall < $0.value + Limits.unlistedNanoseconds }
        let wanted = Set(ends)
        var found: [String: ClusterScaling.Provider] = [:]
        for provider in scaling.providers {
            for worker in books.lists[provider.name]?.workers ?? []
            where wanted.contains(worker.id) && found[worker.id] == nil {
                found[worker.id] = provider
            }
        }
        return found
    }

    private func warn(_ warnings: [ScalingEvaluation.Warning]) {
        guard !warnings.isEmpty else { return }
        for warning in warnings where !books.warnings.contains(warning) {
            logger.warning(
                "scaling",
                metadata: ["pool": "\(warning.pool)", "what": "\(warning.message)"])
        }
        books.warnings = Set(warnings)
    }

    /// Puts what was decided, and what the next process goes on with, into the journal.
    private func record(
        _ made: [ScalingDecision], _ bytes: [UInt8], _ loop: inout EngineLoop
    ) {
        books.recordedAt = WallClock.now()
        loop.handle(.scalingRecorded(state: bytes, made), at: loop.now)
    }

    /// Puts what the next process goes on with into the journal, written on the evaluations' thread.
    func recordSoon() {
        let (memory, scaler) = (books.memory, books.scaler)
        think { [self] in
            let bytes = memory.bytes(scaler)
            engine.perform { [self] loop, _ in record([], bytes, &loop) }
        }
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
        record(fresh, books.memory.bytes(books.scaler), &loop)
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
        case (.expectedDemand(_, let one, let task), .expectedDemand(_, let other, let same)):
            one == other && task == same
        case (.deadline(let one), .deadline(let other)), (.probe(let one), .probe(let other)):
            one.run == other.run && one.market == other.market
        default: left == right
        }
    }

    /// Whether the scaler knows nothing of the worker, and so not that it was told to end.
    private static func isUncounted(_ reason: ScalingDecision.Reason) -> Bool {
        switch reason {
        case .orphan, .otherCurrency: true
        default: false
        }
    }

    /// Whether somebody without a place was told to end a moment ago.
    private func isRepeated(_ decision: ScalingDecision) -> Bool {
        guard case .terminate(let name) = decision.action, Self.isUncounted(decision.reason),
            let told = books.ended[name]
        else { return false }
        return WallClock.now() < told + Limits.scalingRepeatNanoseconds
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
