import CPluginABI

/// A table of a blob as an Arrow stream of one record batch.
///
/// A blob of the type `+s` without missing rows is a record batch; every other array is the only
/// column of one, and the schema says so under ``bareKey``.
enum FlatArrow {
    /// The name of the text in a schema's metadata that marks a stream of one bare array.
    static let bareKey = "fanfold.array"

    static func flatten(_ blob: fan_blob) throws(DataTransferError) -> [UInt8] {
        guard let data = blob.data, let type = blob.type else {
            throw .badBlob(message: "the table of a blob has no array or no schema: NULL")
        }
        let field = try ArrowImport.field(type.assumingMemoryBound(to: ArrowSchema.self))
        let array = try ArrowImport.column(data.assumingMemoryBound(to: ArrowArray.self), field)
        // The blob itself keeps the memory until the caller releases it, after this call.
        let owner = OwnedBytes(zeroed: 0)
        let isBatch = field.type == .structure && array.nullCount == 0
        let schema =
            isBatch
            ? ArrowTableSchema(field.children, metadata: field.metadata)
            : ArrowTableSchema([field], metadata: [ArrowPair(bareKey, "1")])
        let batch = ArrowBatch(
            length: array.length, columns: isBatch ? array.heldChildren : [array], owner: owner)
        return ArrowWriter.bytes(
            of: ArrowTable(schema: schema, batches: [batch]), file: false)
    }

    static func rebuild(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> fan_blob {
        guard bytes.isAligned(to: ArrowWriter.alignment) else {
            let copy = OwnedBytes(copying: bytes)
            return try blob(ArrowReader.readStream(copy.bytes, owner: copy), flags: 0)
        }
        return try blob(
            ArrowReader.readStream(bytes, owner: owner), flags: BlobTransfer.readOnly)
    }

    private static func blob(
        _ table: ArrowTable, flags: UInt32
    ) throws(DataTransferError) -> fan_blob {
        guard table.batches.count == 1 else {
            throw .mismatch(
                message: "wanted one record batch for a blob, found \(table.batches.count)")
        }
        let batch = table.batches[0]
        let isBare = table.schema.metadata.contains { $0.key == bareKey }
        guard isBare, batch.columns.count == 1 else {
            let field = ArrowField(
                "", .structure, isNullable: false, children: table.schema.fields,
                metadata: table.schema.metadata)
            let column = ArrowColumn(
                field: field, length: batch.length, nullCount: 0,
                validity: UnsafeRawBufferPointer(start: nil, count: 0), buffers: [],
                children: batch.columns)
            return RebuiltArrow.blob(column, owner: batch.owner, flags: flags)
        }
        return RebuiltArrow.blob(batch.columns[0], owner: batch.owner, flags: flags)
    }
}

/// The two structs of a table that was rebuilt.
private final class RebuiltArrow {
    private let array: UnsafeMutablePointer<ArrowArray>
    private let schema: UnsafeMutablePointer<ArrowSchema>

    private init(_ column: ArrowColumn, owner: AnyObject) {
        array = .allocate(capacity: 1)
        array.initialize(to: ArrowArray())
        schema = .allocate(capacity: 1)
        schema.initialize(to: ArrowSchema())
        ArrowExport.array(column, owner: owner, to: array)
        ArrowExport.schema(column.field, to: schema)
    }

    deinit {
        array.pointee.release?(array)
        schema.pointee.release?(schema)
        array.deallocate()
        schema.deallocate()
    }

    private static let release: @convention(c) @Sendable (UnsafeMutablePointer<fan_blob>) -> Void =
        {
            guard let context = $0.pointee.owner else { return }
            $0.pointee.release = nil
            $0.pointee.owner = nil
            $0.pointee.data = nil
            $0.pointee.type = nil
            Unmanaged<RebuiltArrow>.fromOpaque(context).release()
        }

    static func blob(_ column: ArrowColumn, owner: AnyObject, flags: UInt32) -> fan_blob {
        let table = RebuiltArrow(column, owner: owner)
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_ARROW)
        blob.flags = flags
        blob.data = UnsafeRawPointer(table.array)
        blob.type = UnsafeRawPointer(table.schema)
        blob.owner = Unmanaged.passRetained(table).toOpaque()
        blob.release = release
        return blob
    }
}
