/// A sum of doubles without rounding until it is read: the same in every order.
///
/// Keeps the sum as numbers that do not overlap, by error-free additions.
/// Source: J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997.
struct ExactSum: Sendable, Hashable {
    /// Ascending magnitude, none overlapping another, none zero.
    private var partials: [Double] = []

    /// Adds a number.
    mutating func add(_ value: Double) {
        var carry = value
        var kept = 0
        for position in partials.indices {
            let (sum, error) = Self.twoSum(carry, partials[position])
            if error != 0 {
                partials[kept] = error
                kept += 1
            }
            carry = sum
        }
        partials.removeSubrange(kept...)
        if carry != 0 || !carry.isFinite { partials.append(carry) }
    }

    /// Adds `left * right` without rounding the product.
    mutating func add(_ left: Double, times right: Double) {
        let product = left * right
        add(product)
        add((-product).addingProduct(left, right))
    }

    /// Adds a whole number without rounding it.
    mutating func add(_ value: Int128) {
        var rest = value
        while rest != 0 {
            let part = Double(rest)
            add(part)
            guard let whole = Int128(exactly: part) else { return }
            rest -= whole
        }
    }

    /// The sum, rounded once to the nearest double.
    var value: Double {
        var remaining = partials[...]
        var high = remaining.popLast() ?? 0
        var low = 0.0
        while low == 0, let next = remaining.popLast() {
            (high, low) = Self.twoSum(high, next)
        }
        // Half way between two doubles: what is left decides which of them is nearer.
        if let beyond = remaining.last, (low < 0) == (beyond < 0), low != 0 {
            let step = low * 2
            let rounded = high + step
            if rounded - high == step { high = rounded }
        }
        return high
    }

    /// The rounded sum and the exact error of rounding.
    private static func twoSum(_ left: Double, _ right: Double) -> (Double, Double) {
        let sum = left + right
        let part = sum - left
        return (sum, (left - (sum - part)) + (right - part))
    }
}
