/// Why a text is not the JSON that was wanted, and where.
public struct JSONParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wanted and what was found.
    public var message: String
    /// Bytes before the place, from the beginning of the text.
    public var offset: Int
    /// The line, from 1.
    public var line: Int
    /// The column in bytes, from 1.
    public var column: Int

    /// The place and the message, as compilers print them.
    public var description: String { "\(line):\(column): \(message)" }
}

extension JSON {
    /// How deep arrays and objects may nest.
    public static let maximumDepth = 128

    /// Reads one document; nothing but white space may follow it.
    public init(parsing text: String) throws(JSONParseError) {
        var text = text
        let parsed: Result<JSON, JSONParseError> = text.withUTF8 { bytes in
            JSON.parse(UnsafeRawBufferPointer(bytes))
        }
        self = try parsed.get()
    }

    /// Reads one document; nothing but white space may follow it.
    public init(parsing bytes: [UInt8]) throws(JSONParseError) {
        let parsed: Result<JSON, JSONParseError> = bytes.withUnsafeBytes { JSON.parse($0) }
        self = try parsed.get()
    }

    /// Reads one document; nothing but white space may follow it.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONParseError) {
        self = try JSON.parse(bytes).get()
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> Result<JSON, JSONParseError> {
        var parser = JSONParser(bytes: bytes)
        do throws(JSONParseError) {
            return .success(try parser.document())
        } catch {
            return .failure(error)
        }
    }
}

private struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    var offset = 0
    var depth = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONParseError) -> JSON {
        let value = try value()
        skipSpace()
        guard offset == bytes.count else {
            throw error("wanted the end of the document, found \(found())")
        }
        return value
    }

    private mutating func value() throws(JSONParseError) -> JSON {
        skipSpace()
        switch peek() {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("wanted a value, found \(found())")
        }
    }

    private mutating func object() throws(JSONParseError) -> JSONObject {
        try enter()
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return leave(object) }
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else {
                throw error("wanted a key in quotes, found \(found())")
            }
            let place = offset
            let key = try string()
            guard object[key] == nil else {
                offset = place
                throw error("the key \"\(key)\" stands twice in one object")
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else {
                throw error("wanted ':' after the key \"\(key)\", found \(found())")
            }
            object[key] = try value()
            skipSpace()
            if take(UInt8(ascii: "}")) { return leave(object) }
            guard take(UInt8(ascii: ",")) else {
                throw error("wanted ',' or '}' in an object, found \(found())")
            }
        }
    }

    private mutating func array() throws(JSONParseError) -> [JSON] {
        try enter()
        var array: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return leave(array) }
        while true {
            array.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return leave(array) }
            guard take(UInt8(ascii: ",")) else {
                throw error("wanted ',' or ']' in an array, found \(found())")
            }
        }
    }

    private mutating func enter() throws(JSONParseError) {
        depth += 1
        guard depth <= JSON.maximumDepth else {
            throw error("nested deeper than \(JSON.maximumDepth) levels")
        }
        offset += 1
    }

    private mutating func leave<T>(_ value: T) -> T {
        depth -= 1
        return value
    }

    private mutating func string() throws(JSONParseError) -> String {
        offset += 1
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                defer { offset += 1 }
                return try utf8(bytes[start..<offset])
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: offset += 1
            }
        }
        throw error("wanted a closing quote, found the end")
    }

    private mutating func escapedString(from start: Int) throws(JSONParseError) -> String {
        var buffer = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                defer { offset += 1 }
                return try utf8(buffer[...])
            case UInt8(ascii: "\\"):
                offset += 1
                try escape(into: &buffer)
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default:
                buffer.append(byte)
                offset += 1
            }
        }
        throw error("wanted a closing quote, found the end")
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(JSONParseError) {
        let kind = peek()
        offset += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(kind)
        case UInt8(ascii: "b"): buffer.append(8)
        case UInt8(ascii: "f"): buffer.append(12)
        case UInt8(ascii: "n"): buffer.append(10)
        case UInt8(ascii: "r"): buffer.append(13)
        case UInt8(ascii: "t"): buffer.append(9)
        case UInt8(ascii: "u"): buffer.append(contentsOf: Array(String(try scalar()).utf8))
        default:
            offset -= 1
            throw error("wanted one of \" \\ / b f n r t u after '\\', found \(found())")
        }
    }

    private mutating func scalar() throws(JSONParseError) -> Unicode.Scalar {
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw error("wanted the second half of a surrogate pair, found \(found())")
            }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else {
                throw error("the second half of a surrogate pair is out of range")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw error("half of a surrogate pair stands alone")
        }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONParseError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(peek())).hexDigitValue else {
                throw error("wanted four hexadecimal digits, found \(found())")
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    private func utf8(_ slice: some Collection<UInt8>) throws(JSONParseError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw error("the string is not UTF-8")
        }
        return text
    }

    private mutating func number() throws(JSONParseError) -> JSON {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            guard !isDigit(peek()) else { throw error("a number must not begin with 0") }
        } else {
            try digits()
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            offset = start
            throw error("the number \(text) is out of range")
        }
        return .number(value)
    }

    private mutating func digits() throws(JSONParseError) {
        guard isDigit(peek()) else { throw error("wanted a digit, found \(found())") }
        while isDigit(peek()) { offset += 1 }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONParseError) -> JSON {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else {
                throw error("wanted the word \(word), found \(found())")
            }
        }
        return value
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// The byte here; 0 at the end, which no rule accepts.
    private func peek() -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    private func found() -> String {
        guard offset < bytes.count else { return "the end" }
        let byte = bytes[offset]
        return byte > 0x20 && byte < 0x7F
            ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
    }

    private func error(_ message: String) -> JSONParseError {
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, bytes.count) where bytes[index] == 0x0A {
            line += 1
            lineStart = index + 1
        }
        return JSONParseError(
            message: message, offset: offset, line: line, column: offset - lineStart + 1)
    }
}
