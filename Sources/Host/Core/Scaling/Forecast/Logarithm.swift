/// Logarithms that are the same on every machine: Core imports no C library.
enum Logarithm {
    private static let ln2 = 0.6931471805599453

    /// The natural logarithm of a positive number; right to fourteen digits.
    ///
    /// Powers of two apart, it is the series of the inverse hyperbolic tangent.
    static func natural(_ x: Double) -> Double {
        precondition(x > 0 && x.isFinite, "logarithms are of positive numbers")
        var significand = x.significand
        var twos = Double(x.exponent)
        if significand > 1.4142135623730951 {
            significand /= 2
            twos += 1
        }
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for odd in stride(from: 21, through: 1, by: -2) { sum = sum * square + 1 / Double(odd) }
        return twos * ln2 + 2 * ratio * sum
    }
}
