/// The estimator of one quantity of one task class, with bounds and an eye on change.
struct QuantityEstimator: Sendable {
    private var ensemble: Ensemble
    private var bounds = ConformalBounds()
    private var drift = DriftWatch()
    /// Rows since the class was last seen to have changed; `nil` if it never was.
    private(set) var rowsSinceDrift: Int?
    /// The decayed mean loss of its own estimates beside their scale, once there are any.
    private(set) var loss: Double?

    private static let lossDecay = 0.95

    init(objective: Objective, features: Int) {
        ensemble = Ensemble(objective: objective, features: features)
    }

    /// The largest value it remembers.
    var largest: Double { ensemble.largest }

    /// The estimate for a task with these numbers.
    ///
    /// - Returns: `nil` without any row or default.
    func estimate(_ inputs: [Double?], fallback: Double?) -> Estimate? {
        guard let (value, tier) = ensemble.estimate(inputs, fallback: fallback) else { return nil }
        return Estimate(
            value: value, bounds: bounds.around(value), tier: tier, rows: ensemble.rows,
            covered: bounds.covered, bounded: bounds.bounded, rowsSinceDrift: rowsSinceDrift)
    }

    /// Learns from a row.
    mutating func observe(_ row: Row) {
        if ensemble.rows > 0,
            let estimate = ensemble.estimate(row.inputs, fallback: row.fallback)?.value
        {
            // How far a default was off says nothing of the estimates that follow.
            if ensemble.isScored { bounds.insert(estimate: estimate, value: row.value) }
            let cost =
                ensemble.objective.loss(of: estimate, for: row, largest: largest)
                / ensemble.objective.scale(of: row)
            loss = loss.map { $0 * Self.lossDecay + cost * (1 - Self.lossDecay) } ?? cost
        }
        let references = ensemble.references(row.inputs)
        ensemble.observe(row)
        if let rows = rowsSinceDrift { rowsSinceDrift = rows + 1 }
        if drift.insert(value: row.value, line: references.line, power: references.power) {
            rowsSinceDrift = 0
            ensemble.keep(newest: DriftWatch.newest)
            bounds.forget()
        }
    }
}

/// An estimate of one quantity.
package struct Estimate: Hashable, Sendable {
    /// What to ask for (memory), or to expect (runtime, processors).
    package var value: Double
    /// Where nine of ten values lie; `nil` until there are 22 rows.
    package var bounds: ClosedRange<Double>?
    /// What most of it rests on.
    package var tier: Tier
    /// Rows that it rests on.
    package var rows: Int
    /// Of the rows that had bounds, how many lay within.
    package var covered: Int
    /// Rows that had bounds when they were seen.
    package var bounded: Int
    /// Rows since the class was last seen to have changed; `nil` if it never was.
    package var rowsSinceDrift: Int?
}
