/// What a job with a deadline runs on.
package enum SpotChoice: UInt8, Sendable, CaseIterable {
    /// Nothing: it waits for spot.
    case wait
    /// A worker that its provider may take back.
    case spot
    /// A worker that stays.
    case onDemand
}

/// A job that may wait, and must be done in time.
package struct SpotJob: Hashable, Sendable {
    /// Work, in hours on one worker.
    package var workHours: Double
    /// Time until it must be done, in hours from its beginning.
    package var deadlineHours: Double
    /// What starting a worker takes, in hours that are paid for and do no work.
    package var changeoverHours: Double
    /// Time between two decisions, in hours.
    package var lookHours: Double
    /// Price of spot, as a share of the price on demand.
    package var spotPrice: Double
    /// Time kept in hand before the deadline, in hours: a start may take longer than it did.
    package var spareHours = 0.0

    /// A job of so much work that must be done within so much time.
    package init(
        workHours: Double, deadlineHours: Double, changeoverHours: Double, lookHours: Double,
        spotPrice: Double
    ) {
        self.workHours = workHours
        self.deadlineHours = deadlineHours
        self.changeoverHours = changeoverHours
        self.lookHours = lookHours
        self.spotPrice = spotPrice
    }

    /// What is wrong with it, or `nil`.
    package var problem: String? {
        let all = [
            workHours, deadlineHours, changeoverHours, lookHours, spotPrice, spareHours,
        ]
        guard all.allSatisfy({ $0.isFinite && $0 >= 0 }), lookHours > 0 else {
            return "wanted numbers that are not negative, and some time between two looks"
        }
        let least = workHours + changeoverHours + lookHours + spareHours
        guard deadlineHours >= least else {
            return "wanted at least \(least) h until the deadline (the work, a start, the time "
                + "between two looks, and what is spare), found \(deadlineHours) h"
        }
        return nil
    }
}
