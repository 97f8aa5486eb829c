import Glibc

/// Bounds from how far estimates made before the value was known have been off.
///
/// With n residuals, the bound at rank `ceil((n + 1)(1 - a))` holds for the next row with a
/// probability of at least `1 - a`, whatever the estimator, as long as rows come in no particular
/// order.  With too few rows there is no such rank, and no bound.
///
/// Source: H. Papadopoulos et al., "Inductive confidence machines for regression", 2002 (split
/// conformal prediction); the calibration rows are those that the estimator had not seen.
struct ConformalBounds: Sendable {
    /// The share of rows that is to lie within the bounds.
    static let coverage = 0.9
    /// Residuals kept, the newest.
    static let limit = 200

    /// `log(value / estimate)`, by age and by size.
    private var byAge: [Double] = []
    private var bySize: [Double] = []
    /// Rows that lay within their bounds, and rows that had bounds.
    private(set) var covered = 0
    private(set) var bounded = 0

    /// The bounds around `estimate`; `nil` with fewer than 19 residuals.
    func around(_ estimate: Double) -> ClosedRange<Double>? {
        let rank = Int((Double(bySize.count + 1) * (1 + Self.coverage) / 2).rounded(.up))
        guard rank <= bySize.count else { return nil }
        let low = bySize[bySize.count - rank]
        let high = bySize[rank - 1]
        return estimate * exp(low)...estimate * exp(high)
    }

    /// Takes a row whose estimate had been made without it.
    mutating func insert(estimate: Double, value: Double) {
        if let bounds = around(estimate) {
            bounded += 1
            if bounds.contains(value) { covered += 1 }
        }
        let residual = log(value / estimate)
        if byAge.count >= Self.limit {
            let oldest = byAge.removeFirst()
            bySize.remove(at: index(of: oldest))
        }
        byAge.append(residual)
        bySize.insert(residual, at: index(of: residual))
    }

    /// Forgets the residuals, not the count of what was covered.
    mutating func forget() {
        byAge = []
        bySize = []
    }

    /// The first residual that is no smaller.
    private func index(of residual: Double) -> Int {
        var low = 0
        var high = bySize.count
        while low < high {
            let middle = (low + high) / 2
            if bySize[middle] < residual { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
