/// Powers that are the same on every machine: Core imports no C library.
enum Exponential {
    private static let ln2 = 0.6931471805599453
    private static let perLn2 = 1.4426950408889634
    private static let c3 = 1.0 / 6
    private static let c4 = 1.0 / 24
    private static let c5 = 1.0 / 120
    private static let c6 = 1.0 / 720
    private static let c7 = 1.0 / 5040
    private static let c8 = 1.0 / 40_320
    private static let c9 = 1.0 / 362_880
    private static let c10 = 1.0 / 3_628_800
    private static let c11 = 1.0 / 39_916_800
    private static let c12 = 1.0 / 479_001_600
    private static let c13 = 1.0 / 6_227_020_800
    private static let ln10 = 2.302585092994046

    /// `e` to the power of `x`; right to fourteen digits.
    ///
    /// A power of two times the series of what is left, which is at most `ln 2 / 2`.
    static func natural(_ x: Double) -> Double {
        guard x < 700 else { return .infinity }
        guard x > -700 else { return 0 }
        let twos = Int((x * perLn2 + (x < 0 ? -0.5 : 0.5)))
        let rest = x - Double(twos) * ln2
        // The terms up to the thirteenth, by Horner: no division, which takes as long as all this.
        let high = ((((c13 * rest + c12) * rest + c11) * rest + c10) * rest + c9) * rest + c8
        let middle = (((high * rest + c7) * rest + c6) * rest + c5) * rest + c4
        let sum = (((middle * rest + c3) * rest + 0.5) * rest + 1) * rest + 1
        return sum * Double(sign: .plus, exponent: twos, significand: 1)
    }

    /// Ten to the power of `x`.
    static func ten(_ x: Double) -> Double { natural(x * ln10) }
}
