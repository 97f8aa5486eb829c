/// What an estimate rests on.
package enum Tier: String, Hashable, Sendable, CaseIterable {
    /// A model of how the quantity hangs on the task's numbers.
    case model
    /// Quantiles of what was measured.
    case statistics
    /// Numbers for tasks of this kind, or the user's own.
    case defaults
}

/// How much of an estimate comes from each tier.
struct TierWeights {
    private var model = 0.0
    private var statistics = 0.0
    private var defaults = 0.0

    mutating func add(_ weight: Double, to tier: Tier) {
        switch tier {
        case .model: model += weight
        case .statistics: statistics += weight
        case .defaults: defaults += weight
        }
    }

    /// The one that most comes from; the simpler of two that are level.
    var heaviest: Tier {
        if defaults >= max(model, statistics) { return .defaults }
        return statistics >= model ? .statistics : .model
    }
}

extension Ensemble.Base {
    /// The tier of an estimate that rests on this base.
    var tier: Tier {
        switch self {
        case .fallback: .defaults
        case .constant: .statistics
        case .shape: .model
        }
    }
}
