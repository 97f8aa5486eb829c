/// Goes through the members of a JSON object without making values of those nobody wants.
///
/// For objects of the host, which are right: of a wrong one it finds no more than what comes before
/// the mistake.  A strategy that asks for the time of each of a million results would otherwise
/// spend most of its own time on reading JSON.
struct MemberScanner {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    /// A scanner at the first member of the object that `bytes` is the text of.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        skip { $0 != UInt8(ascii: "{") }
        offset += 1
    }

    /// The next key, without its quotes and as it is escaped, and the text of its value.
    mutating func next() -> (
        key: Slice<UnsafeRawBufferPointer>, value: Slice<UnsafeRawBufferPointer>
    )? {
        skip { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "}") }
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { return nil }
        let key = string()
        skip { $0 != UInt8(ascii: ":") }
        offset += 1
        skip { $0 <= 0x20 }
        let start = offset
        var depth = 0
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""): _ = string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                offset += 1
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return (key, bytes[start..<offset]) }
                if bytes[offset] != UInt8(ascii: ",") { depth -= 1 }
                offset += 1
            default: offset += 1
            }
        }
        return nil
    }

    /// A whole number written in decimal; `nil` for every other value and past `Int`.
    static func integer(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
        var value = 0
        for byte in text {
            let digit = byte &- UInt8(ascii: "0")
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            guard digit < 10, !overflow else { return nil }
            value = tenfold &+ Int(digit)
            guard value >= 0 else { return nil }
        }
        return text.isEmpty ? nil : value
    }

    /// Passes a string; what is between its quotes.
    private mutating func string() -> Slice<UnsafeRawBufferPointer> {
        offset += 1
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
        }
        defer { offset += 1 }
        return bytes[start..<min(offset, bytes.count)]
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while offset < bytes.count, condition(bytes[offset]) { offset += 1 }
    }
}
