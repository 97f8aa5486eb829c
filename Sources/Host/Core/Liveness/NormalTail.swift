/// How unlikely a normally distributed value is to come that late, as a number of decimal digits.
///
/// Why not `erfc` and `log10`: Core imports no C library, so that its decisions are the same on
/// every machine; and `erfc` underflows where this goes on.
enum NormalTail {
    /// `-log10(Q(z))`, where `Q(z)` is the share of a standard normal distribution above `z`.
    ///
    /// Source: M. Abramowitz, I. Stegun, "Handbook of Mathematical Functions", 1964: 26.2.11, the
    /// series, below 2.5; 26.2.14, the continued fraction, from there on.  Both are right to nine
    /// digits.
    static func digits(beyond z: Double) -> Double {
        guard z < 2.5 else {
            return z * z / 2 / ln10 + (halfLnTwoPi + logarithm(fraction(z))) / ln10
        }
        guard z > -6 else { return 0 }
        return max(0, -logarithm(0.5 - series(z)) / ln10)
    }

    /// The `z` beyond which that many digits lie; at least 0.
    static func deviations(forDigits digits: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        while Self.digits(beyond: high) < digits, high < 1e6 { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if Self.digits(beyond: middle) < digits { low = middle } else { high = middle }
        }
        return high
    }

    private static let ln10 = 2.302585092994046
    private static let ln2 = 0.6931471805599453
    private static let halfLnTwoPi = 0.9189385332046727
    private static let oneBySquareRootOfTwoPi = 0.3989422804014327

    /// The share between 0 and `z`: `φ(0) Σ (-1)^n z^(2n+1) / (n! 2^n (2n+1))`.
    private static func series(_ z: Double) -> Double {
        var power = z
        var sum = z
        var n = 1.0
        while n < 120 {
            power *= -z * z / (2 * n)
            sum += power / (2 * n + 1)
            n += 1
        }
        return sum * oneBySquareRootOfTwoPi
    }

    /// `z + 1/(z + 2/(z + 3/(z + …)))`, by which the density is divided.
    private static func fraction(_ z: Double) -> Double {
        var value = z
        for n in stride(from: 80.0, to: 0, by: -1) { value = z + n / value }
        return value
    }

    /// The natural logarithm of a positive number: of its exponent, and by
    /// `2 artanh((m - 1) / (m + 1))` of what is left.
    private static func logarithm(_ value: Double) -> Double {
        guard value > 0 else { return -745 }
        let part = (value.significand - 1) / (value.significand + 1)
        var power = part
        var sum = part
        for n in stride(from: 3.0, to: 61, by: 2) {
            power *= part * part
            sum += power / n
        }
        return Double(value.exponent) * ln2 + 2 * sum
    }
}
