/// A kind of worker that a pool may be given, at a price.
package struct ScalingOffering: Hashable, Sendable {
    /// What the provider calls it, with zone and market: unique in its pool.
    package var name: String
    /// What such a worker has.
    package var resources: ResourceVector
    /// Labels that such a worker has.
    package var labels: [String] = []
    /// Price in millionths of the currency's unit for an hour.
    package var microsPerHour: Int64
    /// Whether the provider may take it back.
    package var isSpot = false
    /// Whether it is given out now; one that is not keeps its place for the workers that have it.
    package var isAvailable = true
    /// How often the provider is expected to take one back, in times an hour.
    package var interruptionsPerHour = 0.0
    /// From the launch until it takes work, in nanoseconds.
    package var bootNanoseconds: UInt64 = 60_000_000_000

    /// An offering at this price.
    package init(name: String, resources: ResourceVector, microsPerHour: Int64) {
        self.name = name
        self.resources = resources
        self.microsPerHour = microsPerHour
    }
}

/// Workers of one provider that are counted together.
package struct ScalingPool: Hashable, Sendable {
    /// Its name: unique.
    package var name: String
    /// The least number of workers.
    package var minimum = 0
    /// The largest number of workers, those that start or end included.
    package var maximum: Int
    /// Workers added or removed at a time.
    package var step = 8
    /// What it may be given.
    package var offerings: [ScalingOffering]

    /// A pool of up to so many workers.
    package init(name: String, maximum: Int, offerings: [ScalingOffering]) {
        self.name = name
        self.maximum = maximum
        self.offerings = offerings
    }
}

/// What becomes of a forecast.
package enum ForecastMode: UInt8, Sendable, CaseIterable {
    /// It is noted among a decision's inputs.
    case observe
    /// It is a decision that nothing carries out.
    case recommend
    /// Workers are added for it, never removed.
    case act
}

/// How workers are added and removed.
package struct ScalingSettings: Hashable, Sendable {
    /// The pools.
    package var pools: [ScalingPool]
    /// Utilisation that is aimed at, from 0 to 1.
    package var target = 0.7
    /// Utilisation above which workers are added.
    package var upper = 0.8
    /// Utilisation up to which, over a whole window, workers are removed.
    package var lower = 0.3
    /// The window, in nanoseconds.
    package var windowNanoseconds: UInt64 = 300_000_000_000
    /// Pause between two additions that succeeded, in nanoseconds.
    package var upCooldownNanoseconds: UInt64 = 300_000_000_000
    /// Pause between an action that succeeded and a removal, in nanoseconds.
    package var downCooldownNanoseconds: UInt64 = 600_000_000_000
    /// Time in which the ready work is to be begun, in nanoseconds: much short work needs few slots.
    package var horizonNanoseconds: UInt64 = 60_000_000_000
    /// The longest time between two evaluations, in nanoseconds.
    package var evaluationNanoseconds: UInt64 = 60_000_000_000
    /// Work that an interruption loses at most, and time to begin anew, in nanoseconds.
    package var checkpointNanoseconds: UInt64 = 600_000_000_000
    /// Cost of one checkpoint, in nanoseconds.
    package var checkpointCostNanoseconds: UInt64 = 0
    /// Time until an interrupted worker is replaced, in nanoseconds.
    package var replacementNanoseconds: UInt64 = 120_000_000_000
    /// What becomes of the deadlines of runs.
    package var deadlines = DeadlineMode.meet
    /// Time kept in hand before a deadline: starts take longer than they should, in nanoseconds.
    package var spareNanoseconds: UInt64 = 300_000_000_000
    /// The largest sum of prices, in millionths for an hour.
    package var hourlyBudgetMicros: Int64?
    /// What may be spent in all, in millionths.
    package var totalBudgetMicros: Int64?
    /// What becomes of forecasts.
    package var forecasts = ForecastMode.observe

    /// The settings that `resources.md` gives, for these pools.
    package init(pools: [ScalingPool]) { self.pools = pools }

    /// What is wrong with the settings, or `nil`.
    package var problem: String? {
        guard 0 < lower, lower < target, target < upper, upper <= 1 else {
            return "wanted 0 < lower < target < upper <= 1, found \(lower), \(target), \(upper)"
        }
        if Set(pools.map(\.name)).count != pools.count { return "two pools have one name" }
        for pool in pools {
            guard 0 <= pool.minimum, pool.minimum <= pool.maximum,
                pool.maximum <= Limits.workersPerPool
            else {
                return "pool '\(pool.name)': wanted 0 <= min <= max <= \(Limits.workersPerPool), "
                    + "found \(pool.minimum) and \(pool.maximum)"
            }
            guard pool.step >= 1 else { return "pool '\(pool.name)': a step is 1 or more" }
            guard !pool.offerings.isEmpty,
                Set(pool.offerings.map(\.name)).count
                    == pool.offerings.count
            else { return "pool '\(pool.name)': wanted offerings of different names" }
            guard pool.offerings.allSatisfy({ $0.microsPerHour >= 0 }) else {
                return "pool '\(pool.name)': a price is not negative"
            }
        }
        return minimumProblem
    }

    private var minimumProblem: String? {
        let least = pools.reduce(Int64(0)) { sum, pool in
            sum + Int64(pool.minimum) * (pool.offerings.map(\.microsPerHour).min() ?? 0)
        }
        guard let hourlyBudgetMicros, least > hourlyBudgetMicros else { return nil }
        return "the least workers cost \(least) millionths an hour, more than the budget of "
            + "\(hourlyBudgetMicros): raise the budget or lower min"
    }
}
