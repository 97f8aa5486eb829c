/// The permutations of NumPy's `RandomState`, which the published split of the traces is drawn
/// with.
///
/// Source: M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998 (MT19937, seeded by
/// `init_genrand`); NumPy's documentation of `RandomState` (frozen since 1.16).
struct NumPyShuffle {
    private var state: [UInt32]
    private var index = 624

    /// As `numpy.random.RandomState(seed)`.
    init(seed: UInt32) {
        state = [seed]
        for place in 1..<624 {
            let last = state[place - 1]
            state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(place))
        }
    }

    /// As `permutation(count)`.
    mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, upTo(UInt32(last)))
        }
        return order
    }

    /// A number from 0 up to and including `limit`: draws under a mask until one fits.
    private mutating func upTo(_ limit: UInt32) -> Int {
        let mask = UInt32.max >> limit.leadingZeroBitCount
        while true {
            let drawn = next() & mask
            if drawn <= limit { return Int(drawn) }
        }
    }

    private mutating func next() -> UInt32 {
        if index == 624 { twist() }
        var value = state[index]
        index += 1
        value ^= value >> 11
        value ^= (value << 7) & 0x9D2C_5680
        value ^= (value << 15) & 0xEFC6_0000
        return value ^ (value >> 18)
    }

    private mutating func twist() {
        for place in 0..<624 {
            let mixed = (state[place] & 0x8000_0000) | (state[(place + 1) % 624] & 0x7FFF_FFFF)
            let odd: UInt32 = mixed & 1 == 1 ? 0x9908_B0DF : 0
            state[place] = state[(place + 397) % 624] ^ (mixed >> 1) ^ odd
        }
        index = 0
    }
}
