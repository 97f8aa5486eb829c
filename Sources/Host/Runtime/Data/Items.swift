import FanfoldJSON

extension InputPart {
    /// Calls `body` with each item as a JSON value: a row as an object of strings by its header, a
    /// line and a path as a string.
    ///
    /// - Throws: `DataError` with its line, and what `body` throws.
    package func forEachItem(_ body: (JSON) throws -> Void) throws {
        try forEach { try body(try $0.value()) }
    }

    /// The items as one value: an array of them, or the value itself where the part is one JSON
    /// document that is no array, or bytes.
    package func value() throws -> JSON {
        var items: [JSON] = []
        try forEachItem { items.append($0) }
        return isSingleValue ? items.first ?? .null : .array(items)
    }

    /// The part as items of a dataset.
    func sliced() throws(DataError) -> DataSlice {
        switch self {
        case .slice(let slice): slice
        case .payload(let bytes, let format):
            try Dataset(format: format, pieces: [bytes]).whole
        }
    }

    /// Whether it is one value, and not a sequence that happens to have one item.
    var isSingleValue: Bool {
        switch self {
        case .payload(_, .bytes): return true
        case .payload(let bytes, .json):
            return bytes.withBytes { bytes in
                bytes.first { !$0.isSpace } != UInt8(ascii: "[")
            }
        case .payload: return false
        case .slice(let slice):
            guard case .pieces(let list) = slice.dataset.content, list.pieces.count == 1 else {
                return slice.dataset.format == .bytes
            }
            return slice.dataset.format == .bytes
                || (slice.dataset.format == .json && !list.pieces[0].isArray)
        }
    }

    /// Calls `body` with each item; what it is given is valid during the call.
    func forEach(_ body: (Item) throws -> Void) throws {
        let slice = try sliced()
        switch slice.dataset.content {
        case .range(let first):
            for index in slice.items { try body(.integer(first + index)) }
        case .binary(let all):
            try all.forEachValue(of: slice.items) { try body(.value($0)) }
        case .files(let files):
            for index in slice.items {
                var path = files[index]
                try path.withUTF8 { try body(.text(UnsafeRawBufferPointer($0))) }
            }
        case .pieces(let list):
            let columns = try slice.dataset.header?.withBytes { try CSVColumns(header: $0) }
            try list.forEach(of: slice.items) { piece, own in
                try piece.forEach(of: own, columns: columns, body)
            }
        }
    }
}

extension Piece {
    /// Calls `body` with each of `items`; an error gets the line in this piece.
    func forEach(
        of items: Range<Int>, columns: CSVColumns?, _ body: (Item) throws -> Void
    ) throws {
        if format == .bytes {
            return try slice.withBytes { try body(.text($0)) }
        }
        try withCursor(at: items.lowerBound) { cursor in
            for _ in items {
                guard let range = try cursor.next() else { return }
                let bytes = cursor.bytes.part(range)
                do {
                    switch format {
                    case .json, .jsonl: try body(.json(bytes))
                    case .csv:
                        guard let columns else { return }
                        try body(.row(bytes, columns))
                    default: try body(.text(bytes))
                    }
                } catch let error as DataError {
                    throw error.moved(down: cursor.bytes.lineFeeds(before: range.lowerBound))
                }
            }
        }
    }
}
