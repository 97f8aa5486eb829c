/// A bound of a pool's load in the next step, or the largest of the next steps, that is passed in a
/// small share of it, learned step by step.
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

    /// What was forecast and has not come yet.
    private struct Open: Hashable, Sendable {
        var row: ContiguousArray<Double>
        var logarithm: Double
        var outlook: LoadOutlook
        /// The largest load since.
        var largest = 0.0
    }

    private let stepsPerDay: Int
    /// Steps that are forecast together: a bound is one of the largest load in them.
    package let ahead: Int
    /// Loads of the first day, until it is over.
    private var early: [Double] = []
    private var offset = 0.0
    private var features: LoadFeatures
    private var model = RecursiveLeastSquares(width: LoadFeatures.width)
    /// The latest ``ahead`` steps, the oldest first.
    private var open: ContiguousArray<Open> = []
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

    /// Nothing is known; `stepsPerDay` and `ahead` are at least 1.
    package init(stepsPerDay: Int, ahead: Int = 1) {
        precondition(stepsPerDay >= 1, "a day has steps")
        precondition(ahead >= 1, "a forecast is of a step to come")
        self.stepsPerDay = stepsPerDay
        self.ahead = ahead
        features = LoadFeatures(day: stepsPerDay, ahead: ahead)
    }

    /// The bound of the largest load in the next steps, in workers; `nil` before the first day is over.
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
        for place in open.indices { open[place].largest = max(open[place].largest, load) }
        if open.count == ahead { settle(open.removeFirst()) }
        smoothed = count == 0 ? load : (smoothed + load) / 2
        mean += (load - mean) / min(Double(count + 1), Self.halfLifeSteps)
        count += 1
        features.take(value)
        let row = features.row()
        let rise = min(max(model.predict(row), -3), 3)
        let forecast = Exponential.natural(value + rise) + 1e-9
        let shifted = load + Self.offsetShare * mean + 1e-9
        let outlook = LoadOutlook(
            forecasts: [forecast, forecast, forecast, smoothed + 1e-9, shifted],
            states: [forecast, error ?? 0, load / forecast, smoothed, load])
        open.append(Open(row: row, logarithm: value, outlook: outlook))
        self.outlook = outlook
    }

    /// All steps that a forecast was of are over: it is learned from.
    private mutating func settle(_ made: Open) {
        countMiss(made.largest, bound: bound(for: made.outlook), made.outlook)
        seen.append(Seen(outlook: made.outlook, load: made.largest))
        let change = Logarithm.natural(made.largest + offset) - made.logarithm
        let missed = abs(change - model.predict(made.row))
        error = (error ?? missed) + 0.05 * (missed - (error ?? missed))
        model.learn(made.row, change)
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
