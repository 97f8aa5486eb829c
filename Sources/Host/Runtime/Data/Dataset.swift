import FanfoldJSON

/// Items in an order that does not change: what a strategy splits.
///
/// Items of text formats stay in their file or payload; a dataset holds references and a sparse
/// index, and is cheap to copy.
package struct Dataset: Sendable {
    /// How the bytes are cut in items.
    package let format: DataFormat
    /// The number of items.
    package let count: Int
    /// Bytes of data that it refers to; 0 for a range, the length of the paths for files.
    package let byteCount: Int
    let content: Content

    enum Content: Sendable {
        case pieces(PieceList)
        case files([String])
        case range(Int)
        case binary(BinaryItems)
    }

    private init(format: DataFormat, items: BinaryItems) {
        self.format = format
        count = items.count
        byteCount = items.byteCount(of: 0..<items.count)
        content = .binary(items)
    }

    private init(format: DataFormat, list: PieceList) {
        self.format = format
        count = format == .bytes ? 1 : list.count
        byteCount = list.pieces.reduce(0) { $0 + $1.slice.count }
        content = .pieces(list)
    }

    /// Maps the file at `path` and finds its items.
    ///
    /// `files` and `range` are lists that the caller makes; a file opened as one of them is read as
    /// lines.
    ///
    /// Complexity: one pass over the file; 8 bytes of memory for 256 items.
    /// - Throws: `missingFile`, `notAFile`, `cannotRead`, `tooLarge`, and what is malformed: a JSON
    ///   document at its line and column, a CSV row with another number of fields than the header.
    package static func open(path: String, format: DataFormat) throws(DataError) -> Dataset {
        try open(paths: [path], format: format)
    }

    /// Maps the files at `paths` and appends their items, as `open(path:format:)` does for one.
    package static func open(paths: [String], format: DataFormat) throws(DataError) -> Dataset {
        let format = format.streamFormat
        if format.isBinary { return try openBinary(paths: paths, format: format) }
        var pieces: [Piece] = []
        pieces.reserveCapacity(paths.count)
        for path in paths {
            let payload = try Payload.mapping(path: path)
            do throws(DataError) {
                pieces.append(try Piece(payload.whole, format: format))
            } catch {
                throw error.at(path: path)
            }
        }
        if format == .csv { try checkHeaders(pieces) }
        return Dataset(format: format, list: PieceList(pieces))
    }

    private static func openBinary(
        paths: [String], format: DataFormat
    ) throws(DataError) -> Dataset {
        var all: [BinaryItems] = []
        for path in paths {
            let payload = try Payload.mapping(path: path)
            do throws(DataError) {
                all.append(try BinaryItems(payload.whole, format: format))
            } catch {
                throw error.at(path: path)
            }
        }
        return Dataset(format: format, items: try BinaryItems(joining: all, format: format))
    }

    /// The paths `files`, as items in their order.
    package init(files: [String]) {
        format = .files
        count = files.count
        byteCount = files.reduce(0) { $0 + $1.utf8.count }
        content = .files(files)
    }

    /// The elements of `value` if it is an array, otherwise `value` as the only item.
    package init(value: JSON) {
        let slice = Payload(value.bytes).whole
        do throws(DataError) {
            self.init(format: .json, list: PieceList([try Piece(slice, format: .json)]))
        } catch {
            preconditionFailure("JSON that the host writes is JSON: \(error)")
        }
    }

    /// The integers of `range`; none of them is stored.
    package init(range: Range<Int>) {
        format = .range
        count = range.count
        byteCount = 0
        content = .range(range.lowerBound)
    }

    /// Texts of one format, one after the other, by reference: the merged outputs of subtasks.
    ///
    /// A JSON document that is an array gives its elements, any other is one item.  Tables must have
    /// the same header.  Pieces of `bytes` make one item together.
    ///
    /// Complexity: one pass over all bytes.
    /// - Throws: what is malformed, and `headerDiffers`.
    package init(format: DataFormat, pieces: [PayloadSlice]) throws(DataError) {
        let format = format.streamFormat
        if format.isBinary {
            var all: [BinaryItems] = []
            for slice in pieces { all.append(try BinaryItems(slice, format: format)) }
            self.init(format: format, items: try BinaryItems(joining: all, format: format))
            return
        }
        var indexed: [Piece] = []
        indexed.reserveCapacity(pieces.count)
        for slice in pieces { indexed.append(try Piece(slice, format: format)) }
        if format == .csv { try Dataset.checkHeaders(indexed) }
        self.init(format: format, list: PieceList(indexed))
    }

    /// The `count` items from number `from`, by reference; they must exist.
    package func slice(from: Int, count: Int) -> DataSlice {
        precondition(
            from >= 0 && count >= 0 && from <= self.count - count,
            "a slice lies within its dataset")
        return DataSlice(dataset: self, from: from, count: count)
    }

    /// All items.
    package var whole: DataSlice { DataSlice(dataset: self, from: 0, count: count) }

    /// The header of a table, without its line end; `nil` for other formats and for an empty text.
    var header: PayloadSlice? {
        guard format == .csv, case .pieces(let list) = content else { return nil }
        for piece in list.pieces {
            if let header = piece.header { return header }
        }
        return nil
    }

    private static func checkHeaders(_ pieces: [Piece]) throws(DataError) {
        var wanted: PayloadSlice?
        for piece in pieces {
            guard let header = piece.header else { continue }
            guard let first = wanted else {
                wanted = header
                continue
            }
            try first.checkSameHeader(as: header)
        }
    }
}

/// Consecutive items of a dataset, by reference.
package struct DataSlice: Sendable {
    /// What it is a part of.
    package let dataset: Dataset
    /// The first item, from 0.
    package let from: Int
    /// The number of items.
    package let count: Int

    var items: Range<Int> { from..<(from + count) }

    /// Bytes that the items take where they are; 0 for a range, the length of the paths for files.
    ///
    /// Complexity: at most 256 items are passed at each end, and each piece between is visited.
    package var byteCount: Int {
        switch dataset.content {
        case .range: return 0
        case .binary(let all): return all.byteCount(of: items)
        case .files(let files): return files[items].reduce(0) { $0 + $1.utf8.count }
        case .pieces where dataset.format == .bytes: return count == 0 ? 0 : dataset.byteCount
        case .pieces(let list):
            var total = 0
            list.forEach(of: items) { piece, own in
                do {
                    total += try piece.byteRange(of: own).count
                } catch {
                    preconditionFailure("what was indexed can be read again: \(error)")
                }
            }
            return total
        }
    }
}

extension Piece {
    /// The header of a table, without its line end; `nil` for other formats and for an empty text.
    var header: PayloadSlice? {
        guard format == .csv, first > 0 else { return nil }
        let range = slice.withBytes { bytes in bytes.trimmedEnds(0..<first) }
        guard !range.isEmpty else { return nil }
        let base = slice.range.lowerBound
        return PayloadSlice(
            payload: slice.payload,
            range: (base + range.lowerBound)..<(base + range.upperBound))
    }
}

extension PayloadSlice {
    /// Refuses a header that is not this one, byte by byte.
    func checkSameHeader(as other: PayloadSlice) throws(DataError) {
        let same = withBytes { first in
            other.withBytes { second in first.elementsEqual(second) }
        }
        guard !same else { return }
        throw .headerDiffers(wanted: text, found: other.text)
    }

    /// The bytes as text, repaired where they are not UTF-8.
    package var text: String {
        withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
