extension Scaler {
    /// A pool as people look at it.
    package struct PoolView: Hashable, Sendable {
        /// Its name.
        package var name: String
        /// Workers that take work or will, launches without an answer included.
        package var workers: Int
        /// Those of them that have not taken work yet.
        package var starting: Int
        /// Workers that are to go.
        package var leaving: Int
        /// Share that was used, or wanted, when it was last looked at.
        package var utilisation: Double
        /// What its workers cost, in millionths for an hour.
        package var microsPerHour: Int64
        /// Nothing is added for load before this moment.
        package var upUntil: Tick
        /// Nothing is removed before this moment.
        package var downUntil: Tick
    }

    /// A worker as people look at it.
    package struct MemberView: Hashable, Sendable {
        /// The provider's name of it.
        package var name: String
        /// Its pool.
        package var pool: String
        /// What it is.
        package var offering: String
        /// `starting`, `active`, `draining` or `ending`.
        package var phase: String
        /// Since when it is counted.
        package var since: Tick
        /// What it costs, in millionths for an hour.
        package var microsPerHour: Int64
    }

    /// All pools, in order.
    package var poolViews: [PoolView] {
        pools.indices.map { pool in
            let own = members.values.filter { $0.pool == pool }
            let asked = launches.filter { $0.value.pool == pool }
            let awaited = asked.keys.reduce(0) { $0 + outstanding($1) }
            let active = own.filter { $0.phase == .active }
            let cost = own.reduce(Int64(0)) { $0 + offering(pool, $1.offering).microsPerHour }
            return PoolView(
                name: settings.pools[pool].name, workers: active.count + awaited,
                starting: active.count { $0.lastReady == .zero } + awaited,
                leaving: own.count - active.count,
                utilisation: pools[pool].samples.last?.utilisation ?? 0,
                microsPerHour: asked.reduce(cost) {
                    $0 + offering(pool, $1.value.offering).microsPerHour
                        * Int64(outstanding($1.key))
                },
                upUntil: pools[pool].upUntil, downUntil: pools[pool].downUntil)
        }
    }

    /// All workers, by name.
    package var memberViews: [MemberView] {
        members.sorted { $0.key < $1.key }.map { view($0, $1) }
    }

    /// How a worker is counted; `nil` for one that is not.
    package func member(_ name: String) -> MemberView? {
        members[name].map { view(name, $0) }
    }

    /// Whether a worker was told to end.
    package func isEnding(_ name: String) -> Bool { members[name]?.phase == .ending }

    /// The offerings that workers of a pool have.
    package func offerings(inUseBy pool: String) -> Set<String> {
        guard let place = settings.pools.firstIndex(where: { $0.name == pool }) else { return [] }
        let used = Set(members.values.filter { $0.pool == place }.map(\.offering))
        return Set(used.map { settings.pools[place].offerings[$0].name })
    }

    private func view(_ name: String, _ member: Member) -> MemberView {
        let offering = offering(member.pool, member.offering)
        let phase =
            switch member.phase {
            case .active: member.lastReady == .zero ? "starting" : "active"
            case .draining: "draining"
            case .ending: "ending"
            }
        return MemberView(
            name: name, pool: settings.pools[member.pool].name, offering: offering.name,
            phase: phase, since: member.since, microsPerHour: offering.microsPerHour)
    }

    /// Workers that do not take work yet, and when the last of them is expected to; `nil` without any.
    package var expected: (workers: Int, at: Tick)? {
        var count = 0
        var at = Tick.zero
        for member in members.values where member.phase == .active && member.lastReady == .zero {
            count += 1
            let boot = bootNanoseconds(member.pool, member.offering)
            at = max(at, member.since.advanced(byNanoseconds: boot))
        }
        for (id, launch) in launches {
            count += outstanding(id)
            let boot = bootNanoseconds(launch.pool, launch.offering)
            at = max(at, launch.ordered.advanced(byNanoseconds: boot))
        }
        return count > 0 ? (count, max(at, clock)) : nil
    }

    /// The moment of the last evaluation.
    package var latest: Tick { clock }

    /// Whether a launch has no answer.
    package func isAwaited(_ launch: UInt64) -> Bool { launches[launch] != nil }

    /// The pool of a launch without an answer.
    package func pool(ofLaunch launch: UInt64) -> String? {
        launches[launch].map { settings.pools[$0.pool].name }
    }

    /// Whether nothing more may be spent.
    package var isSpent: Bool { isSpent(intervals: Limits.scalingSpentIntervals) }
}
