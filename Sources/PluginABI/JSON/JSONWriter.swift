extension JSON {
    /// The shortest text: no white space, keys in their order.
    public var text: String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// The UTF-8 of `text`.
    public var bytes: [UInt8] {
        var buffer: [UInt8] = []
        write(to: &buffer)
        return buffer
    }

    /// The text with one member or element a line, indented by two spaces a level.
    public var prettyText: String {
        var buffer: [UInt8] = []
        writePretty(to: &buffer, indent: 0)
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Appends the shortest text.
    ///
    /// A number that is not finite has no JSON and becomes `null`.
    public func write(to buffer: inout [UInt8]) {
        switch self {
        case .array(let elements):
            buffer.append(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { buffer.append(UInt8(ascii: ",")) }
                element.write(to: &buffer)
            }
            buffer.append(UInt8(ascii: "]"))
        case .object(let object):
            buffer.append(UInt8(ascii: "{"))
            for position in 0..<object.count {
                if position > 0 { buffer.append(UInt8(ascii: ",")) }
                JSON.write(string: object.keys[position], to: &buffer)
                buffer.append(UInt8(ascii: ":"))
                object.values[position].write(to: &buffer)
            }
            buffer.append(UInt8(ascii: "}"))
        default: writeScalar(to: &buffer)
        }
    }

    private func writeScalar(to buffer: inout [UInt8]) {
        switch self {
        case .bool(let value): buffer.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): buffer.append(contentsOf: String(value).utf8)
        case .number(let value):
            buffer.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case .string(let value): JSON.write(string: value, to: &buffer)
        case .null, .array, .object: buffer.append(contentsOf: "null".utf8)
        }
    }

    private func writePretty(to buffer: inout [UInt8], indent: Int) {
        func newLine(_ level: Int) {
            buffer.append(UInt8(ascii: "\n"))
            buffer.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
        }
        switch self {
        case .array(let elements) where !elements.isEmpty:
            buffer.append(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { buffer.append(UInt8(ascii: ",")) }
                newLine(indent + 1)
                element.writePretty(to: &buffer, indent: indent + 1)
            }
            newLine(indent)
            buffer.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            buffer.append(UInt8(ascii: "{"))
            for (position, (key, value)) in object.members.enumerated() {
                if position > 0 { buffer.append(UInt8(ascii: ",")) }
                newLine(indent + 1)
                JSON.write(string: key, to: &buffer)
                buffer.append(contentsOf: ": ".utf8)
                value.writePretty(to: &buffer, indent: indent + 1)
            }
            newLine(indent)
            buffer.append(UInt8(ascii: "}"))
        default: write(to: &buffer)
        }
    }

    private static func write(string: String, to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.append(UInt8(ascii: "\\"))
                buffer.append(byte)
            case 0x0A: buffer.append(contentsOf: "\\n".utf8)
            case 0x0D: buffer.append(contentsOf: "\\r".utf8)
            case 0x09: buffer.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                buffer.append(contentsOf: "\\u00\(digits.count < 2 ? "0" : "")\(digits)".utf8)
            default: buffer.append(byte)
            }
        }
        buffer.append(UInt8(ascii: "\""))
    }
}
