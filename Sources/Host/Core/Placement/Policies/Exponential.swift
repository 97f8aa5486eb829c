/// Powers that are the same on every machine: Core imports no C library.
enum Exponential {
    private static let ln2 = 0.6931471805599453
    private static let ln10 = 2.302585092994046

    /// `e` to the power of `x`; right to fourteen digits.
    ///
    /// A power of two times the series of what is left, which is at most `ln 2 / 2`.
    static func natural(_ x: Double) -> Double {
        guard x < 700 else { return .infinity }
        guard x > -700 else { return 0 }
        let twos = (x / ln2).rounded()
        let rest = x - twos * ln2
        var term = 1.0
        var sum = 1.0
        var n = 1.0
        while n < 14 {
            term *= rest / n
            sum += term
            n += 1
        }
        return sum * Double(sign: .plus, exponent: Int(twos), significand: 1)
    }

    /// Ten to the power of `x`.
    static func ten(_ x: Double) -> Double { natural(x * ln10) }
}
