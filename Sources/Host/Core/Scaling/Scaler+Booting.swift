/// How long workers take from their launch until they take work, and how far is looked ahead for it.
extension Scaler {
    /// A worker takes work; the first time it does says how long such workers need.
    mutating func noteReady(_ name: String) {
        guard let member = members[name] else { return }
        members[name]?.lastReady = clock
        guard member.isBooting else { return }
        members[name]?.isBooting = false
        pools[member.pool].records[member.offering].booted(
            nanoseconds: clock.nanoseconds - member.since.nanoseconds)
    }

    /// How long such a worker takes to boot: as seen, or as its provider says before one was seen.
    func bootNanoseconds(_ pool: Int, _ place: Int) -> UInt64 {
        pools[pool].records[place].boot?.expectedNanoseconds
            ?? offering(pool, place).bootNanoseconds
    }

    /// The longest boot of all offerings, in nanoseconds: what is wanted within it is wanted now.
    package var longestBootNanoseconds: UInt64 {
        pools.indices.flatMap { pool in
            pools[pool].records.indices.map { bootNanoseconds(pool, $0) }
        }.max() ?? 0
    }

    /// Learns from the steps that are over, and forecasts what the facts do not.
    mutating func forecast(_ turn: inout ScalingTurn) {
        for pool in pools.indices {
            pools[pool].load.end(at: clock)
            if let ahead = stepsAhead(pool) { pools[pool].load.look(ahead: ahead) }
            let name = settings.pools[pool].name
            guard turn.facts.forecasts[name] == nil else { continue }
            turn.forecasts[name] = pools[pool].load.forecast
        }
    }

    /// Steps until a worker that is launched a step from now is there, of the offering that would be
    /// launched; `nil` where there is none.
    ///
    /// Why a step more than the boot: until then this forecast is the last one.
    private func stepsAhead(_ pool: Int) -> Int? {
        let places = pools[pool].records.indices.filter { offering(pool, $0).isAvailable }
        let best = places.min {
            let (left, right) = (effectivePrice(pool, $0), effectivePrice(pool, $1))
            return left == right ? $0 < $1 : left < right
        }
        guard let best else { return nil }
        let step = Limits.forecastStepNanoseconds
        let boot = min(bootNanoseconds(pool, best), UInt64(Limits.forecastBootSteps) * step)
        return 1 + Int((boot + step - 1) / step)
    }
}
