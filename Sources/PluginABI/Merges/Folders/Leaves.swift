import FanfoldJSON

/// A number as it was written: whole or not.
enum Figure: Sendable, Hashable {
    case whole(Int64)
    case real(Double)

    var double: Double {
        switch self {
        case .whole(let value): Double(value)
        case .real(let value): value
        }
    }

    var json: JSON {
        switch self {
        case .whole(let value): .integer(value)
        case .real(let value): .number(value)
        }
    }

    /// Whether this comes before `other` by size; exact for whole numbers.
    func precedes(_ other: Figure) -> Bool {
        if case .whole(let left) = self, case .whole(let right) = other { return left < right }
        return double < other.double
    }
}

/// What is kept of one number of every piece.
protocol Leaf {
    init()
    mutating func add(_ figure: Figure, weight: Double)
    /// `nil` if the result is no number that can be written.
    var result: JSON? { get }
}

/// Adds: whole numbers exactly, others without rounding in between.
struct SumLeaf: Leaf {
    private var whole: Int128 = 0
    private var real: ExactSum?

    mutating func add(_ figure: Figure, weight: Double) {
        switch figure {
        case .whole(let value): whole += Int128(value)
        case .real(let value):
            var sum = real ?? ExactSum()
            sum.add(value)
            real = sum
        }
    }

    var result: JSON? {
        guard var sum = real else { return Int64(exactly: whole).map { .integer($0) } }
        sum.add(whole)
        return sum.value.isFinite ? .number(sum.value) : nil
    }
}

/// The weighted mean, from two exact sums.
struct MeanLeaf: Leaf {
    private var weighted = ExactSum()
    private var weights = ExactSum()

    mutating func add(_ figure: Figure, weight: Double) {
        weighted.add(figure.double, times: weight)
        weights.add(weight)
    }

    var result: JSON? {
        guard weights.value != 0 else { return .null }
        let mean = weighted.value / weights.value
        return mean.isFinite ? .number(mean) : nil
    }
}

/// The least number; of equal ones, the first.
struct MinLeaf: Leaf {
    private var least: Figure?

    mutating func add(_ figure: Figure, weight: Double) {
        if let least, !figure.precedes(least) { return }
        least = figure
    }

    var result: JSON? { least?.json ?? .null }
}

/// The greatest number; of equal ones, the first.
struct MaxLeaf: Leaf {
    private var greatest: Figure?

    mutating func add(_ figure: Figure, weight: Double) {
        if let greatest, !greatest.precedes(figure) { return }
        greatest = figure
    }

    var result: JSON? { greatest?.json ?? .null }
}

/// The middle number.
struct MedianLeaf: Leaf {
    private var figures: [Figure] = []

    mutating func add(_ figure: Figure, weight: Double) {
        figures.append(figure)
    }

    var result: JSON? {
        let sorted = figures.sorted { $0.precedes($1) }
        guard !sorted.isEmpty else { return .null }
        let middle = sorted[sorted.count / 2]
        guard sorted.count.isMultiple(of: 2) else { return middle.json }
        let mean = sorted[sorted.count / 2 - 1].double / 2 + middle.double / 2
        return .number(mean)
    }
}
