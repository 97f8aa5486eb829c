/// Workers for runs with a deadline that are served in a way of their own.
extension Scaler {
    /// How a run is served as of the last evaluation; `nil` where it has no deadline.
    package func market(of run: RunID) -> RunMarket? { choosers[run]?.market }

    /// Whether what a run wants is not in the demand of all others.
    func isServed(_ run: RunID?, _ turn: ScalingTurn) -> Bool {
        run.flatMap { turn.outlooks[$0] }.map { $0.market != .any } ?? false
    }

    /// Packs on what is there and what is starting.
    func packRuns(_ turn: inout ScalingTurn, where isMeant: (ServedDemand) -> Bool) {
        for place in turn.served.indices where isMeant(turn.served[place]) {
            let served = turn.served[place]
            turn.served[place].left = turn.projection.pack(
                served.request, count: served.left, isSteady: served.isSteady)
        }
    }

    /// Whether what is wanted has room on the rest.
    func packed(_ turn: ScalingTurn, on rest: inout Projection) -> Bool {
        for served in turn.served where served.isWanted {
            let left = rest.pack(
                served.request, count: served.count, isSteady: served.isSteady)
            if left > 0 { return false }
        }
        return true
    }

    /// Plans workers of the market that was chosen, for what has no room.
    mutating func meetRuns(_ turn: inout ScalingTurn, where isMeant: (ServedDemand) -> Bool) {
        for place in turn.served.indices where isMeant(turn.served[place]) {
            let served = turn.served[place]
            var left = turn.projection.pack(
                served.request, count: served.left, isSteady: served.isSteady)
            while left > 0 {
                let options = options(for: served.request, left, turn).filter {
                    offering($0.pool, $0.offering).isSpot == !served.isSteady
                }
                guard let best = options.first(where: { mayTake($0, served, turn) }) else {
                    if served.outlook.market == .net {
                        makeRoom(for: left, options, served.outlook, &turn)
                    }
                    break
                }
                let rest = options.filter { $0 != best }.prefix(Limits.scalingAlternatives)
                plan(
                    min(
                        (left + best.slots - 1) / best.slots,
                        room(in: best.pool, best.offering, turn)),
                    best.pool, best.offering, .deadline(served.outlook), rest.map(\.alternative),
                    &turn)
                let after = turn.projection.pack(
                    served.request, count: left, isSteady: served.isSteady)
                guard after < left else { break }
                left = after
            }
            turn.served[place].left = left
        }
    }

    /// Cooldowns do not hold the net back; `max`, `step` and budgets do.
    private func mayTake(_ option: ScalingOption, _ served: ServedDemand, _ turn: ScalingTurn)
        -> Bool
    {
        guard served.outlook.market == .net else { return option.problem == nil }
        return room(in: option.pool, option.offering, turn) > 0
    }

    // MARK: Changing over

    /// Drains workers that may be taken back where they take the room that the net needs.
    private mutating func makeRoom(
        for slots: Int, _ options: [ScalingOption], _ outlook: RunOutlook,
        _ turn: inout ScalingTurn
    ) {
        guard let best = options.first(where: { offering($0.pool, $0.offering).isAvailable }),
            turn.planned(in: best.pool) < settings.pools[best.pool].step
        else { return }
        let isFull =
            count(of: best.pool) + turn.planned(in: best.pool) >= settings.pools[best.pool].maximum
        let leaving = members.values.count {
            $0.phase != .active && (!isFull || $0.pool == best.pool)
        }
        let lacking =
            min(
                (slots + best.slots - 1) / best.slots, settings.pools[best.pool].step) - leaving
        let spot = members.keys.filter { name in
            guard let member = members[name], member.phase == .active else { return false }
            return (!isFull || member.pool == best.pool)
                && offering(member.pool, member.offering).isSpot
        }
        let order = spot.map { (name: $0, rank: rank($0, turn)) }.sorted {
            $0.rank == $1.rank ? $0.name < $1.name : $0.rank < $1.rank
        }
        for (name, rank) in order.prefix(max(0, lacking)) {
            if rank.0 == 0 {
                end(name, .deadline(outlook), &turn)
            } else {
                drain(name, .deadline(outlook), &turn)
            }
        }
    }

    /// Whether a worker that drains would be in the way of the net if it stayed.
    func isInTheWay(_ member: Member, _ turn: ScalingTurn) -> Bool {
        offering(member.pool, member.offering).isSpot
            && turn.served.contains { $0.outlook.market == .net && $0.left > 0 }
    }

    /// Whether a worker runs something that must not be moved to another market.
    func isKept(_ name: String, _ turn: ScalingTurn) -> Bool {
        guard !turn.outlooks.isEmpty, let member = members[name],
            !offering(member.pool, member.offering).isSpot
        else { return false }
        return turn.byName[name]?.running.contains { running in
            running.count > 0 && running.run.flatMap { turn.outlooks[$0] }?.market == .net
        } ?? false
    }

    /// Whether all that is there is for runs that want no more than they ask for: nothing else is to
    /// come for which workers would be kept.
    func isForRunsAlone(_ pool: Int, _ turn: ScalingTurn) -> Bool {
        guard !turn.outlooks.isEmpty, turn.facts.demand.isEmpty else { return false }
        return members.allSatisfy { name, member in
            member.pool != pool
                || (turn.byName[name]?.running.allSatisfy { isServed($0.run, turn) } ?? true)
        }
    }

    /// Workers on demand are given up by runs that go on on spot, or wait for it; and runs that wait
    /// say so.
    mutating func changeOver(_ turn: inout ScalingTurn) {
        guard !turn.outlooks.isEmpty else { return }
        let isSteadyWanted = turn.outlooks.values.contains {
            $0.market == .net || $0.market == .onDemand
        }
        if !isSteadyWanted, turn.facts.demand.isEmpty {
            for name in names(where: { $0.phase == .active }) { giveUp(name, &turn) }
        }
        var told: Set<RunID> = []
        for served in turn.served
        where served.outlook.market == .wait && told.insert(served.outlook.run).inserted {
            let pool = probe(served, &turn)
            decide(.keep, .deadline(served.outlook), in: pool, &turn)
        }
    }

    private mutating func giveUp(_ name: String, _ turn: inout ScalingTurn) {
        guard let member = members[name], member.phase == .active,
            !offering(member.pool, member.offering).isSpot,
            let running = turn.byName[name]?.running, let run = running.first?.run,
            let outlook = turn.outlooks[run]
        else { return }
        let isFull = count(of: member.pool) >= settings.pools[member.pool].maximum
        let isLeft = running.allSatisfy { demand in
            let market = demand.run.flatMap { turn.outlooks[$0] }?.market
            return market == .wait || (market == .spot && (isSpotReady || isFull))
        }
        let stay = members.values.count { $0.pool == member.pool && $0.phase == .active }
        guard isLeft, stay > settings.pools[member.pool].minimum else { return }
        drain(name, .deadline(outlook), &turn)
    }

    /// Whether a worker that may be taken back takes work.
    private var isSpotReady: Bool {
        members.values.contains {
            $0.phase == .active && $0.lastReady > .zero && offering($0.pool, $0.offering).isSpot
        }
    }

    /// Asks for one worker of an offering that was not given for a while.
    ///
    /// Why: there is no other way to know that there are some again.
    /// - Returns: The pool of the offering that is waited for.
    private mutating func probe(_ served: ServedDemand, _ turn: inout ScalingTurn) -> String {
        let seats = seats(for: served.request, isSpot: true)
        for seat in seats {
            guard let missing = pools[seat.pool].records[seat.place].missing,
                clock.nanoseconds - missing.nanoseconds >= Limits.spotProbeNanoseconds,
                room(in: seat.pool, seat.place, turn) > 0,
                !launches.values.contains(where: {
                    $0.pool == seat.pool && $0.offering == seat.place
                })
            else { continue }
            plan(1, seat.pool, seat.place, .probe(served.outlook), [], &turn)
            break
        }
        return seats.first.map { settings.pools[$0.pool].name } ?? ""
    }
}

// MARK: As bytes

extension Scaler {
    /// Offerings that were not given when they were asked for last.
    func encodeMissing(into writer: inout ByteWriter) {
        for (pool, state) in pools.enumerated() {
            let missing = state.records.indices.filter { state.records[$0].missing != nil }
            writer.natural(missing.count)
            for place in missing {
                writer.string(offering(pool, place).name)
                writer.put(state.records[place].missing ?? .zero)
            }
        }
    }

    mutating func readMissing(
        _ reader: inout ByteReader, _ names: [String]
    ) throws(CodingError) {
        for name in names {
            for _ in 0..<(try reader.count()) {
                let offering = try reader.string()
                let moment: Tick = try reader.get()
                guard moment <= clock else {
                    throw CodingError(
                        .contradiction("a launch failed before now"), at: reader.offset)
                }
                guard let found = place(name, offering) else { continue }
                pools[found.pool].records[found.offering].missing = moment
            }
        }
    }

    func encodeChoosers(into writer: inout ByteWriter) {
        writer.natural(choosers.count)
        for (run, chooser) in choosers.sorted(by: { $0.key < $1.key }) {
            writer.put(run)
            chooser.encode(into: &writer)
        }
    }

    mutating func readChoosers(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let run: RunID = try reader.get()
            let chooser = try RunChooser(from: &reader)
            guard chooser.began <= clock else {
                throw CodingError(
                    .contradiction("a run is looked at since before now"), at: reader.offset)
            }
            choosers[run] = chooser
        }
    }
}
