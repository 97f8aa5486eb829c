/// One run of bytes with an index of its items.
///
/// The index holds the offset of every 256th item, so that a million rows cost 31 KB and a small
/// piece nothing.
struct Piece: Sendable {
    /// Items between two entries of the index.
    static let stride = 256

    let slice: PayloadSlice
    let format: DataFormat
    /// The number of items.
    let count: Int
    /// Whether the text is a JSON array, and its items the elements.
    let isArray: Bool
    /// Where the first item begins: for CSV after the header.
    let first: Int
    /// Where the items `stride`, `2 * stride`, … begin.
    let marks: [Int]

    /// Finds all items.
    ///
    /// Complexity: one pass over the bytes.
    init(_ slice: PayloadSlice, format: DataFormat) throws(DataError) {
        self.slice = slice
        self.format = format
        guard format != .bytes else {
            count = 1
            isArray = false
            first = 0
            marks = []
            return
        }
        let found = try slice.withBytes { bytes throws(DataError) in
            try Piece.index(bytes, format: format)
        }
        count = found.count
        isArray = found.isArray
        first = found.first
        marks = found.marks
    }

    private static func index(
        _ bytes: UnsafeRawBufferPointer, format: DataFormat
    ) throws(DataError) -> (count: Int, isArray: Bool, first: Int, marks: [Int]) {
        var cursor = try ItemCursor(bytes, format: format)
        let first = cursor.offset
        var marks: [Int] = []
        var count = 0
        var start = first
        while try cursor.next() != nil {
            if count > 0, count.isMultiple(of: stride) { marks.append(start) }
            count += 1
            start = cursor.offset
        }
        return (count, cursor.isArray, first, marks)
    }

    /// Lends a cursor that stands on item `number`, at most `count`.
    ///
    /// Complexity: at most `stride` items are passed.
    func withCursor<T>(
        at number: Int, _ body: (inout ItemCursor) throws -> T
    ) throws -> T {
        try slice.withBytes { bytes in
            var cursor = ItemCursor(
                bytes, format: format, isArray: isArray, offset: nearest(to: number))
            for _ in 0..<(number % Piece.stride) { _ = try cursor.next() }
            return try body(&cursor)
        }
    }

    private func nearest(to number: Int) -> Int {
        guard number < count else { return number == count ? slice.count : first }
        let mark = number / Piece.stride
        return mark == 0 ? first : marks[mark - 1]
    }

    /// Where the bytes of items `items` are, with what stands between them; all bytes after the
    /// header if it is all items.
    func byteRange(of items: Range<Int>) throws -> Range<Int> {
        guard !items.isEmpty else { return first..<first }
        if format == .json {
            let start = try withCursor(at: items.lowerBound) { $0.offset }
            let last = try withCursor(at: items.upperBound - 1) { try $0.next() }
            return start..<(last?.upperBound ?? slice.count)
        }
        let start =
            try items.lowerBound == 0 ? leading : withCursor(at: items.lowerBound) { $0.offset }
        let end =
            try items.upperBound == count
            ? slice.count : withCursor(at: items.upperBound) { $0.offset }
        return start..<end
    }

    /// Where the bytes of the first item may begin: blank lines go with it.
    private var leading: Int { format == .csv ? first : 0 }
}

/// Pieces in a row, seen as one sequence of items.
struct PieceList: Sendable {
    let pieces: [Piece]
    /// The number of items before each piece, and at the end of all.
    let starts: [Int]

    init(_ pieces: [Piece]) {
        self.pieces = pieces
        var starts = [0]
        starts.reserveCapacity(pieces.count + 1)
        var total = 0
        for piece in pieces {
            total += piece.count
            starts.append(total)
        }
        self.starts = starts
    }

    var count: Int { starts[pieces.count] }

    /// Calls `body` with each piece that has some of `items`, and which of its own items these are.
    ///
    /// Complexity: O(log pieces) to find the first.
    func forEach(
        of items: Range<Int>, _ body: (Piece, Range<Int>) throws -> Void
    ) rethrows {
        guard !items.isEmpty else { return }
        var low = 0
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle + 1] <= items.lowerBound { low = middle + 1 } else { high = middle }
        }
        while low < pieces.count, starts[low] < items.upperBound {
            let own = items.clamped(to: starts[low]..<starts[low + 1])
            if !own.isEmpty {
                try body(
                    pieces[low], (own.lowerBound - starts[low])..<(own.upperBound - starts[low]))
            }
            low += 1
        }
    }
}
