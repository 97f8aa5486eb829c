/// How each run with a deadline is served.
///
/// The net, on which the deadline depends, comes first and needs no forecast: once what is left,
/// begun on demand, would leave less time than a subtask takes that is lost on spot at its very end,
/// the run is served on demand alone.  A subtask therefore begins on spot only if it could be begun
/// anew in time.
extension Scaler {
    /// An offering that could hold a run's requests.
    struct Seat {
        var pool: Int
        var place: Int
        var slots: Int
        /// For an hour and a slot, in millionths.
        var price: Double
    }

    /// What rented workers run of a run.
    struct Held {
        var slots = 0
        /// On workers that may be taken back.
        var onSpot = 0
        var ranOnSpot = 0.0
    }

    /// Says how each run with a deadline is served, and takes its demand out of that of the others.
    mutating func divide(_ turn: inout ScalingTurn) {
        outlooks = []
        guard settings.deadlines != .ignore else { return choosers = [:] }
        let known = Set(turn.facts.runs.map(\.run))
        choosers = choosers.filter { known.contains($0.key) }
        guard !turn.facts.runs.isEmpty else { return }
        let held = held(turn)
        for run in turn.facts.runs.sorted(by: { $0.run < $1.run }) {
            let outlook = outlook(of: run, held[run.run] ?? Held())
            outlooks.append(outlook)
            turn.outlooks[run.run] = outlook
        }
        takeOut(held, &turn)
    }

    private func held(_ turn: ScalingTurn) -> [RunID: Held] {
        var held: [RunID: Held] = [:]
        for worker in turn.facts.workers {
            guard let member = members[worker.name] else { continue }
            let isSpot = settings.pools[member.pool].offerings[member.offering].isSpot
            for running in worker.running {
                guard let run = running.run else { continue }
                held[run, default: Held()].slots += running.count
                guard isSpot else { continue }
                held[run, default: Held()].onSpot += running.count
                held[run, default: Held()].ranOnSpot += Double(running.ranNanoseconds)
            }
        }
        return held
    }

    /// What is wanted by runs that are served in a way of their own, with what they lose on workers
    /// that are being taken back.
    private func takeOut(_ held: [RunID: Held], _ turn: inout ScalingTurn) {
        var lost: [ScalingDemand] = []
        for name in names(where: \.isInterrupted) {
            lost += turn.byName[name]?.running ?? []
        }
        let counts = Dictionary(turn.facts.runs.map { ($0.run, $0.running) }) { first, _ in first }
        var taken: [RunID: Int] = [:]
        for demand in turn.facts.demand + lost {
            guard let run = demand.run, let outlook = turn.outlooks[run], outlook.market != .any
            else { continue }
            var count = demand.slots(within: settings.horizonNanoseconds)
            if outlook.market == .net || outlook.market == .onDemand {
                let steady = (counts[run] ?? 0) - (held[run]?.onSpot ?? 0)
                count = min(demand.count, outlook.slots - steady - taken[run, default: 0])
            }
            guard count > 0 else { continue }
            taken[run, default: 0] += count
            turn.served.append(
                ServedDemand(
                    outlook: outlook, request: demand.request, count: count, left: count))
        }
        let outlooks = turn.outlooks
        turn.facts.demand.removeAll { demand in
            demand.run.flatMap { outlooks[$0] }.map { $0.market != .any } ?? false
        }
    }

    // MARK: One run

    private mutating func outlook(of run: ScalingRun, _ held: Held) -> RunOutlook {
        var state = choosers[run.run] ?? RunChooser(began: clock)
        let steady = seats(for: run.request, isSpot: false)
        let slots = slots(of: run, held, steady)
        let lead = lead(slots, steady, held: run.running - held.onSpot)
        let needed = needed(run, held, slots)
        let left = Double(run.deadline.nanoseconds) - Double(clock.nanoseconds)
        let slack = left - needed - lead - run.longestNanoseconds
        let wasNet = state.market == .net
        if steady.isEmpty {
            state.market = .any
        } else if slack < 0 || (wasNet && slack < lead + run.longestNanoseconds) {
            state.market = .net
        } else if settings.deadlines == .wait, run.isWhole {
            state.market = planned(&state, run, steady, lead: lead, needed: needed)
        } else {
            state.market = .any
        }
        choosers[run.run] = state
        func nanoseconds(_ value: Double) -> UInt64 { UInt64(max(0, min(value, 9e18))) }
        return RunOutlook(
            run: run.run, market: state.market, slots: slots,
            neededNanoseconds: nanoseconds(needed + lead), leftNanoseconds: nanoseconds(left),
            slackNanoseconds: nanoseconds(slack))
    }

    /// Offerings for a request, the cheapest slot first.
    func seats(for request: ResourceRequest, isSpot: Bool) -> [Seat] {
        var seats: [Seat] = []
        for pool in pools.indices {
            for (place, offering) in settings.pools[pool].offerings.enumerated()
            where offering.isSpot == isSpot && (offering.isAvailable || isSpot) {
                let empty = Ledger(total: offering.resources, labels: offering.labels)
                guard empty.fits(request) else { continue }
                let slots = min(
                    max(1, Ledger.count(of: request, in: offering.resources)),
                    Limits.slotsPerWorkerAndShape)
                seats.append(
                    Seat(
                        pool: pool, place: place, slots: slots,
                        price: Double(offering.microsPerHour) / Double(slots)))
            }
        }
        return seats.sorted {
            $0.price == $1.price ? ($0.pool, $0.place) < ($1.pool, $1.place) : $0.price < $1.price
        }
    }

    /// Slots that a run can use at a time, of those that `max` and the hourly budget allow on demand;
    /// no more than do all of it within the horizon.
    private func slots(of run: ScalingRun, _ held: Held, _ steady: [Seat]) -> Int {
        var reach = 0.0
        for pool in pools.indices {
            let best = steady.filter { $0.pool == pool }.map(\.slots).max() ?? 0
            reach += Double(best) * Double(settings.pools[pool].maximum)
        }
        if let hourly = settings.hourlyBudgetMicros, let price = steady.first?.price, price > 0 {
            reach = min(reach, (Double(hourly) / price).rounded(.down))
        }
        let outside = max(0, run.running - held.slots)
        let useful = (run.workNanoseconds / Double(max(1, settings.horizonNanoseconds))).rounded(
            .up)
        let most = min(Double(run.slots), Double(run.count), Double(outside) + reach)
        return max(1, Int(min(most, run.workNanoseconds > 0 ? max(1, useful) : most, 1e9)))
    }

    /// From the decision until the last worker on demand takes work, and what is kept in hand.
    private func lead(_ slots: Int, _ steady: [Seat], held: Int) -> Double {
        guard let first = steady.first else { return 0 }
        let boot = steady.map { bootNanoseconds($0.pool, $0.place) }.max() ?? 0
        let workers = (max(0, slots - held) + first.slots - 1) / first.slots
        let step = settings.pools[first.pool].step
        let steps = 1 + max(1, (workers + step - 1) / step)
        return Double(boot) + Double(settings.spareNanoseconds)
            + Double(steps) * Double(settings.evaluationNanoseconds)
    }

    /// How long what is left takes on so many slots at most.
    ///
    /// What runs on workers that may be taken back counts as not begun.
    /// Source: R. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: no order of the same work
    /// takes longer than the mean of the slots and a share of the longest piece.
    private func needed(_ run: ScalingRun, _ held: Held, _ slots: Int) -> Double {
        guard run.count > slots else { return run.longestNanoseconds }
        let done = min(max(0, run.ranNanoseconds - held.ranOnSpot), run.workNanoseconds)
        return (run.workNanoseconds - done) / Double(slots)
            + run.longestNanoseconds * (1 - 1 / Double(slots))
    }

    // MARK: Plans

    private func planned(
        _ state: inout RunChooser, _ run: ScalingRun, _ steady: [Seat], lead: Double,
        needed: Double
    ) -> RunMarket {
        let spot = seats(for: run.request, isSpot: true)
        guard let cheapest = spot.first?.price, let full = steady.first?.price, cheapest < full
        else { return .any }
        let hour = 3.6e12
        let boot = Double(steady.map { bootNanoseconds($0.pool, $0.place) }.max() ?? 0)
        // What is lost with a worker is half a subtask on average.
        let loss = run.count > 0 ? run.workNanoseconds / Double(run.count) / 2 : 0
        let look = Double(max(1, settings.evaluationNanoseconds))
        var job = SpotJob(
            workHours: needed / hour,
            deadlineHours: Double(max(run.deadline, clock).nanoseconds - state.began.nanoseconds)
                / hour,
            changeoverHours: (boot + loss) / hour, lookHours: look / hour,
            spotPrice: cheapest / full)
        job.spareHours = max(0, lead - boot - look + run.longestNanoseconds - loss) / hour
        if state.chooser == nil {
            guard job.problem == nil else { return .onDemand }
            guard choosers.values.count(where: { $0.chooser != nil }) < Limits.spotRuns else {
                return .any
            }
            state.chooser = SpotChooser(job: job)
        }
        state.chooser?.change(to: job, workLeftHours: needed / hour)
        let isThere = spot.contains(where: isThere)
        let choice = state.chooser?.choose(
            atHours: Double(clock.nanoseconds - state.began.nanoseconds) / hour,
            workLeftHours: needed / hour, isSpotThere: isThere,
            running: running(state.market, spot, steady))
        switch choice {
        // A young spell of spot ends sooner than an old one, and waiting for it to grow old costs
        // nothing but time; what is there is taken all the same.
        case .wait: return isThere ? .spot : .wait
        case .spot: return .spot
        case .onDemand, nil: return .onDemand
        }
    }

    /// Whether an offering is given out, as far as is known: launches tell.
    private func isThere(_ seat: Seat) -> Bool {
        offering(seat.pool, seat.place).isAvailable
            && pools[seat.pool].records[seat.place].missing == nil
    }

    private func running(
        _ market: RunMarket, _ spot: [Seat], _ steady: [Seat]
    ) -> SpotChoice {
        func isRented(_ seats: [Seat]) -> Bool {
            members.values.contains { member in
                member.phase == .active && !member.isInterrupted
                    && seats.contains { $0.pool == member.pool && $0.place == member.offering }
            }
        }
        let isOnDemand = isRented(steady)
        if isOnDemand, market == .onDemand || market == .net { return .onDemand }
        if isRented(spot) { return .spot }
        return isOnDemand ? .onDemand : .wait
    }
}
