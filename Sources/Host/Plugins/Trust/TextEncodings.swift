/// Bytes as pairs of hexadecimal digits.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    /// The bytes in lower-case digits.
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

/// Bytes as text, four characters for three bytes.
///
/// Source: RFC 4648, section 4.  Only the one right spelling is read: padded, nothing in between,
/// no bits left over.
enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let pad = UInt8(ascii: "=")

    /// The text of the bytes.
    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for position in 0..<3 {
                let index = start + position
                word = word << 8 | (index < group.endIndex ? UInt32(bytes[index]) : 0)
            }
            for position in 0..<4 {
                let digit = digits[Int(word >> (18 - 6 * UInt32(position)) & 63)]
                text.append(position <= group.count ? digit : pad)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text; `nil` if it is not exactly what ``text(_:)`` writes.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: characters.count, by: 4) {
            let group = characters[start..<(start + 4)].prefix { $0 != pad }
            var word: UInt32 = 0
            for character in group {
                guard let digit = digits.firstIndex(of: character) else { return nil }
                word = word << 6 | UInt32(digit)
            }
            guard group.count >= 2 else { return nil }
            word <<= 6 * UInt32(4 - group.count)
            for position in 0..<(group.count - 1) {
                bytes.append(UInt8(truncatingIfNeeded: word >> (16 - 8 * UInt32(position))))
            }
        }
        return Self.text(bytes).utf8.elementsEqual(characters) ? bytes : nil
    }
}
