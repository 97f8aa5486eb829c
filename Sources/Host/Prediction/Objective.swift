import Glibc

/// What a good estimate is.
package enum Objective: Hashable, Sendable {
    /// The request that wastes least, attempts that failed because it was too small included.
    ///
    /// A request `a` for a task that needs `y` over time `t` wastes `(a - y) t` if it holds.  If it
    /// does not, it wastes `a t` (the attempt fails at its end) and what the next rung wastes.
    ///
    /// Source: C. Witt, D. Wagner, U. Leser, "Feedback-based resource allocation for batch
    /// scheduling of scientific workflows", 2019; B. Tovar et al., "A job sizing strategy for
    /// high-throughput scientific workflows", 2018.
    case waste
    /// The value that this share of tasks stays below, between 0 and 1.
    ///
    /// The loss is the pinball loss of the logarithms: it has no unit, and weighs a task of a
    /// second as much as one of a day.
    ///
    /// Source: R. Koenker, G. Bassett, "Regression quantiles", 1978.
    case quantile(Double)

    /// What an estimate is multiplied by, one policy for each.
    var margins: [Double] {
        switch self {
        case .waste: [1, 1.02, 1.05, 1.1, 1.2, 1.4]
        case .quantile: [1]
        }
    }

    /// What an estimate from few rows is made larger by: `1 + thinMargin / rows`.
    ///
    /// The largest of n values is exceeded by the next with probability 1/(n+1).
    var thinMargin: Double { self == .waste ? 0.2 : 0 }

    /// What estimating `estimate` cost for a row that turned out to need `row.value`.
    ///
    /// - Parameter largest: the largest value known when the estimate was made.
    func loss(of estimate: Double, for row: Row, largest: Double) -> Double {
        switch self {
        case .waste:
            var request = estimate
            var wasted = 0.0
            var rung = 0
            while request < row.value, rung < PredictionLimits.rungs {
                wasted += request * row.weight
                request = Escalation.next(after: request, largest: largest)
                rung += 1
            }
            return wasted + max(0, request - row.value) * row.weight
        case .quantile(let share):
            let error = log(row.value / estimate)
            return error >= 0 ? share * error : (share - 1) * error
        }
    }

    /// What a perfect estimate of this row is compared with: the loss of one twice as large.
    func scale(of row: Row) -> Double {
        self == .waste ? row.value * row.weight : 1
    }
}

/// The requests after one that was too small.
package enum Escalation {
    /// What the largest value seen is multiplied by.
    static let margin = 1.02
    /// What a request grows by at least when the largest value seen does not help.
    static let growth = 1.5
    /// A rung that is not this much above the last is not worth an attempt.
    static let least = 1.05

    /// The request after `request` proved too small.
    ///
    /// - Parameter largest: the largest value seen in the class; 0 if there is none.
    package static func next(after request: Double, largest: Double) -> Double {
        let known = largest * margin
        return known > request * least ? known : request * growth
    }
}
