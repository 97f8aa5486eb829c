/// Writes tables in Arrow's format, as a stream or as a file.
///
/// Buffers are handed over where they are; what is copied is places that do not begin at 0 and bits
/// that do not begin at a byte.
///
/// Source: Arrow columnar format 1.x, "Serialization and Interprocess Communication".
package struct ArrowWriter {
    /// What a file begins and ends with.
    static let fileMagic: [UInt8] = Array("ARROW1".utf8)
    /// What a message begins with.
    static let continuation: UInt32 = 0xFFFF_FFFF
    /// Buffers begin at a multiple of this many bytes of the body.
    static let alignment = 8
    /// Version 5 of the format, which all of 1.x is.
    static let version: Int16 = 4

    /// Where a record batch is in a file.
    private struct Block {
        var offset: Int
        var metadata: Int
        var body: Int
    }

    private let schema: ArrowTableSchema
    private let isFile: Bool
    private var blocks: [Block] = []
    private var written = 0

    /// A writer that has written nothing yet.
    ///
    /// - Parameter file: whether a table of contents follows, which makes it a file.
    package init(_ schema: ArrowTableSchema, file: Bool) {
        self.schema = schema
        isFile = file
    }

    /// The whole of `table` in one run of bytes.
    package static func bytes(of table: ArrowTable, file: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        var writer = ArrowWriter(table.schema, file: file)
        let sink: (UnsafeRawBufferPointer) -> Void = { bytes.append(contentsOf: $0) }
        writer.begin(sink)
        for batch in table.batches { writer.write(batch, sink) }
        writer.end(sink)
        return bytes
    }

    /// Writes what comes before the rows.
    package mutating func begin<E>(
        _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        if isFile { try put(ArrowWriter.fileMagic + [0, 0], sink) }
        var writer = FlatbufferWriter()
        let places = writer.table(
            at: 0, [.short(ArrowWriter.version), .byte(1), .reference, .long(0)])
        ArrowSchemaCoding.write(schema, at: places[2], &writer)
        _ = try message(writer, sink)
    }

    /// Writes rows; their columns must be those of the schema.
    package mutating func write<E>(
        _ batch: ArrowBatch, _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var body = ArrowBody()
        for column in batch.columns { body.append(column) }
        var writer = FlatbufferWriter()
        let places = writer.table(
            at: 0, [.short(ArrowWriter.version), .byte(3), .reference, .long(Int64(body.size))])
        let record = writer.table(
            at: places[2], [.long(Int64(batch.length)), .reference, .reference])
        writer.vector(at: record[1], count: body.nodes.count, alignment: 8)
        for node in body.nodes {
            writer.append(Int64(node.length))
            writer.append(Int64(node.nulls))
        }
        writer.vector(at: record[2], count: body.buffers.count, alignment: 8)
        var place = 0
        for buffer in body.buffers {
            writer.append(Int64(place))
            writer.append(Int64(buffer.count))
            place += Sizes.padded(buffer.count, to: ArrowWriter.alignment)
        }
        let offset = written
        let metadata = try message(writer, sink)
        blocks.append(Block(offset: offset, metadata: metadata, body: body.size))
        for buffer in body.buffers {
            try buffer.withBytes { bytes throws(E) in try put(bytes, sink) }
            let rest = Sizes.padded(buffer.count, to: ArrowWriter.alignment) - buffer.count
            if rest > 0 { try put([UInt8](repeating: 0, count: rest), sink) }
        }
    }

    /// Writes what comes after the rows.
    package mutating func end<E>(
        _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var bytes: [UInt8] = []
        bytes.append(little: ArrowWriter.continuation)
        bytes.append(little: UInt32(0))
        if isFile {
            let footer = footer()
            bytes.append(contentsOf: footer)
            bytes.append(little: Int32(footer.count))
            bytes.append(contentsOf: ArrowWriter.fileMagic)
        }
        try put(bytes, sink)
    }

    private func footer() -> [UInt8] {
        var writer = FlatbufferWriter()
        let places = writer.table(
            at: 0, [.short(ArrowWriter.version), .reference, .absent, .reference])
        ArrowSchemaCoding.write(schema, at: places[1], &writer)
        writer.vector(at: places[3], count: blocks.count, alignment: 8)
        for block in blocks {
            writer.append(Int64(block.offset))
            writer.append(Int32(block.metadata))
            writer.append(Int32(0))
            writer.append(Int64(block.body))
        }
        return writer.bytes
    }

    /// Writes a message without its body, and returns its length with all that goes before it.
    private mutating func message<E>(
        _ writer: FlatbufferWriter, _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) -> Int {
        let padded = Sizes.padded(writer.bytes.count, to: ArrowWriter.alignment)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(padded + 8)
        bytes.append(little: ArrowWriter.continuation)
        bytes.append(little: Int32(padded))
        bytes.append(contentsOf: writer.bytes)
        bytes.pad(to: ArrowWriter.alignment)
        try put(bytes, sink)
        return bytes.count
    }

    private mutating func put<E>(
        _ bytes: [UInt8], _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try bytes.lend { (bytes) throws(E) in try put(bytes, sink) }
    }

    private mutating func put<E>(
        _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        written += bytes.count
        try sink(bytes)
    }
}

/// The nodes and buffers of some columns, in the order of the format: depth first.
private struct ArrowBody {
    /// A run of bytes of a body.
    enum Buffer {
        case lent(UnsafeRawBufferPointer)
        case own([UInt8])

        var count: Int {
            switch self {
            case .lent(let bytes): bytes.count
            case .own(let bytes): bytes.count
            }
        }

        func withBytes<E>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
            switch self {
            case .lent(let bytes): try body(bytes)
            case .own(let bytes): try bytes.lend(body)
            }
        }
    }

    private(set) var nodes: [(length: Int, nulls: Int)] = []
    private(set) var buffers: [Buffer] = []
    /// Bytes of all buffers, each padded.
    private(set) var size = 0

    private mutating func append(_ buffer: Buffer) {
        buffers.append(buffer)
        size += Sizes.padded(buffer.count, to: ArrowWriter.alignment)
    }

    mutating func append(_ column: ArrowColumn) {
        let nulls = column.nullCount
        nodes.append((column.length, nulls))
        let range = column.offset..<column.offset + column.length
        let layout = column.field.type.layout
        if layout != .none {
            append(nulls == 0 ? .own([]) : bits(column.validity, range))
        }
        switch layout {
        case .none, .structure, .fixedList: break
        case .bits: append(bits(column.buffers[0], range))
        case .fixed(let width):
            let bytes = range.lowerBound * width..<range.upperBound * width
            append(.lent(column.buffers[0].part(bytes)))
        case .variable(let offsetBytes):
            append(places(column, offsetBytes))
            let first = column.place(0, offsetBytes: offsetBytes)
            let last = column.place(column.length, offsetBytes: offsetBytes)
            append(.lent(column.buffers[1].part(first..<last)))
        case .list(let offsetBytes): append(places(column, offsetBytes))
        }
        for child in column.heldChildren { append(child) }
    }

    /// The places of the values, beginning from 0.
    private func places(_ column: ArrowColumn, _ offsetBytes: Int) -> Buffer {
        guard !column.buffers[0].isEmpty else {
            return .own([UInt8](repeating: 0, count: (column.length + 1) * offsetBytes))
        }
        let first = column.place(0, offsetBytes: offsetBytes)
        let range =
            column.offset * offsetBytes..<(column.offset + column.length + 1) * offsetBytes
        if first == 0 { return .lent(column.buffers[0].part(range)) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in 0...column.length {
            let place = column.place(index, offsetBytes: offsetBytes) - first
            if offsetBytes == 8 {
                bytes.append(little: Int64(place))
            } else {
                bytes.append(little: Int32(truncatingIfNeeded: place))
            }
        }
        return .own(bytes)
    }

    /// The bits of `range`, beginning at a byte, those after the last being 0.
    private func bits(_ buffer: UnsafeRawBufferPointer, _ range: Range<Int>) -> Buffer {
        if range.lowerBound.isMultiple(of: 8), range.upperBound.isMultiple(of: 8) {
            return .lent(buffer.part(range.lowerBound / 8..<range.upperBound / 8))
        }
        var bytes = [UInt8](repeating: 0, count: (range.count + 7) / 8)
        for index in bytes.indices {
            let from = range.lowerBound + index * 8
            let count = min(8, range.upperBound - from)
            var byte = buffer[from / 8] >> UInt8(from % 8)
            if from % 8 + count > 8 { byte |= buffer[from / 8 + 1] << UInt8(8 - from % 8) }
            bytes[index] = count == 8 ? byte : byte & (1 << UInt8(count) - 1)
        }
        return .own(bytes)
    }
}
