/// What is known of one task class.
///
/// Tasks whose words differ (the model's name, the precision) may have little in common: beside the
/// estimators of the class each combination of words has its own, and the one whose estimates cost
/// less so far is asked.
struct ClassModel: Sendable {
    /// The numbers that the class's estimators look at, by name; from the first row.
    private let names: [String]
    private var general: [QuantityEstimator]
    private var groups: [String: [QuantityEstimator]] = [:]

    /// Combinations of words that are told apart in one class.
    static let groupLimit = 64

    init(first features: Features) {
        names = Self.chosen(features.numbers.keys)
        general = Self.estimators(names.count)
    }

    private static func estimators(_ features: Int) -> [QuantityEstimator] {
        Quantity.allCases.map { QuantityEstimator(objective: $0.objective, features: features) }
    }

    /// Fanfold's own numbers first, then the others by name, as many as are looked at.
    private static func chosen(_ names: Dictionary<String, Double>.Keys) -> [String] {
        let own = [Features.inputBytes, Features.inputItems].filter { names.contains($0) }
        let others = names.filter { !own.contains($0) }.sorted()
        return Array((own + others).prefix(PredictionLimits.features))
    }

    /// The estimate of one quantity; `nil` if it was never measured and there is no default.
    func estimate(_ quantity: Quantity, _ features: Features, fallback: Double?) -> Estimate? {
        estimator(quantity, group: features.group)
            .estimate(inputs(features), fallback: fallback)
    }

    /// The largest value that the class has shown; 0 if none.
    func largest(_ quantity: Quantity, _ features: Features) -> Double {
        estimator(quantity, group: features.group).largest
    }

    private func estimator(_ quantity: Quantity, group: String) -> QuantityEstimator {
        let general = self.general[quantity.index]
        guard let own = groups[group]?[quantity.index], let loss = own.loss else { return general }
        return loss <= general.loss ?? .infinity ? own : general
    }

    /// Learns from a row.
    mutating func observe(_ row: HistoryRow) {
        let inputs = inputs(row.features)
        let group = row.features.group
        if !group.isEmpty, groups[group] == nil, groups.count < Self.groupLimit {
            groups[group] = Self.estimators(names.count)
        }
        for quantity in Quantity.allCases {
            guard let value = row.used[quantity] else { continue }
            let sample = Row(
                inputs: inputs, value: value, weight: row.used[.runtime] ?? 1,
                fallback: row.requested[quantity])
            general[quantity.index].observe(sample)
            groups[group]?[quantity.index].observe(sample)
        }
    }

    private func inputs(_ features: Features) -> [Double?] {
        names.map { features.numbers[$0] }
    }
}
