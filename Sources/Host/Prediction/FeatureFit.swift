import Glibc

/// The ways to read a value off one number of a task.
enum Shape: Int, CaseIterable, Sendable {
    /// A straight line by least squares.
    case line
    /// A straight line by least squares of relative errors: small tasks count as much as large ones.
    case relativeLine
    /// `line`, at most the largest value seen: what grows with the input until it is saturated.
    case saturatedLine
    /// `relativeLine`, at most the largest value seen.
    case saturatedRelativeLine
    /// A power of the input: a straight line through the logarithms.
    case power
    /// The value of the nearest input.
    case nearest
    /// The largest value of the three nearest inputs.
    case largestOfThree
    /// The largest value of the five nearest inputs.
    case largestOfFive
    /// The mean of the five nearest, the nearer the heavier.
    case meanOfFive
    /// The largest value of all inputs that are no larger.
    case runningLargest
}

/// What the rows of a window say about one number: sums for the lines, an index for neighbours.
///
/// Complexity: an update is linear in the window, reading a value off takes its logarithm.
struct FeatureFit: Sendable {
    private struct Point: Sendable {
        var input: Double
        var logarithm: Double
        var value: Double
    }

    /// Intercept and slope.
    private struct Line: Sendable {
        var intercept = 0.0
        var slope = 0.0

        func callAsFunction(_ input: Double) -> Double { intercept + slope * input }
    }

    private var points: [Point] = []
    private var largestUpTo: [Double] = []
    private var plain = Line()
    private var relative = Line()
    private var power = Line()
    private var smallest = Double.infinity
    private var largest = 0.0

    /// Whether any row had this number.
    var isEmpty: Bool { points.isEmpty }
    /// The largest input seen.
    var largestInput: Double { points.last?.input ?? 0 }

    /// Takes a row's number and value.
    mutating func insert(_ input: Double, value: Double) {
        let point = Point(input: input, logarithm: log1p(max(0, input)), value: value)
        points.insert(point, at: firstIndex(above: input))
        refit()
    }

    /// Forgets a row that was inserted.
    mutating func remove(_ input: Double, value: Double) {
        var index = firstIndex(above: input) - 1
        while index >= 0, points[index].input == input {
            if points[index].value == value {
                points.remove(at: index)
                return refit()
            }
            index -= 1
        }
        preconditionFailure("only a row that was inserted is removed")
    }

    /// What this shape expects for `input`, above 0.
    ///
    /// There must be a point.
    func value(_ shape: Shape, at input: Double) -> Double {
        // A line may go below 0 where little is known.
        let floor = smallest / 2
        switch shape {
        case .line: return max(plain(input), floor)
        case .relativeLine: return max(relative(input), floor)
        case .saturatedLine: return min(max(plain(input), floor), largest)
        case .saturatedRelativeLine: return min(max(relative(input), floor), largest)
        case .power: return min(max(exp(power(log1p(max(0, input)))), floor), largest * 4)
        case .nearest: return neighbours(of: input, count: 1).largest
        case .largestOfThree: return neighbours(of: input, count: 3).largest
        case .largestOfFive: return neighbours(of: input, count: 5).largest
        case .meanOfFive: return neighbours(of: input, count: 5).mean
        case .runningLargest:
            let index = firstIndex(above: input * 1.0001)
            return index > 0 ? largestUpTo[index - 1] : smallest
        }
    }

    private func firstIndex(above input: Double) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].input <= input { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The largest and the mean value of the points nearest by the logarithm.
    private func neighbours(of input: Double, count: Int) -> (largest: Double, mean: Double) {
        let logarithm = log1p(max(0, input))
        var right = firstIndex(above: input)
        var left = right - 1
        var largest = 0.0
        var weights = 0.0
        var sum = 0.0
        for _ in 0..<min(count, points.count) {
            let toLeft = left >= 0 ? logarithm - points[left].logarithm : .infinity
            let toRight = right < points.count ? points[right].logarithm - logarithm : .infinity
            let point = points[toLeft <= toRight ? left : right]
            if toLeft <= toRight { left -= 1 } else { right += 1 }
            // A hundredth: inputs within one per cent are the same.
            let weight = 1 / (min(toLeft, toRight) + 0.01)
            largest = max(largest, point.value)
            weights += weight
            sum += weight * point.value
        }
        return (largest, sum / weights)
    }

    /// Sums afresh, so that no rounding gathers.
    private mutating func refit() {
        var plainSums = LineSums()
        var relativeSums = LineSums()
        var powerSums = LineSums()
        largestUpTo.removeAll(keepingCapacity: true)
        smallest = .infinity
        largest = 0
        for point in points {
            plainSums.add(point.input, point.value, weight: 1)
            relativeSums.add(point.input, point.value, weight: 1 / (point.value * point.value))
            powerSums.add(point.logarithm, log(point.value), weight: 1)
            smallest = min(smallest, point.value)
            largest = max(largest, point.value)
            largestUpTo.append(largest)
        }
        (plain.intercept, plain.slope) = plainSums.line
        (relative.intercept, relative.slope) = relativeSums.line
        (power.intercept, power.slope) = powerSums.line
    }
}

/// The sums of a weighted straight line.
private struct LineSums {
    private var weight = 0.0
    private var x = 0.0
    private var y = 0.0
    private var xx = 0.0
    private var xy = 0.0

    mutating func add(_ input: Double, _ value: Double, weight: Double) {
        self.weight += weight
        x += weight * input
        y += weight * value
        xx += weight * input * input
        xy += weight * input * value
    }

    /// Flat where the inputs do not differ.
    var line: (intercept: Double, slope: Double) {
        guard weight > 0 else { return (0, 0) }
        let spread = weight * xx - x * x
        let slope = spread > 1e-9 * weight * xx ? (weight * xy - x * y) / spread : 0
        return ((y - slope * x) / weight, slope)
    }
}
