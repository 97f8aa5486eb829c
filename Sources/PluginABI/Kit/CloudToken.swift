/// The token of a request to a cloud: the UUID of version 5 of an offering's id, in the namespace
/// of a launch token.
///
/// A cloud refuses a token that comes back with other parameters, so each offering that is tried
/// has its own; and the same launch gives the same one again.
/// Source: RFC 9562, section 5.5.
/// Parameter launch: The launch token; its 32 hexadecimal digits count.
public func cloudToken(_ launch: String, _ offering: String) -> String {
    var message: [UInt8] = []
    let digits = launch.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    for index in stride(from: 0, to: digits.count - 1, by: 2) {
        message.append(UInt8(digits[index] << 4 | digits[index + 1]))
    }
    message += offering.utf8
    var uuid = Array(sha1(message).prefix(16))
    uuid[6] = uuid[6] & 0x0F | 0x50
    uuid[8] = uuid[8] & 0x3F | 0x80
    var text = ""
    for (index, byte) in uuid.enumerated() {
        if [4, 6, 8, 10].contains(index) { text += "-" }
        text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
}

/// The SHA-1 sum, which UUIDs of version 5 are made of; for nothing that must be secure.
///
/// Source: FIPS 180-4, section 6.1.
func sha1(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var padded = message + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: UInt64(message.count) * 8 >> shift))
    }
    for start in stride(from: 0, to: padded.count, by: 64) {
        var words = (0..<16).map { word in
            (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(padded[start + word * 4 + $1]) }
        }
        for index in 16..<80 {
            let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
            words.append(mixed << 1 | mixed >> 31)
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (index, word) in words.enumerated() {
            let (choice, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = (a << 5 | a >> 27) &+ choice &+ e &+ constant &+ word
            (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
        }
        for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
    }
    return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
}
