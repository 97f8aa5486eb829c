/// Reads tables in Arrow's format, by reference.
///
/// Every length and place is checked against the bytes, the places within columns included, so that
/// what is returned can be read without further checks.  Text is not checked for UTF-8.
///
/// Source: Arrow columnar format 1.x, "Serialization and Interprocess Communication".
package enum ArrowReader {
    /// Reads a stream or a file, whichever it is.
    ///
    /// - Throws: `malformed` with the byte, `unsupported` for dictionaries, compression and types
    ///   that are not read, `overLimit`.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> ArrowTable {
        bytes.starts(with: ArrowWriter.fileMagic)
            ? try readFile(bytes, owner: owner) : try readStream(bytes, owner: owner)
    }

    /// Reads a stream; what follows its end is ignored.
    ///
    /// - Throws: as `read` does.
    package static func readStream(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> ArrowTable {
        guard let first = try ArrowMessage(bytes, at: 0) else {
            throw FlatbufferTable.malformed(0, "wanted a schema, found the end of the stream")
        }
        let schema = try first.schema()
        var batches: [ArrowBatch] = []
        var offset = first.body.lowerBound
        while offset < bytes.count, let message = try ArrowMessage(bytes, at: offset) {
            try check(count: batches.count + 1)
            batches.append(try message.batch(of: schema, bytes, owner: owner))
            offset = message.body.upperBound
        }
        return ArrowTable(schema: schema, batches: batches)
    }

    /// Reads a file by its table of contents.
    ///
    /// - Throws: as `read` does.
    package static func readFile(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> ArrowTable {
        let magic = ArrowWriter.fileMagic.count
        let end = bytes.count - magic - 4
        guard end >= 8, bytes.starts(with: ArrowWriter.fileMagic),
            bytes.part(end + 4..<bytes.count).elementsEqual(ArrowWriter.fileMagic)
        else {
            throw FlatbufferTable.malformed(
                0, "wanted a file that begins and ends with ARROW1; it is cut off or damaged")
        }
        let count = Int(bytes.little(Int32.self, at: end))
        guard count > 0, count <= end - 8 else {
            throw FlatbufferTable.malformed(end, "a footer of \(count) bytes does not fit")
        }
        try check(messageBytes: count)
        let footer: (schema: ArrowTableSchema, blocks: [Int])
        do throws(DataTransferError) {
            footer = try self.footer(bytes.part(end - count..<end))
        } catch {
            throw error.moved(by: end - count)
        }
        var batches: [ArrowBatch] = []
        var last = 8
        for block in footer.blocks {
            guard block >= last else {
                throw FlatbufferTable.malformed(
                    block, "rows begin before the \(last) bytes that come first")
            }
            guard let message = try ArrowMessage(bytes, at: block) else {
                throw FlatbufferTable.malformed(block, "wanted rows, found the end of the stream")
            }
            batches.append(try message.batch(of: footer.schema, bytes, owner: owner))
            last = message.body.upperBound
        }
        return ArrowTable(schema: footer.schema, batches: batches)
    }

    private static func footer(
        _ bytes: UnsafeRawBufferPointer
    ) throws(DataTransferError) -> (schema: ArrowTableSchema, blocks: [Int]) {
        let footer = try FlatbufferTable(root: bytes)
        guard let schema = try footer.table(1) else {
            throw FlatbufferTable.malformed(footer.position, "the footer has no schema")
        }
        guard try footer.vector(2, width: 24).count == 0 else { throw ArrowMessage.dictionaries }
        let (start, count) = try footer.vector(3, width: 24)
        try check(count: count)
        let blocks = (0..<count).map { bytes.little(Int64.self, at: start + $0 * 24) }
        return (try ArrowSchemaCoding.read(schema), blocks.map { Int($0) })
    }

    private static func check(count: Int) throws(DataTransferError) {
        guard count <= DataTransferLimits.arrowBatches else {
            throw .overLimit(
                limit: "arrowBatches", value: DataTransferLimits.arrowBatches,
                found: "\(count) record batches")
        }
    }

    static func check(messageBytes count: Int) throws(DataTransferError) {
        guard count <= DataTransferLimits.arrowMessageBytes else {
            throw .overLimit(
                limit: "arrowMessageBytes", value: DataTransferLimits.arrowMessageBytes,
                found: "a message of \(count) bytes")
        }
    }
}

/// One message: where its description and its body are.
private struct ArrowMessage {
    /// Kinds of `MessageHeader`.
    private static let schemaKind: UInt8 = 1
    private static let dictionaryKind: UInt8 = 2
    private static let batchKind: UInt8 = 3

    static let dictionaries = DataTransferError.unsupported(
        what: "arrow",
        message: "it has dictionaries, which this version does not read; cast them to plain columns"
    )

    private let start: Int
    private let kind: UInt8
    private let header: FlatbufferTable
    /// The bytes of the body; within the whole.
    let body: Range<Int>

    /// Reads what describes the message at `offset`; `nil` for the end of a stream.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DataTransferError) {
        guard offset >= 0, offset <= bytes.count - 8 else {
            throw FlatbufferTable.malformed(
                offset, "wanted a message; the bytes are cut off or not Arrow")
        }
        guard bytes.little(UInt32.self, at: offset) == ArrowWriter.continuation else {
            throw FlatbufferTable.malformed(
                offset,
                "wanted FF FF FF FF before a message; it is not Arrow, or older than version 0.15")
        }
        let count = Int(bytes.little(Int32.self, at: offset + 4))
        if count == 0 { return nil }
        start = offset + 8
        guard count > 0, count <= bytes.count - start else {
            throw FlatbufferTable.malformed(
                offset + 4, "a message of \(count) bytes does not fit in the rest")
        }
        try ArrowReader.check(messageBytes: count)
        let bodyStart = start + count
        let bodySize: Int64
        do throws(DataTransferError) {
            let message = try FlatbufferTable(root: bytes.part(start..<bodyStart))
            try ArrowMessage.check(version: message)
            guard let header = try message.table(2) else {
                throw FlatbufferTable.malformed(message.position, "the message has no header")
            }
            self.header = header
            kind = try message.number(1, default: UInt8(0))
            bodySize = try message.number(3, default: Int64(0))
        } catch {
            throw error.moved(by: start)
        }
        guard bodySize >= 0, bodySize <= bytes.count - bodyStart else {
            throw FlatbufferTable.malformed(
                bodyStart,
                "wanted \(bodySize) bytes of values, found \(bytes.count - bodyStart); the file is "
                    + "cut off")
        }
        body = bodyStart..<bodyStart + Int(bodySize)
    }

    private static func check(version message: FlatbufferTable) throws(DataTransferError) {
        let version = try message.number(0, default: Int16(0))
        guard version == 3 || version == ArrowWriter.version else {
            throw .unsupported(
                what: "arrow",
                message: "metadata version V\(version + 1) is not read; wanted V4 or V5")
        }
    }

    func schema() throws(DataTransferError) -> ArrowTableSchema {
        guard kind == ArrowMessage.schemaKind else {
            throw FlatbufferTable.malformed(start, "wanted a schema first, found kind \(kind)")
        }
        do throws(DataTransferError) {
            return try ArrowSchemaCoding.read(header)
        } catch {
            throw error.moved(by: start)
        }
    }

    func batch(
        of schema: ArrowTableSchema, _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> ArrowBatch {
        if kind == ArrowMessage.dictionaryKind { throw ArrowMessage.dictionaries }
        guard kind == ArrowMessage.batchKind else {
            throw FlatbufferTable.malformed(start, "wanted rows, found a message of kind \(kind)")
        }
        do throws(DataTransferError) {
            guard try header.table(3) == nil else {
                throw DataTransferError.unsupported(
                    what: "arrow",
                    message: "its rows are compressed, which this version does not read; write "
                        + "them without compression")
            }
            let length = try header.number(0, default: Int64(0))
            var reader = try ArrowBatchReader(header, body: bytes.part(body))
            return try reader.batch(of: schema, length: length, owner: owner)
        } catch {
            throw error.moved(by: start)
        }
    }
}
