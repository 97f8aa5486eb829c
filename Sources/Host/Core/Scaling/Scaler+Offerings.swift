/// An offering that could hold a request.
struct ScalingOption: Hashable {
    var pool: Int
    var offering: Int
    var name: String
    /// Slots of the request on one such worker.
    var slots: Int
    /// Effective price of a slot for an hour, in millionths.
    var cost: Double
    /// Why it cannot be taken now.
    var problem: String?
    var isHeldBack = false

    var alternative: ScalingDecision.Alternative {
        ScalingDecision.Alternative(
            name: name, cost: cost, reason: problem ?? "dearer for each slot")
    }
}

extension Scaler {
    func effectivePrice(_ pool: Int, _ place: Int) -> Double {
        pools[pool].records[place].effectivePrice(
            of: offering(pool, place), settings, at: clock)
    }

    /// Offerings of all pools that hold the request, the cheapest for each slot first.
    func options(
        for request: ResourceRequest, _ wanted: Int, _ turn: ScalingTurn
    ) -> [ScalingOption] {
        var options: [ScalingOption] = []
        for pool in pools.indices {
            for (place, offering) in settings.pools[pool].offerings.enumerated() {
                let empty = Ledger(total: offering.resources, labels: offering.labels)
                guard empty.fits(request) else { continue }
                let slots = min(
                    Ledger.count(of: request, in: offering.resources),
                    Limits.slotsPerWorkerAndShape)
                var option = ScalingOption(
                    pool: pool, offering: place, name: offering.name, slots: max(slots, 1),
                    cost: effectivePrice(pool, place) / Double(max(min(slots, wanted), 1)))
                if clock < pools[pool].upUntil {
                    option.problem = "the pool has just grown"
                    option.isHeldBack = true
                } else if !offering.isAvailable {
                    option.problem = "the provider does not give it out now"
                } else if room(in: pool, place, turn) == 0 {
                    option.problem = "max, step or budget"
                }
                options.append(option)
            }
        }
        return options.sorted {
            $0.cost == $1.cost
                ? ($0.pool, $0.offering) < ($1.pool, $1.offering) : $0.cost < $1.cost
        }
    }

    /// Workers of the offering that max, step and both budgets allow.
    func room(in pool: Int, _ place: Int, _ turn: ScalingTurn) -> Int {
        guard offering(pool, place).isAvailable else { return 0 }
        let planned = turn.planned(in: pool)
        var room = min(
            settings.pools[pool].maximum - count(of: pool) - planned,
            settings.pools[pool].step - planned)
        let price = offering(pool, place).microsPerHour
        guard price > 0 else { return max(0, room) }
        let burn = turn.plan.reduce(microsPerHour) {
            $0 + offering($1.pool, $1.offering).microsPerHour * Int64($1.count)
        }
        if let hourly = settings.hourlyBudgetMicros {
            room = min(room, Int((hourly - burn) / price))
        }
        if let total = settings.totalBudgetMicros {
            // Whoever is launched can be paid for an hour.
            let left = Double(total) - spent - Double(burn)
            room = left < 0 ? 0 : min(room, Int(min(left / Double(price), 1e9)))
        }
        return max(0, room)
    }

    /// Whether a pool has more workers than it may, or all pools cost more than they may.
    func isOver(_ pool: Int) -> Bool {
        count(of: pool) > settings.pools[pool].maximum
            || settings.hourlyBudgetMicros.map { microsPerHour > $0 } ?? false
    }
}
