/// Walks over the items of one text, in order.
///
/// Stands on the beginning of an item or at the end, so that a walk may begin at any remembered
/// `offset`.
struct ItemCursor {
    let bytes: UnsafeRawBufferPointer
    let format: DataFormat
    /// Where the next item begins; the number of bytes, or the closing bracket, after the last.
    private(set) var offset: Int
    /// Whether the text is a JSON array, and its items the elements.
    private(set) var isArray = false
    /// Fields of a row, and of each that follows; 0 before the header is read.
    private(set) var fields = 0

    /// A cursor on the first item.
    ///
    /// - Throws: what is wrong with the text up to there.
    init(_ bytes: UnsafeRawBufferPointer, format: DataFormat) throws(DataError) {
        self.bytes = bytes
        self.format = format
        offset = 0
        switch format {
        case .json: try beginDocument()
        case .csv: try beginTable()
        case .jsonl: skipBlankLines()
        case .lines, .files, .range, .bytes, .npy, .safetensors, .arrow: break
        }
    }

    /// A cursor on an item of which the offset is known.
    init(_ bytes: UnsafeRawBufferPointer, format: DataFormat, isArray: Bool, offset: Int) {
        self.bytes = bytes
        self.format = format
        self.isArray = isArray
        self.offset = offset
    }

    /// Goes to the next item.
    ///
    /// - Returns: the bytes of the item that was here, without the line end; `nil` after the last.
    /// - Throws: what is wrong with the item, with its line.
    mutating func next() throws(DataError) -> Range<Int>? {
        guard offset < bytes.count else { return nil }
        switch format {
        case .json: return try nextElement()
        case .csv: return try nextRow()
        case .jsonl:
            let line = nextLine()
            skipBlankLines()
            return bytes.trimmed(line)
        case .lines, .files, .range: return bytes.withoutReturn(nextLine())
        case .bytes, .npy, .safetensors, .arrow:
            defer { offset = bytes.count }
            return offset..<bytes.count
        }
    }

    private mutating func nextLine() -> Range<Int> {
        let start = offset
        guard let end = bytes.firstOffset(of: .lineFeed, in: start..<bytes.count) else {
            offset = bytes.count
            return start..<bytes.count
        }
        offset = end + 1
        return start..<end
    }

    /// Goes to the beginning of the next line that has more than white space.
    private mutating func skipBlankLines() {
        var lineStart = offset
        var place = offset
        while place < bytes.count, bytes[place].isSpace {
            if bytes[place] == .lineFeed { lineStart = place + 1 }
            place += 1
        }
        offset = place == bytes.count ? place : lineStart
    }

    private mutating func beginTable() throws(DataError) {
        skipEmptyLines()
        guard offset < bytes.count else { return }
        let row = try CSV.row(in: bytes, at: offset)
        guard row.fields <= DataLimits.columns else {
            throw .tooLarge(
                path: nil, limit: "DataLimits.columns", bytes: DataLimits.columns,
                found: row.fields)
        }
        fields = row.fields
        offset = min(row.end + 1, bytes.count)
        skipEmptyLines()
    }

    private mutating func nextRow() throws(DataError) -> Range<Int> {
        let start = offset
        let row = try CSV.row(in: bytes, at: start)
        if fields != 0, row.fields != fields {
            throw .wrongFieldCount(
                path: nil, line: bytes.lineFeeds(before: start) + 1, wanted: fields,
                found: row.fields)
        }
        offset = min(row.end + 1, bytes.count)
        skipEmptyLines()
        return bytes.withoutReturn(start..<row.end)
    }

    private mutating func skipEmptyLines() {
        while offset < bytes.count {
            if bytes[offset] == .lineFeed {
                offset += 1
            } else if bytes[offset] == .carriageReturn, offset + 1 < bytes.count,
                bytes[offset + 1] == .lineFeed
            {
                offset += 2
            } else {
                return
            }
        }
    }

    private mutating func beginDocument() throws(DataError) {
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        if scanner.take(UInt8(ascii: "[")) {
            isArray = true
            scanner.skipSpace()
            if scanner.next == UInt8(ascii: "]") {
                scanner.offset += 1
                try scanner.end()
            }
        } else if scanner.next == nil {
            try scanner.skipValue()
        }
        offset = scanner.offset
    }

    private mutating func nextElement() throws(DataError) -> Range<Int> {
        let start = offset
        var scanner = JSONScanner(bytes, at: start)
        try scanner.skipValue(depth: isArray ? 1 : 0)
        let end = scanner.offset
        if isArray {
            scanner.skipSpace()
            if scanner.take(.comma) {
                scanner.skipSpace()
                offset = scanner.offset
                if scanner.next == nil || scanner.next == UInt8(ascii: "]") {
                    try scanner.skipValue()
                }
                return start..<end
            }
            try scanner.close()
        }
        try scanner.end()
        offset = bytes.count
        return start..<end
    }
}
