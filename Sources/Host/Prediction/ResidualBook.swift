import Glibc

/// How far one base estimate has been off, and the factor that would have served best.
///
/// A residual is `value / base`, of a base that was made before the value was known.  Rows lose
/// weight as new ones come.
///
/// Complexity: an update is linear in the rows kept.
struct ResidualBook: Sendable {
    private struct Entry: Sendable {
        var ratio: Double
        /// What one unit of factor costs: base times weight.
        var cost: Double
        var number: Int
    }

    /// By ratio, the smallest first.
    private var entries: [Entry] = []
    /// What the base is multiplied by; 1 before the first row.
    private(set) var factor = 1.0

    /// How much of its weight a row keeps when the next one comes.
    static let decay = 0.99
    private static let weights = (0...PredictionLimits.windowRows).map { pow(decay, Double($0)) }

    /// Rows kept.
    var count: Int { entries.count }

    /// Takes a row for which `base` was estimated.
    ///
    /// - Parameter number: the row's, counted from 0 upwards.
    mutating func insert(base: Double, row: Row, number: Int, objective: Objective) {
        let entry = Entry(ratio: row.value / base, cost: base * row.weight, number: number)
        if entries.count >= PredictionLimits.windowRows,
            let oldest = entries.indices.min(by: { entries[$0].number < entries[$1].number })
        {
            entries.remove(at: oldest)
        }
        entries.insert(entry, at: firstIndex(from: entry.ratio))
        refit(newest: number, objective: objective)
    }

    /// Forgets the rows before `number`.
    mutating func forget(before number: Int, newest: Int, objective: Objective) {
        entries.removeAll { $0.number < number }
        refit(newest: newest, objective: objective)
    }

    private func firstIndex(from ratio: Double) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].ratio < ratio { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func weight(_ entry: Entry, newest: Int) -> Double {
        Self.weights[min(newest - entry.number, Self.weights.count - 1)]
    }

    private mutating func refit(newest: Int, objective: Objective) {
        guard let last = entries.last else {
            factor = 1
            return
        }
        switch objective {
        case .waste: factor = leastWaste(largest: last.ratio, newest: newest)
        case .quantile(let share): factor = quantile(share, largest: last.ratio, newest: newest)
        }
    }

    /// The residual that wastes least as a factor, if what it does not hold is held by the largest.
    ///
    /// With requests `f g`, all of them are paid (`f` times the costs), and those above `f` pay the
    /// next rung too; what was used does not hang on `f`.
    private func leastWaste(largest: Double, newest: Int) -> Double {
        let all = entries.reduce(0) { $0 + $1.cost * weight($1, newest: newest) }
        var above = all
        var best = largest
        var least = Double.infinity
        for (index, entry) in entries.enumerated() {
            above -= entry.cost * weight(entry, newest: newest)
            if index + 1 < entries.count, entries[index + 1].ratio == entry.ratio { continue }
            // What rounding leaves above the last residual is no failure.
            let failed = above > 1e-12 * all ? largest * above : 0
            let waste = entry.ratio * all + failed
            if waste <= least {
                least = waste
                best = entry.ratio
            }
        }
        return best
    }

    /// The weighted quantile with one more row above all, so that few rows say little.
    private func quantile(_ share: Double, largest: Double, newest: Int) -> Double {
        let all = entries.reduce(1.0) { $0 + weight($1, newest: newest) }
        var below = 0.0
        for entry in entries {
            below += weight(entry, newest: newest)
            if below >= share * all { return entry.ratio }
        }
        return largest
    }
}
