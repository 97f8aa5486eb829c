import FanfoldJSON

/// Finds where JSON values end and that they are JSON, without building them.
///
/// Accepts what `JSON(parsing:)` accepts, and objects in which a key stands twice.
///
/// Complexity: one pass; no allocation.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    /// Where the scanner stands.
    var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// Checks that `bytes` is one document.
    static func check(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        try scanner.skipValue()
        try scanner.end()
    }

    /// The byte here; `nil` at the end.
    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
        while offset < bytes.count, bytes[offset].isSpace { offset += 1 }
    }

    /// Passes `byte` if it stands here.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    /// Nothing but white space may follow.
    mutating func end() throws(DataError) {
        skipSpace()
        guard offset == bytes.count else { throw wanted("the end of the document") }
    }

    /// Passes the bracket that ends an array.
    mutating func close() throws(DataError) {
        guard take(UInt8(ascii: "]")) else { throw wanted("',' or ']' in an array") }
    }

    /// Passes the value that begins here.
    mutating func skipValue(depth: Int = 0) throws(DataError) {
        switch next ?? 0 {
        case UInt8(ascii: "{") where depth >= JSON.maximumDepth,
            UInt8(ascii: "[") where depth >= JSON.maximumDepth:
            throw failure("nested deeper than \(JSON.maximumDepth) levels")
        case UInt8(ascii: "{"): try skipObject(depth: depth)
        case UInt8(ascii: "["): try skipArray(depth: depth)
        case UInt8.quote: try skipString()
        case UInt8(ascii: "t"): try skip(word: "true")
        case UInt8(ascii: "f"): try skip(word: "false")
        case UInt8(ascii: "n"): try skip(word: "null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
        default: throw wanted("a value")
        }
    }

    private mutating func skipObject(depth: Int) throws(DataError) {
        offset += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        while true {
            skipSpace()
            guard next == .quote else { throw wanted("a key in quotes") }
            try skipString()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw wanted("':' after a key") }
            skipSpace()
            try skipValue(depth: depth + 1)
            skipSpace()
            if take(UInt8(ascii: "}")) { return }
            guard take(.comma) else { throw wanted("',' or '}' in an object") }
        }
    }

    private mutating func skipArray(depth: Int) throws(DataError) {
        offset += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        while true {
            skipSpace()
            try skipValue(depth: depth + 1)
            skipSpace()
            guard take(.comma) else { return try close() }
        }
    }

    private mutating func skipString() throws(DataError) {
        offset += 1
        let start = offset
        var ascii = true
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == .quote {
                if !ascii { try checkUTF8(start..<offset) }
                offset += 1
                return
            }
            if byte == .backslash {
                try skipEscape()
                continue
            }
            guard byte >= 0x20 else {
                throw failure("a control character in a string must be escaped")
            }
            if byte >= 0x80 { ascii = false }
            offset += 1
        }
        throw wanted("a closing quote")
    }

    private mutating func checkUTF8(_ range: Range<Int>) throws(DataError) {
        guard let bad = bytes.part(range).firstOffsetNotUTF8() else { return }
        offset = range.lowerBound + bad
        throw failure("the string is not UTF-8")
    }

    private mutating func skipEscape() throws(DataError) {
        offset += 1
        switch next ?? 0 {
        case UInt8.quote, UInt8.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        case UInt8(ascii: "u"):
            offset += 1
            let first = try skipHexadecimal()
            guard (0xD800..<0xE000).contains(first) else { return }
            guard first < 0xDC00, take(.backslash), take(UInt8(ascii: "u")) else {
                throw failure("half of a surrogate pair stands alone")
            }
            guard (0xDC00..<0xE000).contains(try skipHexadecimal()) else {
                throw failure("the second half of a surrogate pair is out of range")
            }
        default: throw wanted("one of \" \\ / b f n r t u after '\\'")
        }
    }

    private mutating func skipHexadecimal() throws(DataError) -> Int {
        var code = 0
        for _ in 0..<4 {
            guard let byte = next, byte < 0x80,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw wanted("four hexadecimal digits") }
            code = code << 4 | digit
            offset += 1
        }
        return code
    }

    private mutating func skip(word: StaticString) throws(DataError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw wanted("the word \(word)") }
        }
    }

    private mutating func skipNumber() throws(DataError) {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            guard !isDigit else { throw failure("a number must not begin with 0") }
        } else {
            try skipDigits()
        }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
            let text = String(decoding: bytes.part(start..<offset), as: UTF8.self)
            guard let value = Double(text), value.isFinite else {
                offset = start
                throw failure("the number \(text) is out of range")
            }
        }
    }

    private var isDigit: Bool { (next ?? 0) &- UInt8(ascii: "0") < 10 }

    private mutating func skipDigits() throws(DataError) {
        guard isDigit else { throw wanted("a digit") }
        while isDigit { offset += 1 }
    }

    private func wanted(_ what: String) -> DataError {
        guard let byte = next else { return failure("wanted \(what), found the end") }
        let found =
            byte > 0x20 && byte < 0x7F
            ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
        return failure("wanted \(what), found \(found)")
    }

    private func failure(_ message: String) -> DataError {
        var lineStart = offset
        while lineStart > 0, bytes[lineStart - 1] != .lineFeed { lineStart -= 1 }
        return .malformedJSON(
            path: nil, line: bytes.lineFeeds(before: offset) + 1,
            column: offset - lineStart + 1, message: message)
    }
}
