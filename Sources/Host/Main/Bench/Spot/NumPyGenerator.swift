/// The whole numbers of NumPy's `default_rng`, which the published beginnings of jobs are drawn with.
///
/// Source: M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms
/// for Random Number Generation", 2014 (PCG64, XSL-RR), seeded as NumPy's `SeedSequence` documents;
/// D. Lemire, "Fast Random Integer Generation in an Interval", 2019.
struct NumPyGenerator {
    private static let multiplier =
        UInt128(2_549_297_995_355_413_924) << 64 | UInt128(4_865_540_595_714_422_341)

    private var state: UInt128
    private let increment: UInt128
    /// The upper half of a number whose lower half was given out.
    private var kept: UInt32?

    /// As `numpy.random.default_rng(seed)`.
    init(seed: UInt32) {
        let words = Self.seeds(from: seed)
        increment = words[1] << 1 | 1
        state = increment &+ words[0]
        step()
    }

    /// A number from 0 up to and not including `limit`, as `integers(0, limit)`.
    mutating func below(_ limit: UInt32) -> Int {
        precondition(limit > 0, "there is a number below the limit")
        // Of one number alone none is drawn.
        guard limit > 1 else { return 0 }
        let least = (0 &- limit) % limit
        while true {
            let product = UInt64(next32()) * UInt64(limit)
            if UInt32(truncatingIfNeeded: product) >= least { return Int(product >> 32) }
        }
    }

    private mutating func next32() -> UInt32 {
        if let kept {
            self.kept = nil
            return kept
        }
        step()
        let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
        let turn = UInt64(truncatingIfNeeded: state >> 122)
        let value = folded >> turn | folded << ((64 - turn) & 63)
        kept = UInt32(truncatingIfNeeded: value >> 32)
        return UInt32(truncatingIfNeeded: value)
    }

    private mutating func step() { state = state &* Self.multiplier &+ increment }

    /// The state and the increment that `SeedSequence` makes of a seed.
    private static func seeds(from seed: UInt32) -> [UInt128] {
        var constant: UInt32 = 0x43B0_D7E5
        func hashed(_ value: UInt32, by factor: UInt32) -> UInt32 {
            var value = value ^ constant
            constant = constant &* factor
            value = value &* constant
            return value ^ value >> 16
        }
        var pool = [seed, 0, 0, 0].map { hashed($0, by: 0x931E_8875) }
        for source in 0..<4 {
            for target in 0..<4 where target != source {
                let mixed =
                    0xCA01_F9DD &* pool[target]
                    &- 0x4973_F715 &* hashed(pool[source], by: 0x931E_8875)
                pool[target] = mixed ^ mixed >> 16
            }
        }
        constant = 0x8B51_F9DD
        let words = (0..<8).map { hashed(pool[$0 % 4], by: 0x58F3_8DED) }
        let halves = (0..<4).map { UInt128(words[2 * $0 + 1]) << 32 | UInt128(words[2 * $0]) }
        return [halves[0] << 64 | halves[1], halves[2] << 64 | halves[3]]
    }
}
