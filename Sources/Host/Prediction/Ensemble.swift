import Glibc

/// An estimator of one quantity of one task class: many simple ones, weighed by what each would
/// have cost so far.
///
/// Each base estimate (a default, a constant, ten shapes for each number of the task) has a book of
/// its residuals, and each margin on top of it is a policy.  A policy's score is the loss it would
/// have had on every row, estimated before the row was seen and counted less as time goes on: an
/// error on held-out rows, which no count of rows can buy.  The estimate is the geometric mean of
/// the policies, weighed by `exp(-8 (score - best) / best)`.
///
/// Source: A. Dawid, "Statistical theory: the prequential approach", 1984; V. Vovk, "Aggregating
/// strategies", 1990 (exponential weights); the structure is that of J. Bader et al., "Sizey",
/// 2024, with other members.
struct Ensemble: Sendable {
    /// Which kind of knowledge an estimate rests on.
    enum Base: Sendable {
        case fallback
        case constant
        case shape(Shape, feature: Int)
    }

    let objective: Objective
    private let features: Int
    private let bases: [Base]
    private let margins: [Double]
    private var books: [ResidualBook]
    private var scores: [Double]
    /// What `scores` are compared with: the scales of the rows scored.
    private var scale = 0.0
    private var fits: [FeatureFit]
    private var window: [Row] = []
    private var seen = 0
    private(set) var largest = 0.0

    /// How much of itself a score keeps when the next row comes.
    private static let scoreDecay = 0.98
    private static let sharpness = 8.0
    /// A policy that weighs less than this, beside the best, is left out.
    private static let negligible = 0.01
    /// Scores are told apart down to this share of what was used.
    private static let finest = 0.02
    /// An estimate stays below this many times the largest value seen, or as much above it as the
    /// input is above the largest seen.
    private static let reach = 1.2

    /// Without history.
    ///
    /// - Parameter features: how many numbers a row has, at most `PredictionLimits.features`.
    init(objective: Objective, features: Int) {
        precondition(features <= PredictionLimits.features, "features are limited")
        self.objective = objective
        self.features = features
        bases =
            [.fallback, .constant]
            + (0..<features).flatMap { feature in
                Shape.allCases.map { Base.shape($0, feature: feature) }
            }
        margins = objective.margins
        books = Array(repeating: ResidualBook(), count: bases.count)
        scores = Array(repeating: 0, count: bases.count * margins.count)
        fits = Array(repeating: FeatureFit(), count: features)
    }

    /// Whether estimates come from policies that were scored, and not from a default alone.
    var isScored: Bool { scale > 0 }

    /// Rows that the estimate rests on.
    var rows: Int { window.count }

    /// The estimate for a task with these numbers, and the tier that most of it comes from.
    ///
    /// - Parameter fallback: what to say without any history: above 0.
    /// - Returns: `nil` without any row or default.
    func estimate(_ inputs: [Double?], fallback: Double?) -> (value: Double, tier: Tier)? {
        // Nothing has been scored yet: the default, unless more has been seen.
        guard scale > 0 else {
            let seen = largest * Self.reach
            guard let fallback else { return seen > 0 ? (seen, .statistics) : nil }
            return (max(fallback, seen), .defaults)
        }
        // The default is the first base; what nobody gave is no policy.
        let first = fallback == nil ? 1 : 0
        let best = scores[(first * margins.count)...].min() ?? 0
        let unit = max(best, Self.finest * scale)
        var weights = 0.0
        var logarithms = 0.0
        var byTier = TierWeights()
        for base in first..<bases.count {
            var estimate: Double?
            for margin in margins.indices {
                let score = scores[base * margins.count + margin]
                let weight = exp(-Self.sharpness * (score - best) / unit)
                guard weight >= Self.negligible else { continue }
                let value = estimate ?? self.value(bases[base], inputs, fallback: fallback)
                estimate = value
                let request = self.request(base, value, margin: margins[margin], inputs)
                weights += weight
                logarithms += weight * log(request)
                byTier.add(weight, to: bases[base].tier)
            }
        }
        return (exp(logarithms / weights), byTier.heaviest)
    }

    /// What a line and a power of the first number expect, for telling change from growth.
    func references(_ inputs: [Double?]) -> (line: Double?, power: Double?) {
        guard let input = inputs.first ?? nil, let fit = fits.first, !fit.isEmpty else {
            return (nil, nil)
        }
        return (fit.value(.line, at: input), fit.value(.power, at: input))
    }

    /// Learns from a row.
    mutating func observe(_ row: Row) {
        precondition(row.inputs.count == features, "a row has the estimator's numbers")
        precondition(row.value > 0 && row.weight > 0, "a row is above 0")
        if !window.isEmpty { score(row) }
        seen += 1
        for (feature, input) in row.inputs.enumerated() {
            if let input { fits[feature].insert(input, value: row.value) }
        }
        window.append(row)
        if window.count > PredictionLimits.windowRows { forget(1) }
        largest = max(largest, row.value)
    }

    /// Forgets all but the newest rows, because the older ones no longer hold.
    mutating func keep(newest count: Int) {
        guard count < window.count else { return }
        forget(window.count - count)
        largest = window.reduce(0) { max($0, $1.value) }
        for base in books.indices {
            books[base].forget(before: seen - count, newest: seen, objective: objective)
        }
        // What served before the change says little about what will: begin almost level.
        for policy in scores.indices { scores[policy] *= 0.1 }
        scale *= 0.1
    }

    private mutating func forget(_ count: Int) {
        for row in window.prefix(count) {
            for (feature, input) in row.inputs.enumerated() {
                if let input { fits[feature].remove(input, value: row.value) }
            }
        }
        window.removeFirst(count)
    }

    /// Charges every policy with what it would have cost, from the second scored row on.
    private mutating func score(_ row: Row) {
        let isScored = books[0].count > 0
        for base in bases.indices {
            let value = self.value(bases[base], row.inputs, fallback: row.fallback)
            if isScored {
                for margin in margins.indices {
                    let request = self.request(base, value, margin: margins[margin], row.inputs)
                    // A default that was not given earns nothing.
                    let loss =
                        base == 0 && row.fallback == nil
                        ? objective.scale(of: row)
                        : objective.loss(of: request, for: row, largest: largest)
                    let policy = base * margins.count + margin
                    scores[policy] = scores[policy] * Self.scoreDecay + loss
                }
            }
            books[base].insert(base: value, row: row, number: seen, objective: objective)
        }
        if isScored { scale = scale * Self.scoreDecay + objective.scale(of: row) }
    }

    /// A base estimate; where its number is missing, the constant.
    private func value(_ base: Base, _ inputs: [Double?], fallback: Double?) -> Double {
        switch base {
        case .fallback: return fallback ?? largest
        case .constant: return largest
        case .shape(let shape, let feature):
            guard let input = inputs[feature], !fits[feature].isEmpty else { return largest }
            return fits[feature].value(shape, at: input)
        }
    }

    /// What a policy asks for: no more above what was seen than the input is above what was seen.
    private func request(
        _ base: Int, _ value: Double, margin: Double, _ inputs: [Double?]
    ) -> Double {
        if case .fallback = bases[base] { return value * margin }
        let thin = 1 + objective.thinMargin / Double(window.count)
        let wanted = value * books[base].factor * margin * thin
        var growth = 1.0
        for (feature, input) in inputs.enumerated() {
            if let input, fits[feature].largestInput > 0 {
                growth = max(growth, input / fits[feature].largestInput)
            }
        }
        return min(wanted, largest * Self.reach * growth)
    }
}
