/// Rows and fields of comma-separated values.
///
/// Source: RFC 4180.  A quote within a field that does not begin with one is a character like any
/// other; a line may end with a line feed alone; an empty line is no row.
enum CSV {
    /// Finds the end of the row that begins at `start`.
    ///
    /// - Returns: the offset of the line feed, or the end, and the number of fields.
    /// - Throws: `badQuote`, with the line counted from the beginning of `bytes`.
    static func row(
        in bytes: UnsafeRawBufferPointer, at start: Int
    ) throws(DataError) -> (end: Int, fields: Int) {
        let end = bytes.firstOffset(of: .lineFeed, in: start..<bytes.count) ?? bytes.count
        guard bytes.firstOffset(of: .quote, in: start..<end) != nil else {
            var fields = 1
            for offset in start..<end where bytes[offset] == .comma { fields += 1 }
            return (end, fields)
        }
        var reader = FieldReader(bytes: bytes, offset: start)
        var fields = 0
        while try reader.next() != nil { fields += 1 }
        return (reader.offset, fields)
    }

    /// The texts of all fields of one row.
    ///
    /// - Throws: `badQuote`, `notUTF8`; lines counted from the beginning of `row`.
    static func texts(of row: UnsafeRawBufferPointer) throws(DataError) -> [String] {
        var texts: [String] = []
        var reader = FieldReader(bytes: row, offset: 0)
        while let field = try reader.next() {
            var text: [UInt8] = []
            field.append(from: row, to: &text)
            guard let string = String(validating: text, as: UTF8.self) else {
                throw .notUTF8(path: nil, line: row.lineFeeds(before: field.range.lowerBound) + 1)
            }
            texts.append(string)
        }
        return texts
    }

    /// Appends `text` as one field, in quotes if it needs them.
    static func append(field text: String, to buffer: inout [UInt8]) {
        let special: (UInt8) -> Bool = {
            $0 == .comma || $0 == .quote || $0 == .lineFeed || $0 == .carriageReturn
        }
        guard text.utf8.contains(where: special) else {
            buffer.append(contentsOf: text.utf8)
            return
        }
        buffer.append(.quote)
        for byte in text.utf8 {
            if byte == .quote { buffer.append(.quote) }
            buffer.append(byte)
        }
        buffer.append(.quote)
    }

    /// Appends one row with its line feed.
    ///
    /// A single empty field is quoted, or it would be no row.
    static func append(row fields: [String], to buffer: inout [UInt8]) {
        if fields == [""] {
            buffer.append(contentsOf: [.quote, .quote])
        } else {
            for (position, field) in fields.enumerated() {
                if position > 0 { buffer.append(.comma) }
                append(field: field, to: &buffer)
            }
        }
        buffer.append(.lineFeed)
    }

    /// A field without its outer quotes.
    struct Field {
        /// Where its characters are.
        var range: Range<Int>
        /// Whether quotes in it are doubled.
        var hasDoubledQuotes: Bool

        /// Appends the characters.
        func append(from bytes: UnsafeRawBufferPointer, to buffer: inout [UInt8]) {
            guard hasDoubledQuotes else {
                buffer.append(contentsOf: bytes[range])
                return
            }
            var skip = false
            for byte in bytes[range] {
                if byte == .quote, !skip {
                    skip = true
                    continue
                }
                skip = false
                buffer.append(byte)
            }
        }
    }

    /// Reads the fields of one row, which begins at `offset`.
    struct FieldReader {
        let bytes: UnsafeRawBufferPointer
        /// At the end: the line feed after the row, or the end of the bytes.
        var offset: Int
        private var finished = false

        init(bytes: UnsafeRawBufferPointer, offset: Int) {
            self.bytes = bytes
            self.offset = offset
        }

        mutating func next() throws(DataError) -> Field? {
            guard !finished else { return nil }
            if offset < bytes.count, bytes[offset] == .quote { return try quoted() }
            let start = offset
            while offset < bytes.count, bytes[offset] != .comma, bytes[offset] != .lineFeed {
                offset += 1
            }
            var range = start..<offset
            if offset < bytes.count, bytes[offset] == .comma {
                offset += 1
            } else {
                finished = true
                range = bytes.withoutReturn(range)
            }
            return Field(range: range, hasDoubledQuotes: false)
        }

        private mutating func quoted() throws(DataError) -> Field {
            let start = offset + 1
            var place = start
            var doubled = false
            while let quote = bytes.firstOffset(of: .quote, in: place..<bytes.count) {
                if quote + 1 < bytes.count, bytes[quote + 1] == .quote {
                    doubled = true
                    place = quote + 2
                    continue
                }
                try close(at: quote)
                return Field(range: start..<quote, hasDoubledQuotes: doubled)
            }
            throw .badQuote(
                path: nil, line: bytes.lineFeeds(before: offset) + 1,
                message: "the quote that begins this field is not closed")
        }

        private mutating func close(at quote: Int) throws(DataError) {
            offset = quote + 1
            if offset < bytes.count, bytes[offset] == .comma {
                offset += 1
                return
            }
            if offset + 1 < bytes.count, bytes[offset] == .carriageReturn,
                bytes[offset + 1] == .lineFeed
            {
                offset += 1
            } else if offset + 1 == bytes.count, bytes[offset] == .carriageReturn {
                offset += 1
            }
            guard offset == bytes.count || bytes[offset] == .lineFeed else {
                throw .badQuote(
                    path: nil, line: bytes.lineFeeds(before: offset) + 1,
                    message:
                        "a quoted field ends before this row's next comma; double a quote within it"
                )
            }
            finished = true
        }
    }
}
