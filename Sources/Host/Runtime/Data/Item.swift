import FanfoldJSON
@preconcurrency import Glibc

/// One item, as it stands in its text.
enum Item {
    /// The text of a JSON value.
    case json(UnsafeRawBufferPointer)
    /// Characters: a line, a path, bytes.
    case text(UnsafeRawBufferPointer)
    case integer(Int)
    /// A row of a tensor or of a table, or what is said of a tensor.
    case value(JSON)
    /// A row of a table.
    case row(UnsafeRawBufferPointer, CSVColumns)

    /// Appends the item as JSON without line feeds.
    ///
    /// - Throws: `malformedJSON`, `notUTF8`, `badQuote`; lines counted within the item.
    func appendJSON(to buffer: inout [UInt8]) throws(DataError) {
        switch self {
        case .json(let text):
            try JSONScanner.check(text)
            let all = 0..<text.count
            if text.firstOffset(of: .lineFeed, in: all) == nil,
                text.firstOffset(of: .carriageReturn, in: all) == nil
            {
                buffer.append(contentsOf: text)
            } else {
                try value().write(to: &buffer)
            }
        case .text(let text): try Item.append(quoted: text, to: &buffer)
        case .integer(let value): buffer.append(contentsOf: String(value).utf8)
        case .value(let value): value.write(to: &buffer)
        case .row(let row, let columns): try columns.append(object: row, to: &buffer)
        }
    }

    /// Appends the item as a line: a string bare, other values as JSON text.
    func appendLine(to buffer: inout [UInt8]) throws(DataError) {
        switch self {
        case .json(let text) where text.first == .quote:
            buffer.append(contentsOf: (try value().stringValue ?? "").utf8)
        case .text(let text): buffer.append(contentsOf: text)
        default: try appendJSON(to: &buffer)
        }
        buffer.append(.lineFeed)
    }

    /// The item as a JSON value.
    func value() throws(DataError) -> JSON {
        switch self {
        case .json(let text): return try Item.parse(text)
        case .text(let text):
            try Item.checkSize(text)
            guard let string = String(validating: text, as: UTF8.self) else {
                throw .notUTF8(
                    path: nil, line: text.lineFeeds(before: text.firstOffsetNotUTF8() ?? 0) + 1)
            }
            return .string(string)
        case .integer(let value): return .integer(Int64(value))
        case .value(let value): return value
        case .row(let row, let columns):
            let texts = try CSV.texts(of: row)
            return .object(JSONObject(zip(columns.names, texts.map { JSON.string($0) }).map { $0 }))
        }
    }

    private static func parse(_ text: UnsafeRawBufferPointer) throws(DataError) -> JSON {
        try checkSize(text)
        do throws(JSONParseError) {
            return try JSON(parsing: text)
        } catch {
            throw .malformedJSON(
                path: nil, line: error.line, column: error.column, message: error.message)
        }
    }

    private static func checkSize(_ text: UnsafeRawBufferPointer) throws(DataError) {
        guard text.count <= DataLimits.itemBytes else {
            throw .tooLarge(
                path: nil, limit: "DataLimits.itemBytes", bytes: DataLimits.itemBytes,
                found: text.count)
        }
    }

    /// Appends `text` as a JSON string.
    static func append(
        quoted text: UnsafeRawBufferPointer, to buffer: inout [UInt8]
    ) throws(DataError) {
        if let bad = text.firstOffsetNotUTF8() {
            throw .notUTF8(path: nil, line: text.lineFeeds(before: bad) + 1)
        }
        buffer.append(.quote)
        var start = 0
        for offset in 0..<text.count {
            let byte = text[offset]
            guard byte < 0x20 || byte == .quote || byte == .backslash else { continue }
            buffer.append(contentsOf: text[start..<offset])
            start = offset + 1
            append(escaped: byte, to: &buffer)
        }
        buffer.append(contentsOf: text[start..<text.count])
        buffer.append(.quote)
    }

    private static func append(escaped byte: UInt8, to buffer: inout [UInt8]) {
        switch byte {
        case .quote, .backslash: buffer.append(contentsOf: [.backslash, byte])
        case 0x0A: buffer.append(contentsOf: "\\n".utf8)
        case 0x0D: buffer.append(contentsOf: "\\r".utf8)
        case 0x09: buffer.append(contentsOf: "\\t".utf8)
        default:
            let digits = String(byte, radix: 16)
            buffer.append(contentsOf: "\\u00\(digits.count < 2 ? "0" : "")\(digits)".utf8)
        }
    }
}

/// The columns of a table, made ready to turn rows into objects.
final class CSVColumns {
    /// The names, all different.
    let names: [String]
    /// For each column its name as JSON and a colon.
    private let keys: [[UInt8]]

    /// Reads a header, without a byte order mark if there is one.
    ///
    /// - Throws: `notTabular` if a name stands twice, `notUTF8`, `badQuote`.
    init(header: UnsafeRawBufferPointer) throws(DataError) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let begin = header.starts(with: mark) ? mark.count : 0
        names = try CSV.texts(of: header.part(begin..<header.count))
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw .notTabular(
                message: "two columns are named \"\(name)\", so a row is no object; rename one")
        }
        keys = names.map { JSON.string($0).bytes + [UInt8(ascii: ":")] }
    }

    /// Appends `row` as a JSON object, all values strings.
    func append(
        object row: UnsafeRawBufferPointer, to buffer: inout [UInt8]
    ) throws(DataError) {
        var reader = CSV.FieldReader(bytes: row, offset: 0)
        var column = 0
        buffer.append(UInt8(ascii: "{"))
        while let field = try reader.next(), column < keys.count {
            if column > 0 { buffer.append(.comma) }
            buffer.append(contentsOf: keys[column])
            column += 1
            guard field.hasDoubledQuotes else {
                try Item.append(quoted: row.part(field.range), to: &buffer)
                continue
            }
            var text: [UInt8] = []
            field.append(from: row, to: &text)
            let quoted = text.withUnsafeBytes { bytes in
                Result<[UInt8], DataError> { () throws(DataError) in
                    var quoted: [UInt8] = []
                    try Item.append(quoted: bytes, to: &quoted)
                    return quoted
                }
            }
            buffer.append(contentsOf: try quoted.get())
        }
        buffer.append(UInt8(ascii: "}"))
    }
}
