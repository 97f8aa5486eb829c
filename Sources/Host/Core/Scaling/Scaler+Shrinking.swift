extension Scaler {
    /// Removes workers that are not needed, where nothing grows.
    mutating func shrink(_ turn: inout ScalingTurn) {
        // Made once, and only where something may be removed.
        var rest: Projection?
        for pool in pools.indices where turn.planned(in: pool) == 0 {
            // Who cannot be asked cannot say what runs there.
            guard !turn.facts.unlisted.contains(settings.pools[pool].name) else { continue }
            let isOver = isOver(pool)
            guard isOver || (turn.unmet.isEmpty && !turn.relented.contains(pool)) else { continue }
            guard isOver || turn.served.allSatisfy({ $0.left == 0 || !$0.isWanted }) else {
                continue
            }
            let utilisation = windowUtilisation(of: pool)
            guard isOver || utilisation.map({ $0 <= settings.lower }) ?? false else { continue }
            guard isOver || clock >= pools[pool].downUntil else { continue }
            var staying = rest ?? projection(turn)
            retire(
                in: pool, isOver ? .aboveMaximum : .lowUtilisation(utilisation ?? 0), isOver,
                &staying, &turn)
            rest = staying
        }
    }

    /// The mean over the window, by time; `nil` before a whole window was seen.
    private func windowUtilisation(of pool: Int) -> Double? {
        let samples = pools[pool].samples
        guard let first = samples.first,
            clock.nanoseconds - first.at.nanoseconds >= settings.windowNanoseconds
        else { return nil }
        let start = clock.nanoseconds - settings.windowNanoseconds
        var sum = 0.0
        for (place, sample) in samples.enumerated() {
            let end = place + 1 < samples.count ? samples[place + 1].at : clock
            let begin = max(sample.at.nanoseconds, start)
            sum += sample.utilisation * Double(end.nanoseconds - min(begin, end.nanoseconds))
        }
        return sum / Double(settings.windowNanoseconds)
    }

    /// Booting ones first, then those idle for longest, then those that lose the least work.
    private func retireOrder(in pool: Int, _ turn: ScalingTurn) -> [String] {
        let ranked = names { $0.pool == pool && $0.phase == .active }.filter {
            !isKept($0, turn)
        }.map { name in
            (name: name, rank: rank(name, turn))
        }
        return ranked.sorted { left, right in
            left.rank == right.rank ? left.name < right.name : left.rank < right.rank
        }.map(\.name)
    }

    func rank(_ name: String, _ turn: ScalingTurn) -> (Int, UInt64) {
        guard let worker = turn.byName[name], worker.isReady else { return (0, 0) }
        if worker.running.allSatisfy({ $0.count == 0 }) {
            return (1, worker.idleSince?.nanoseconds ?? clock.nanoseconds)
        }
        return (2, worker.workNanoseconds)
    }

    /// Removes workers of a pool; `staying` are all that stay, with what runs on them alone.
    private mutating func retire(
        in pool: Int, _ reason: ScalingDecision.Reason, _ isOver: Bool,
        _ staying: inout Projection, _ turn: inout ScalingTurn
    ) {
        var gone: Set<String> = []
        let order = retireOrder(in: pool, turn)
        var tries = Limits.scalingRetireTries
        for name in order where gone.count < settings.pools[pool].step && tries > 0 {
            var rest = staying
            rest.remove(name)
            if isOver {
                guard isStillOver(pool, without: gone) else { break }
            } else if !isFine(rest, without: gone.union([name]), pool, turn) {
                // One that is larger than others may be needed where a smaller one is not.
                tries -= 1
                continue
            }
            gone.insert(name)
            staying = rest
        }
        let others = order.filter { !gone.contains($0) }.prefix(Limits.scalingAlternatives).map {
            ScalingDecision.Alternative(
                name: $0, cost: Double(turn.byName[$0]?.workNanoseconds ?? 0),
                reason: "needed, or more would be lost")
        }
        if !gone.isEmpty { expectLater(pool) }
        for name in order where gone.contains(name) {
            turn.projection.remove(name)
            let isBooting = turn.byName[name]?.isReady != true
            if isBooting {
                end(name, reason, &turn)
                startDownCooldown(pool, at: clock)
            } else {
                drain(name, reason, &turn)
            }
            if let last = turn.decisions.indices.last { turn.decisions[last].alternatives = others }
        }
    }

    private func isStillOver(_ pool: Int, without gone: Set<String>) -> Bool {
        let leaving = gone.count + members.values.count { $0.pool == pool && $0.phase != .active }
        if count(of: pool) - leaving > settings.pools[pool].maximum { return true }
        guard let hourly = settings.hourlyBudgetMicros else { return false }
        let left = members.reduce(microsPerHour) { sum, entry in
            let stays = entry.value.phase == .active && !gone.contains(entry.key)
            return stays
                ? sum : sum - offering(entry.value.pool, entry.value.offering).microsPerHour
        }
        return left > hourly
    }

    /// Whether the rest holds all work, is above the minimum, and is not so busy that the next
    /// evaluation would add workers.
    private func isFine(
        _ rest: Projection, without gone: Set<String>, _ pool: Int, _ turn: ScalingTurn
    ) -> Bool {
        var rest = rest
        let count = rest.count(of: pool)
        guard count >= settings.pools[pool].minimum else { return false }
        if settings.forecasts == .act,
            let forecast = turn.forecasts[settings.pools[pool].name],
            count < workers(for: forecast)
        {
            return false
        }
        guard packed(turn, on: &rest) else { return false }
        var work = turn.wanted + turn.kept
        for name in gone.sorted() {
            work += (turn.byName[name]?.running ?? []).map { ($0.request, $0.count) }
        }
        for (request, number) in work where rest.pack(request, count: number) > 0 { return false }
        return pools.indices.allSatisfy {
            let before = utilisation(of: $0, turn.projection)
            return utilisation(of: $0, rest) <= max(settings.target, before) + Self.rounding
        } && utilisation(of: pool, rest) <= settings.target + Self.rounding
    }
}
