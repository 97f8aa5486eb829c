/// By what a method's forecasts are multiplied, so that a given share of the load is missed at most
/// and the bounds are lowest.
///
/// Forecasts are put in classes by a state; each class has a factor.  The factors minimise the sum of
/// the bounds plus a price times the load that came in steps above them, and the price is the least
/// one at which the missed share, and a part of its standard deviation, are within what is allowed: a
/// load whose misses are few and large keeps more in hand than one whose misses are many and small.
///
/// Complexity: for each of 26 prices one pass over the steps, after sorting them.
/// Source: the Lagrangian of a constrained quantile (R. Koenker, "Quantile Regression", 2005, for
/// the loss without the weights); the deviation is that of a sum of rare events.
struct ErrorBounds: Hashable, Sendable {
    /// A step that was forecast: what came, and how much it counts.
    struct Step {
        var forecast: Double
        var state: Double
        var load: Double
        var weight: Double
    }

    /// Deviations of the missed share that are kept in hand.
    private static let deviations = 0.75
    private static let prices = 26
    private static let classes = 8
    private static let stepsPerClass = 200

    /// States from which the next class begins.
    private var edges: [Double] = []
    private(set) var factors = [2.0]
    /// Share of the steps of each class that are above their bounds.
    private(set) var missing = [0.0]
    /// The sum of the bounds, each weighted.
    private(set) var cost = Double.infinity

    init() {}

    init(_ steps: [Step], missShare: Double) {
        let sorted = steps.map(\.state).sorted()
        let count = min(Self.classes, max(1, steps.count / Self.stepsPerClass))
        edges = (1..<count).map { sorted[$0 * sorted.count / count] }
        var classes = [ClassSteps](repeating: ClassSteps(), count: count)
        var total = 0.0
        for step in steps {
            total += step.load * step.weight
            classes[place(of: step.state)].add(step)
        }
        for place in classes.indices { classes[place].sort() }
        choose(classes, allowed: missShare * total)
    }

    private mutating func choose(_ classes: [ClassSteps], allowed: Double) {
        var (least, most) = (1e-4, 1e5)
        var best = classes.map { $0.cheapest(price: most) }
        for _ in 0..<Self.prices {
            let price = (least * most).squareRoot()
            let tried = classes.map { $0.cheapest(price: price) }
            let missed = tried.reduce(0) { $0 + $1.missed }
            let squares = tried.reduce(0) { $0 + $1.squares }
            if missed + Self.deviations * squares.squareRoot() > allowed {
                least = price
            } else {
                most = price
                best = tried
            }
        }
        factors = best.map(\.factor)
        missing = best.map(\.missing)
        cost = best.reduce(0) { $0 + $1.cost }
    }

    /// The class of a state.
    func place(of state: Double) -> Int {
        var place = 0
        while place < edges.count, state >= edges[place] { place += 1 }
        return place
    }
}

/// The steps of one class: what came over what was forecast, the largest first.
private struct ClassSteps {
    struct Choice {
        var factor = 1.0
        var cost = 0.0
        /// Load above the bounds, and the sum of its squares.
        var missed = 0.0
        var squares = 0.0
        var missing = 0.0
    }

    private var steps: [(ratio: Double, load: Double)] = []
    private var forecasts = 0.0

    mutating func add(_ step: ErrorBounds.Step) {
        steps.append((step.load / step.forecast, step.load * step.weight))
        forecasts += step.forecast * step.weight
    }

    mutating func sort() { steps.sort { $0.ratio > $1.ratio } }

    /// The factor with the least cost where missed load has this price.
    func cheapest(price: Double) -> Choice {
        var best = Choice()
        var least = Double.infinity
        var (missed, squares) = (0.0, 0.0)
        for (place, step) in steps.enumerated() {
            let cost = step.ratio * forecasts
            if cost + price * missed < least {
                least = cost + price * missed
                best = Choice(
                    factor: step.ratio, cost: cost, missed: missed, squares: squares,
                    missing: Double(place) / Double(steps.count))
            }
            missed += step.load
            squares += step.load * step.load
        }
        return best
    }
}
