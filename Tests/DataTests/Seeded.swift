/// Numbers that look random and are the same for one seed.
///
/// Source: SplitMix64, Steele, Lea and Flood 2014.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// `bytes` with a few of them changed, and in every third round cut off.
    mutating func damaged(_ bytes: [UInt8], round: Int) -> [UInt8] {
        var bytes = bytes
        let odd: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0xFE]
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &self)
            switch Int.random(in: 0..<3, using: &self) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: bytes[place] = odd[Int.random(in: odd.indices, using: &self)]
            default: bytes[place] = UInt8.random(in: 0...255, using: &self)
            }
        }
        if round.isMultiple(of: 3) {
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &self))
        }
        return bytes
    }
}
