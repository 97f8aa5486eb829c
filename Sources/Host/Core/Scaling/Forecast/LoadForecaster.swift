/// A bound of a pool's load in the next step that is passed in a small share of it, learned step by
/// step.
///
/// Five methods forecast; ``ErrorBounds`` makes a bound of each from its errors so far.  Bounds that
/// cost about as much as the lowest are averaged, so that a method that is worse than the last value
/// has no part.  When steps are missed more often than the bounds say, all are raised until that has
/// passed.  Nothing is forecast in the first day.
package struct LoadForecaster: Hashable, Sendable {
    /// Share of the load that may come in steps above the bound: a little less than one hundredth.
    private static let missShare = 0.0095
    /// What a method's bounds may cost beside the lowest, to have a part.
    private static let tolerance = 1.1
    /// Steps after which an error counts half.
    private static let halfLifeSteps = 4000.0
    /// Steps after which a miss counts half.
    private static let missHalfLifeSteps = 288.0
    /// What the bounds are raised by for a miss too many.
    private static let missRaise = 0.2
    private static let highestRaise = 3.0
    /// Of a day, how much is added to each load before its logarithm is taken.
    private static let offsetShare = 0.01
    /// The least that is added, in workers.
    private static let leastOffset = 0.01

    private struct Seen: Hashable, Sendable {
        var outlook: LoadOutlook
        var load: Double
    }

    private let stepsPerDay: Int
    /// Loads of the first day, until it is over.
    private var early: [Double] = []
    private var offset = 0.0
    private var features: LoadFeatures
    private var model = RecursiveLeastSquares(width: LoadFeatures.width)
    private var row: ContiguousArray<Double> = []
    private var logarithm = 0.0
    private var error: Double?
    private var smoothed = 0.0
    private var count = 0
    private var mean = 0.0
    /// Forecasts and what came, the oldest first, up to ``Limits/forecastSteps`` and as many again.
    private var seen: ContiguousArray<Seen> = []
    private var bounds = LoadOutlook.Method.allCases.map { _ in ErrorBounds() }
    private var parts: [Bool] = LoadOutlook.Method.allCases.map { _ in true }
    private var tooMany = 0.0
    private var expected = 0.0
    private var raise = 1.0
    /// What the methods say of the next step; `nil` before the first day is over.
    package private(set) var outlook: LoadOutlook?

    /// Nothing is known; `stepsPerDay` is at least 1.
    package init(stepsPerDay: Int) {
        precondition(stepsPerDay >= 1, "a day has steps")
        self.stepsPerDay = stepsPerDay
        features = LoadFeatures(day: stepsPerDay)
    }

    /// The bound of the load in the next step, in workers; `nil` before the first day is over.
    package var bound: Double? { outlook.map { bound(for: $0) } }

    /// The bound where the methods said this, by what is known now.
    package func bound(for outlook: LoadOutlook) -> Double {
        var sum = 0.0
        var number = 0.0
        for place in bounds.indices where parts[place] {
            let factor = bounds[place].factors[bounds[place].place(of: outlook.states[place])]
            sum += Logarithm.natural(max(outlook.forecasts[place] * factor, 1e-9))
            number += 1
        }
        return Exponential.natural(sum / max(1, number)) * raise
    }

    /// Methods that have a part in the bound.
    package var methods: [LoadOutlook.Method] {
        LoadOutlook.Method.allCases.filter { parts[$0.rawValue] }
    }

    /// Takes in the load of the step that is over, in workers: 0 or more.
    package mutating func observe(_ load: Double) {
        let load = load.isFinite ? max(0, load) : 0
        if offset == 0 {
            early.append(load)
            guard early.count == stepsPerDay else { return }
            let mean = early.reduce(0, +) / Double(stepsPerDay)
            offset = max(Self.offsetShare * mean, Self.leastOffset)
            for load in early { take(load) }
            early = []
        } else {
            take(load)
        }
        if count % max(1, stepsPerDay / 2) == 0 { fit() }
    }

    private mutating func take(_ load: Double) {
        let value = Logarithm.natural(load + offset)
        if let outlook, let bound {
            countMiss(load, bound: bound, outlook)
            seen.append(Seen(outlook: outlook, load: load))
        }
        if count > 0 {
            let change = value - logarithm
            let missed = abs(change - model.predict(row))
            error = (error ?? missed) + 0.05 * (missed - (error ?? missed))
            model.learn(row, change)
        }
        logarithm = value
        smoothed = count == 0 ? load : (smoothed + load) / 2
        mean += (load - mean) / min(Double(count + 1), Self.halfLifeSteps)
        count += 1
        features.take(value)
        row = features.row()
        let rise = min(max(model.predict(row), -3), 3)
        let forecast = Exponential.natural(value + rise) + 1e-9
        let shifted = load + Self.offsetShare * mean + 1e-9
        outlook = LoadOutlook(
            forecasts: [forecast, forecast, forecast, smoothed + 1e-9, shifted],
            states: [forecast, error ?? 0, load / forecast, smoothed, load])
    }

    /// Raises the bounds while more steps are missed than they say.
    ///
    /// Nothing is done within a standard deviation of what is expected.
    private mutating func countMiss(_ load: Double, bound: Double, _ outlook: LoadOutlook) {
        let isMissed = load > max(1, (bound - 1e-9).rounded(.up)) + 1e-9
        var likely = 0.0
        var number = 0.0
        for place in bounds.indices where parts[place] {
            likely += bounds[place].missing[bounds[place].place(of: outlook.states[place])]
            number += 1
        }
        likely /= max(1, number)
        let fading = Exponential.natural(-0.6931471805599453 / Self.missHalfLifeSteps)
        tooMany = tooMany * fading + (isMissed ? 1 : 0) - likely
        expected = expected * fading + likely
        let excess = max(0, tooMany - (expected + 1).squareRoot())
        raise = min(Self.highestRaise, Exponential.natural(Self.missRaise * excess))
    }

    /// Makes the bounds anew from the errors that are kept.
    private mutating func fit() {
        if seen.count >= 2 * Limits.forecastSteps {
            seen.removeFirst(seen.count - Limits.forecastSteps)
        }
        let kept = seen.suffix(Limits.forecastSteps)
        guard kept.count >= max(1, stepsPerDay / 2) else { return }
        let fading = Exponential.natural(-0.6931471805599453 / Self.halfLifeSteps)
        var weights = [Double](repeating: 1, count: kept.count)
        for place in stride(from: weights.count - 2, through: 0, by: -1) {
            weights[place] = weights[place + 1] * fading
        }
        for method in bounds.indices {
            let steps = zip(kept, weights).map {
                ErrorBounds.Step(
                    forecast: $0.outlook.forecasts[method], state: $0.outlook.states[method],
                    load: $0.load, weight: $1)
            }
            bounds[method] = ErrorBounds(steps, missShare: Self.missShare)
        }
        let lowest = bounds.map(\.cost).min() ?? 0
        parts = bounds.map { $0.cost <= lowest * Self.tolerance }
    }
}
