/// Bytes as letters.
///
/// Source: RFC 4648, sections 4 and 5.
enum Base64 {
    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// With padding.
    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let number =
                group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0...group.count {
                text.append(letters[Int(number >> UInt32(18 - 6 * place) & 63)])
            }
            text += repeatElement(UInt8(ascii: "="), count: 3 - group.count)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// With `-` and `_`, without padding: what may stand in a URL and in a token.
    static func urlText(_ bytes: [UInt8]) -> String {
        String(
            decoding: text(bytes).utf8.compactMap { byte -> UInt8? in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                case UInt8(ascii: "="): nil
                default: byte
                }
            }, as: UTF8.self)
    }

    /// The bytes of a text with padding; `nil` if it is none.
    static func bytes(_ text: String) -> [UInt8]? {
        let count = text.utf8.count
        guard count % 4 == 0 else { return nil }
        let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        var number: UInt32 = 0
        for (index, byte) in text.utf8.dropLast(padding).enumerated() {
            guard let value = letters.firstIndex(of: byte) else { return nil }
            number = number << 6 | UInt32(value)
            if index % 4 == 3 {
                bytes += [UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
                number = 0
            }
        }
        switch padding {
        case 1: bytes += [UInt8(number >> 10 & 255), UInt8(number >> 2 & 255)]
        case 2: bytes.append(UInt8(number >> 4 & 255))
        default: break
        }
        return bytes
    }
}
