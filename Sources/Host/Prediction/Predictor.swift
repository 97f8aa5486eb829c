/// Estimates what a task will need from what tasks of its class have used.
///
/// A value: the same rows in the same order give the same estimates.
package struct Predictor: Sendable {
    private struct Held: Sendable {
        var model: ClassModel
        var rows: Int
        var lastUse: UInt64

        mutating func learn(_ row: HistoryRow, use: UInt64) {
            model.observe(row)
            rows += 1
            lastUse = use
        }
    }

    private var classes: [String: Held] = [:]
    private var uses: UInt64 = 0

    /// Without history.
    package init() {}

    /// The classes that are known, by name, and the rows of each.
    package var known: [(taskClass: String, rows: Int)] {
        classes.map { ($0.key, $0.value.rows) }.sorted { $0.0 < $1.0 }
    }

    /// The rows seen of a class.
    package func rows(of taskClass: String) -> Int { classes[taskClass]?.rows ?? 0 }

    /// What a task will need, as far as something is known or there is a default.
    ///
    /// Complexity: by features, not by rows: some microseconds.
    ///
    /// - Parameters:
    ///   - defaults: what to say without any history.
    ///   - caps: what no estimate goes above: the user's word.
    package func predict(
        _ quantity: Quantity, of taskClass: String, _ features: Features,
        defaults: Quantities = Quantities(), caps: Quantities = Quantities()
    ) -> Estimate? {
        let fallback = defaults[quantity]
        var estimate = classes[taskClass]?.model.estimate(quantity, features, fallback: fallback)
        if estimate == nil, let fallback {
            estimate = Estimate(
                value: fallback, bounds: nil, tier: .defaults, rows: 0, covered: 0, bounded: 0)
        }
        if let cap = caps[quantity], let value = estimate?.value, value > cap {
            estimate?.value = cap
        }
        return estimate
    }

    /// What to ask for after `request` proved too small; `nil` if that was the cap already.
    package func next(
        after request: Double, _ quantity: Quantity, of taskClass: String, _ features: Features,
        caps: Quantities = Quantities()
    ) -> Double? {
        let largest = classes[taskClass]?.model.largest(quantity, features) ?? 0
        let wanted = Escalation.next(after: request, largest: largest)
        guard let cap = caps[quantity] else { return wanted }
        return request < cap ? min(wanted, cap) : nil
    }

    /// Learns what a task has used.
    ///
    /// Complexity: linear in the rows of a window: tens of microseconds.
    package mutating func observe(_ row: HistoryRow) {
        uses += 1
        if classes[row.taskClass] == nil, classes.count >= PredictionLimits.classes,
            let oldest = classes.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        {
            classes[oldest] = nil
        }
        classes[
            row.taskClass,
            default: Held(model: ClassModel(first: row.features), rows: 0, lastUse: uses)
        ].learn(row, use: uses)
    }
}
