/// What the scaler decided, from what, instead of what, and why.
package struct ScalingDecision: Hashable, Sendable {
    /// What is to be done.
    package enum Action: Hashable, Sendable {
        /// Launch workers; the same launch again is the same workers, not more.
        case launch(UInt64, offering: String, count: Int)
        /// Give the worker nothing new, and say when that is so.
        case drain(String)
        /// Give the worker work again.
        case cancelDrain(String)
        /// End the worker.
        case terminate(String)
        /// Count a worker that was found as ours.
        case adopt(String)
        /// Nothing is done: a person may do it.
        case recommend(count: Int)
        /// Nothing is done.
        case keep
    }

    /// Why.
    package enum Reason: Hashable, Sendable {
        case belowMinimum
        case unmetDemand(slots: Int)
        /// A task that has not begun will want them before a worker has booted.
        case expectedDemand(slots: Int, run: RunID, task: String)
        case utilisation(Double)
        case forecast(workers: Int)
        case lowUtilisation(Double)
        case aboveMaximum
        case demandReturned
        case drained
        case interrupted
        case found
        case orphan
        case answerMissing
        case endMissing
        case budget
        case cooldown(until: Tick)
        case noOffering
        /// It was listed for long and never took work.
        case neverReady
        /// The pool's prices cannot be added to those that the budget is in.
        case otherCurrency(found: String, wanted: String)
        /// For a run with a deadline.
        case deadline(RunOutlook)
        /// To see whether spot is there again, for which a run with a deadline waits.
        case probe(RunOutlook)
    }

    /// What it was decided from.
    package struct Inputs: Hashable, Sendable {
        /// Workers that take work or will.
        package var workers = 0
        /// Of these, those that do not take work yet.
        package var starting = 0
        /// Workers that are to go.
        package var leaving = 0
        /// Share of the workers that is used, or will be by the demand.
        package var utilisation = 0.0
        /// Slots for which there is no room in any pool.
        package var unmetSlots = 0
        /// Load that is expected, in workers.
        package var forecast: Double?
        /// What the workers of all pools cost, in millionths for an hour.
        package var microsPerHour: Int64 = 0
        /// What has been spent, in millionths.
        package var spentMicros: Int64 = 0
    }

    /// What could have been done instead, and why it was not.
    package struct Alternative: Hashable, Sendable {
        /// The offering, or the worker.
        package var name: String
        /// What it would have cost for each slot and hour, in millionths; of a worker, the work
        /// that would be lost, in nanoseconds.
        package var cost: Double
        /// Why not.
        package var reason: String
    }

    /// When.
    package var at: Tick
    /// For which pool.
    package var pool: String
    /// What is to be done.
    package var action: Action
    /// Why.
    package var reason: Reason
    /// From what.
    package var inputs: Inputs
    /// Instead of what.
    package var alternatives: [Alternative] = []

    /// A pool whose prices are in another currency than the budget is left alone.
    ///
    /// Made by the shell, since the scaler knows nothing of such a pool.
    package static func keep(
        _ pool: String, pricedIn found: String, budgetIn wanted: String, at moment: Tick
    ) -> ScalingDecision {
        ScalingDecision(
            at: moment, pool: pool, action: .keep,
            reason: .otherCurrency(found: found, wanted: wanted), inputs: Inputs())
    }

    /// A worker of such a pool that has done nothing for long is ended.
    package static func end(
        _ name: String, of pool: String, pricedIn found: String, budgetIn wanted: String,
        at moment: Tick
    ) -> ScalingDecision {
        ScalingDecision(
            at: moment, pool: pool, action: .terminate(name),
            reason: .otherCurrency(found: found, wanted: wanted), inputs: Inputs())
    }
}

extension ScalingDecision.Reason {
    /// Whether it is for what has not begun.
    var isExpected: Bool { if case .expectedDemand = self { true } else { false } }
}
