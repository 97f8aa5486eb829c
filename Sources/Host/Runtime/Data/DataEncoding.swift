import FanfoldJSON

/// Writes items in a wanted format.
package enum DataEncoding {
    /// Hands the text of `parts` to `sink`, in pieces, in order.
    ///
    /// Where a part already has the format, its bytes are handed over where they are.  Otherwise the
    /// items become JSON values, and these are written:
    /// * `json`: the value of the only part if it is no array; otherwise an array of all items.
    ///   With `names`: one object of the values of the parts.
    /// * `jsonl`: one a line.  `lines`, `files`, `range`: a string bare, other values as JSON.
    /// * `csv`: objects under a header of the first one's keys; an only value that is an object of
    ///   scalars as rows under `key,value`; scalars in a column `value`.
    /// * `bytes`: the text of the parts; for files their content.
    ///
    /// * `npy`, `safetensors`, `arrow`: one file with the items of all parts, which must be of that
    ///   format.
    ///
    /// With `names` and another format than `json` the object is the only item.
    /// - Throws: `DataError`, and what `sink` throws.
    package static func encode(
        _ parts: [InputPart], names: [String]? = nil, as format: DataFormat,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try withoutActuallyEscaping(sink) { sink in
            var encoder = DataEncoder(sink: sink)
            try encoder.encode(parts, names: names, as: format.streamFormat)
            try encoder.flush()
        }
    }

    /// The text of `parts` as `encode` hands it over.
    package static func bytes(
        of parts: [InputPart], names: [String]? = nil, as format: DataFormat
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try encode(parts, names: names, as: format) { bytes.append(contentsOf: $0) }
        return bytes
    }
}

private struct DataEncoder {
    /// Bytes that are gathered before they are handed over; larger runs are not gathered.
    private static let gatheredBytes = 64 << 10
    /// Runs of bytes from here on are handed over where they are.
    private static let ownRunBytes = 4 << 10

    private let sink: (UnsafeRawBufferPointer) throws -> Void
    private var buffer: [UInt8] = []
    private var last: UInt8 = .lineFeed

    init(sink: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.sink = sink
    }

    mutating func flush() throws {
        guard let final = buffer.last else { return }
        last = final
        try buffer.withUnsafeBytes { try sink($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func flushIfFull() throws {
        if buffer.count >= DataEncoder.gatheredBytes { try flush() }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        if bytes.count < DataEncoder.ownRunBytes {
            buffer.append(contentsOf: bytes)
            return try flushIfFull()
        }
        try flush()
        last = bytes[bytes.count - 1]
        try sink(bytes)
    }

    /// Ends a line that the part before left open.
    private mutating func endLine() {
        if (buffer.last ?? last) != .lineFeed { buffer.append(.lineFeed) }
    }

    mutating func encode(
        _ parts: [InputPart], names: [String]?, as format: DataFormat
    ) throws {
        if format.isBinary { return try encodeBinary(parts, as: format) }
        if let names, format != .bytes {
            return try encodeObject(parts, names: names, as: format)
        }
        switch format {
        case .json: try encodeDocument(parts)
        case .csv: try encodeTable(parts)
        case .bytes:
            for part in parts { try encodeBytes(part) }
        case .npy, .safetensors, .arrow: try encodeBinary(parts, as: format)
        default:
            for part in parts {
                endLine()
                try encodeLines(part, as: format)
            }
        }
    }

    private mutating func encodeBinary(_ parts: [InputPart], as format: DataFormat) throws {
        if parts.count == 1, case .payload(let bytes, format) = parts[0] {
            return try bytes.forEachRun { (run) throws in try write(run) }
        }
        var all: [BinaryItems] = []
        for part in parts {
            let slice = try part.sliced()
            guard slice.dataset.format == format, case .binary(let items) = slice.dataset.content
            else {
                throw DataError.cannotConvert(from: part.format.rawValue, to: format.rawValue)
            }
            all.append(try items.slice(slice.items))
        }
        try BinaryItems(joining: all, format: format).write { try write($0) }
    }

    private mutating func encodeObject(
        _ parts: [InputPart], names: [String], as format: DataFormat
    ) throws {
        guard format == .json else {
            var object: [UInt8] = []
            try DataEncoding.encode(parts, names: names, as: .json) {
                object.append(contentsOf: $0)
            }
            let slice = Payload(object).whole
            return try encode([.payload(slice, .json)], names: nil, as: format)
        }
        buffer.append(UInt8(ascii: "{"))
        for (position, part) in parts.enumerated() {
            if position > 0 { buffer.append(.comma) }
            buffer.append(contentsOf: JSON.string(names[position]).bytes)
            buffer.append(UInt8(ascii: ":"))
            try encodeDocument([part])
        }
        buffer.append(UInt8(ascii: "}"))
    }

    private mutating func encodeDocument(_ parts: [InputPart]) throws {
        if parts.count == 1 {
            if let whole = parts[0].wholeText(as: .json) {
                return try whole.withBytes { try write($0) }
            }
            if parts[0].isSingleValue { return try encodeElements(parts[0], first: true) }
        }
        buffer.append(UInt8(ascii: "["))
        var first = true
        for part in parts {
            try encodeElements(part, first: first)
            if first, try part.sliced().count > 0 { first = false }
        }
        buffer.append(UInt8(ascii: "]"))
    }

    /// Writes the items with commas between them, and one before unless they are the `first`.
    private mutating func encodeElements(_ part: InputPart, first: Bool) throws {
        let slice = try part.sliced()
        var first = first
        if slice.dataset.format == .json, case .pieces(let list) = slice.dataset.content {
            return try list.forEach(of: slice.items) { piece, own in
                if !first { buffer.append(.comma) }
                first = false
                let range = try piece.byteRange(of: own)
                try piece.slice.withBytes { try write($0.part(range)) }
            }
        }
        try InputPart.slice(slice).forEach { item in
            if !first { buffer.append(.comma) }
            first = false
            try item.appendJSON(to: &buffer)
            try flushIfFull()
        }
    }

    private mutating func encodeLines(_ part: InputPart, as format: DataFormat) throws {
        if let whole = part.wholeText(as: format) {
            return try whole.forEachRun { (run) throws in try write(run) }
        }
        if part.format == format { return try encodeRuns(try part.sliced()) }
        if part.format == .bytes, format == .lines {
            return try encodeRuns(try part.sliced())
        }
        try part.forEach { item in
            if format == .lines {
                try item.appendLine(to: &buffer)
            } else {
                try item.appendJSON(to: &buffer)
                buffer.append(.lineFeed)
            }
            try flushIfFull()
        }
    }

    /// Writes the bytes of the items where they are; for tables without the header.
    private mutating func encodeRuns(_ slice: DataSlice) throws {
        guard case .pieces(let list) = slice.dataset.content else { return }
        let format = slice.dataset.format
        try list.forEach(of: slice.dataset.format == .bytes ? 0..<list.count : slice.items) {
            piece, own in
            let range = format == .bytes ? 0..<piece.slice.count : try piece.byteRange(of: own)
            if format != .bytes { endLine() }
            let base = piece.slice.range.lowerBound
            try PayloadSlice(
                payload: piece.slice.payload,
                range: (base + range.lowerBound)..<(base + range.upperBound)
            ).forEachRun { (run) throws in try write(run) }
        }
    }

    private mutating func encodeBytes(_ part: InputPart) throws {
        guard case .slice(let slice) = part else {
            guard case .payload(let bytes, _) = part else { return }
            return try bytes.forEachRun { (run) throws in try write(run) }
        }
        switch slice.dataset.content {
        case .files(let files):
            for path in files[slice.items] {
                try Payload.mapping(path: path).whole.forEachRun { (run) throws in
                    try write(run)
                }
            }
        case .range: try encodeLines(part, as: .lines)
        case .pieces where slice.dataset.format == .bytes: try encodeRuns(slice)
        case .pieces, .binary: try encode([part], names: nil, as: slice.dataset.format)
        }
    }

    private mutating func encodeTable(_ parts: [InputPart]) throws {
        guard parts.allSatisfy({ $0.format == .csv }) else { return try encodeRows(parts) }
        var wanted: PayloadSlice?
        for part in parts {
            let slice = try part.sliced()
            guard let header = slice.dataset.header else { continue }
            if let wanted {
                try wanted.checkSameHeader(as: header)
            } else {
                try header.withBytes { try write($0) }
                buffer.append(.lineFeed)
                wanted = header
            }
            try encodeRuns(slice)
        }
    }

    private mutating func encodeRows(_ parts: [InputPart]) throws {
        if parts.count == 1, parts[0].isSingleValue,
            case .object(let object) = try parts[0].value(),
            object.values.allSatisfy(\.isScalar)
        {
            CSV.append(row: ["key", "value"], to: &buffer)
            for (key, value) in object.members {
                CSV.append(row: [key, value.fieldText], to: &buffer)
                try flushIfFull()
            }
            return
        }
        var table = TableShape()
        for part in parts {
            try part.forEachItem { item in
                let rows = try table.rows(of: item)
                for row in rows { CSV.append(row: row, to: &buffer) }
                try flushIfFull()
            }
        }
    }
}

extension InputPart {
    /// The whole text of the part, if that is exactly one run of bytes in `format`.
    fileprivate func wholeText(as format: DataFormat) -> PayloadSlice? {
        switch self {
        case .payload(let bytes, let own): return own == format ? bytes : nil
        case .slice(let slice):
            guard slice.dataset.format == format, slice.count == slice.dataset.count,
                case .pieces(let list) = slice.dataset.content, list.pieces.count == 1
            else { return nil }
            return list.pieces[0].slice
        }
    }
}
