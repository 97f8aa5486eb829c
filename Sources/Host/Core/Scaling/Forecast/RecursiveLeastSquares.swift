/// A linear model that learns row by row, old rows counting for less.
///
/// Complexity: the square of the number of columns, for each row.
/// Source: recursive least squares with a forgetting factor (S. Haykin, "Adaptive Filter Theory",
/// 10.3).
struct RecursiveLeastSquares: Hashable, Sendable {
    /// What a row counts for when the next one is there.
    private static let memory = 0.9995
    private let width: Int
    private var weights: ContiguousArray<Double>
    /// The inverse of the weighted sums of products, row by row.
    private var inverse: ContiguousArray<Double>

    init(width: Int) {
        self.width = width
        weights = ContiguousArray(repeating: 0, count: width)
        inverse = ContiguousArray(repeating: 0, count: width * width)
        for place in 0..<width { inverse[place * width + place] = 1 }
    }

    /// What the model says of a row.
    func predict(_ row: ContiguousArray<Double>) -> Double {
        var sum = 0.0
        for place in 0..<width { sum += weights[place] * row[place] }
        return sum
    }

    /// Takes in what came of a row.
    mutating func learn(_ row: ContiguousArray<Double>, _ outcome: Double) {
        var product = ContiguousArray<Double>(repeating: 0, count: width)
        var scale = Self.memory
        for line in 0..<width {
            var sum = 0.0
            for place in 0..<width { sum += inverse[line * width + place] * row[place] }
            product[line] = sum
            scale += sum * row[line]
        }
        let error = outcome - predict(row)
        for line in 0..<width { weights[line] += product[line] / scale * error }
        // The matrix is kept symmetric: both halves get the same number.
        for line in 0..<width {
            for place in line..<width {
                let less = product[line] * product[place] / scale
                let value = (inverse[line * width + place] - less) / Self.memory
                // Without news the matrix would grow for ever.
                let kept = line == place ? min(value, 1e6) : min(max(value, -1e6), 1e6)
                inverse[line * width + place] = kept
                inverse[place * width + line] = kept
            }
        }
    }
}
