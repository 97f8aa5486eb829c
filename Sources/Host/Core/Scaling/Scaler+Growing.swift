extension Scaler {
    /// Packs what runs and what wants to run on what is there and what is starting.
    mutating func project(_ turn: inout ScalingTurn) {
        turn.projection = projection(turn)
        turn.wanted = wanted(turn)
        packRuns(&turn) { $0.isSteady }
        for demand in turn.wanted {
            let left = turn.projection.pack(demand.request, count: demand.count)
            if left > 0 { turn.unmet.append((demand.request, left)) }
        }
        packRuns(&turn) { !$0.isSteady && $0.isWanted }
        relent(&turn)
        for pool in pools.indices {
            sample(pool, utilisation(of: pool, turn.projection))
        }
    }

    /// Workers that stay, with what runs on them, and those whose launch has no answer.
    func projection(_ turn: ScalingTurn) -> Projection {
        var projection = Projection()
        projection.add(
            names { $0.phase == .active }.compactMap { name in
                members[name].map {
                    (name, $0.pool, $0.offering, turn.byName[name]?.running ?? [])
                }
            }, settings)
        for (id, launch) in launches.sorted(by: { $0.key < $1.key }) {
            projection.add(
                count: outstanding(id), pool: launch.pool, offering: launch.offering,
                offering(launch.pool, launch.offering))
        }
        return projection
    }

    /// Slots that are wanted, the largest requests first: what is ready, and what interrupted
    /// workers will not end.
    private func wanted(_ turn: ScalingTurn) -> [(request: ResourceRequest, count: Int)] {
        var wanted = turn.facts.demand.map {
            (request: $0.request, count: $0.slots(within: settings.horizonNanoseconds))
        }
        for name in names(where: \.isInterrupted) {
            for running in turn.byName[name]?.running ?? [] where !isServed(running.run, turn) {
                wanted.append((running.request, running.count))
            }
        }
        return wanted.filter { $0.count > 0 }.sorted {
            Self.isLarger($0.request, than: $1.request)
        }
    }

    /// Takes drains back where there is work for the worker again.
    private mutating func relent(_ turn: inout ScalingTurn) {
        guard !turn.unmet.isEmpty else { return }
        for name in names(where: { $0.phase == .draining && !$0.isInterrupted })
        where !turn.unmet.isEmpty {
            guard let member = members[name], !isOver(member.pool), !isInTheWay(member, turn)
            else { continue }
            let offering = offering(member.pool, member.offering)
            // What is unmet has no room elsewhere: whether this worker has some is all there is to ask.
            var free = offering.resources
            let running = turn.byName[name]?.running ?? []
            for demand in running where demand.request.labels.allSatisfy(offering.labels.contains) {
                _ = free.take(demand.request, upTo: demand.count)
            }
            var helps = false
            for (request, count) in turn.unmet
            where request.labels.allSatisfy(offering.labels.contains) {
                if free.take(request, upTo: count) > 0 { helps = true }
            }
            guard helps else { continue }
            members[name]?.phase = .active
            turn.projection.add([(name, member.pool, member.offering, running)], settings)
            turn.unmet = turn.unmet.compactMap { request, count in
                let left = turn.projection.pack(request, count: count)
                return left > 0 ? (request, left) : nil
            }
            turn.relented.insert(member.pool)
            decide(
                .cancelDrain(name), .demandReturned, in: settings.pools[member.pool].name, &turn)
        }
    }

    private mutating func sample(_ pool: Int, _ utilisation: Double) {
        let window = settings.windowNanoseconds
        if let last = pools[pool].samples.last,
            clock.nanoseconds - last.at.nanoseconds < window / UInt64(Limits.scalingSamples)
        {
            // The highest of a moment counts: what is removed must be removable throughout.
            pools[pool].samples[pools[pool].samples.count - 1].utilisation = max(
                last.utilisation, utilisation)
        } else {
            pools[pool].samples.append(Sample(at: clock, utilisation: utilisation))
        }
        while pools[pool].samples.count > 1,
            clock.nanoseconds - pools[pool].samples[1].at.nanoseconds >= window
        {
            pools[pool].samples.removeFirst()
        }
    }

    /// Plans workers for what has no room.
    mutating func grow(_ turn: inout ScalingTurn) {
        for pool in pools.indices {
            let lacking = settings.pools[pool].minimum - turn.projection.count(of: pool)
            if lacking > 0 { add(lacking, to: pool, .belowMinimum, &turn) }
        }
        meetRuns(&turn) { $0.outlook.market == .net }
        meetDemand(&turn)
        meetRuns(&turn) { $0.isWanted && $0.outlook.market != .net }
        for pool in pools.indices where !isForRunsAlone(pool, turn) {
            keepHeadroom(in: pool, &turn)
        }
        changeOver(&turn)
    }

    /// Asks for the workers that are planned.
    mutating func launch(_ turn: inout ScalingTurn) {
        for planned in turn.plan {
            let id = nextLaunch
            nextLaunch += 1
            launches[id] = Launch(
                pool: planned.pool, offering: planned.offering, count: planned.count,
                ordered: clock)
            decide(
                .launch(
                    id, offering: offering(planned.pool, planned.offering).name,
                    count: planned.count),
                planned.reason, in: settings.pools[planned.pool].name, &turn,
                alternatives: planned.alternatives)
        }
        for pool in turn.isHeldBack.sorted() {
            decide(
                .keep, .cooldown(until: pools[pool].upUntil), in: settings.pools[pool].name, &turn)
        }
    }

    /// For each request without room: the offering that is cheapest for each slot.
    private mutating func meetDemand(_ turn: inout ScalingTurn) {
        let wanting = turn.unmet
        turn.unmet = []
        for (request, count) in wanting {
            // Workers that were planned for the ones before may have room.
            var left = turn.projection.pack(request, count: count)
            while left > 0 {
                let options = options(for: request, left, turn)
                guard let best = options.first(where: { $0.problem == nil }) else {
                    for option in options where option.isHeldBack {
                        turn.isHeldBack.insert(option.pool)
                    }
                    break
                }
                let workers = (left + best.slots - 1) / best.slots
                let rest = options.filter { $0 != best }.prefix(Limits.scalingAlternatives)
                plan(
                    min(workers, room(in: best.pool, best.offering, turn)), best.pool,
                    best.offering, .unmetDemand(slots: left), rest.map(\.alternative), &turn)
                let after = turn.projection.pack(request, count: left)
                guard after < left else { break }
                left = after
            }
            if left > 0 { turn.unmet.append((request, left)) }
        }
    }

    /// Adds workers where the ones there are will be too busy, or are forecast to be.
    private mutating func keepHeadroom(in pool: Int, _ turn: inout ScalingTurn) {
        let count = turn.projection.count(of: pool)
        let name = settings.pools[pool].name
        let utilisation = utilisation(of: pool, turn.projection)
        if count > 0, utilisation > settings.upper + Self.rounding {
            let wanted = workers(for: turn.projection.load(of: pool))
            grow(pool, by: wanted - count, .utilisation(utilisation), &turn)
        }
        guard let forecast = turn.forecasts[name], settings.forecasts != .observe else {
            return
        }
        let wanted = min(workers(for: forecast), settings.pools[pool].maximum)
        let lacking = wanted - turn.projection.count(of: pool)
        guard lacking > 0 else { return }
        if settings.forecasts == .act {
            grow(pool, by: lacking, .forecast(workers: wanted), &turn)
        } else {
            decide(.recommend(count: lacking), .forecast(workers: wanted), in: name, &turn)
        }
    }

    /// Workers that carry the load at the utilisation that is aimed at.
    func workers(for load: Double) -> Int {
        Int(
            min(
                (load / settings.target - Self.rounding).rounded(.up), Double(Limits.workersPerPool)
            ))
    }

    private mutating func grow(
        _ pool: Int, by count: Int, _ reason: ScalingDecision.Reason, _ turn: inout ScalingTurn
    ) {
        guard self.count(of: pool) + turn.planned(in: pool) < settings.pools[pool].maximum else {
            return
        }
        if clock < pools[pool].upUntil {
            turn.isHeldBack.insert(pool)
        } else {
            add(count, to: pool, reason, &turn)
        }
    }

    /// Adds workers of the offering that is cheapest now.
    private mutating func add(
        _ count: Int, to pool: Int, _ reason: ScalingDecision.Reason, _ turn: inout ScalingTurn
    ) {
        let prices = pools[pool].records.indices.map {
            ($0, effectivePrice(pool, $0))
        }.sorted { $0.1 == $1.1 ? $0.0 < $1.0 : $0.1 < $1.1 }
        for (place, _) in prices {
            let number = min(count, room(in: pool, place, turn))
            guard number > 0 else { continue }
            let others = prices.filter { $0.0 != place }.prefix(Limits.scalingAlternatives).map {
                ScalingDecision.Alternative(
                    name: offering(pool, $0.0).name, cost: $0.1, reason: "dearer, or no room")
            }
            plan(number, pool, place, reason, others, &turn)
            return
        }
    }

    mutating func plan(
        _ count: Int, _ pool: Int, _ place: Int, _ reason: ScalingDecision.Reason,
        _ alternatives: [ScalingDecision.Alternative], _ turn: inout ScalingTurn
    ) {
        turn.projection.add(
            count: count, pool: pool, offering: place, offering(pool, place))
        // What is launched for what is only expected is said by itself.
        let same = turn.plan.firstIndex {
            $0.pool == pool && $0.offering == place && $0.reason.isExpected == reason.isExpected
        }
        if let same {
            turn.plan[same].count += count
        } else {
            turn.plan.append(
                ScalingTurn.Planned(
                    pool: pool, offering: place, count: count, reason: reason,
                    alternatives: alternatives))
        }
    }
}
