import FanfoldCore
import FanfoldRuntime

/// A worker of a pool that is left alone since its prices are in another currency than the budget.
struct WorkerElsewhere: Sendable {
    /// The provider's name of it.
    var name: String
    var pool: String
    /// Since when it has done nothing; `nil` if it does something, or is going.
    var idleSince: UInt64?
}

/// Pools that are left alone do not grow, and nobody counts what they cost; so that they do not cost for
/// ever, workers that nobody needs are ended all the same.
extension ScalingEvaluation {
    /// Notes since when a worker of such a pool has done nothing: one that has not joined does nothing.
    mutating func noteElsewhere(_ worker: RentedWorker, of pool: String) {
        var entry = WorkerElsewhere(name: worker.id, pool: pool, idleSince: nil)
        let work = instances[worker.id].flatMap { self.work.work(on: $0.worker) }
        if work?.running.isEmpty ?? true, worker.state != "stopping" {
            let since = idleSince[worker.id] ?? wall.nanoseconds
            idleSince[worker.id] = since
            entry.idleSince = since
        } else {
            idleSince[worker.id] = nil
        }
        elsewhere.append(entry)
    }

    /// Ends those that have done nothing for the cooldown of a removal, the longest idle first; as many as
    /// `min` says stay.
    func endWhatIdlesElsewhere() -> [ScalingDecision] {
        let patience = scaling.declaration.settings.downCooldownNanoseconds
        var decisions: [ScalingDecision] = []
        for pool in scaling.pools {
            guard let found = foreign[pool.name] else { continue }
            let own = elsewhere.filter { $0.pool == pool.name }
            let idle = own.filter { worker in
                worker.idleSince.map { wall.nanoseconds >= $0 + patience } ?? false
            }.sorted { ($0.idleSince ?? 0, $0.name) < ($1.idleSince ?? 0, $1.name) }
            for worker in idle.prefix(max(0, own.count - pool.minimum)) {
                decisions.append(
                    .end(
                        worker.name, of: pool.name, pricedIn: found, budgetIn: memory.currency,
                        at: wall))
            }
        }
        return decisions
    }
}
