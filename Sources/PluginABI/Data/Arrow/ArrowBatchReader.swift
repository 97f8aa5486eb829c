/// Takes the columns of a record batch from its nodes and buffers, and checks each.
struct ArrowBatchReader {
    private let header: FlatbufferTable
    private let body: UnsafeRawBufferPointer
    private let nodes: (start: Int, count: Int)
    private let buffers: (start: Int, count: Int)
    private var node = 0
    private var buffer = 0

    init(
        _ header: FlatbufferTable, body: UnsafeRawBufferPointer
    ) throws(DataTransferError) {
        self.header = header
        self.body = body
        nodes = try header.vector(1, width: 16)
        buffers = try header.vector(2, width: 16)
    }

    mutating func batch(
        of schema: ArrowTableSchema, length: Int64, owner: AnyObject
    ) throws(DataTransferError) -> ArrowBatch {
        guard length >= 0, length <= Int64(DataTransferLimits.bytes) else {
            throw malformed("a batch cannot have \(length) rows")
        }
        var columns: [ArrowColumn] = []
        columns.reserveCapacity(schema.fields.count)
        for field in schema.fields {
            let column = try column(field)
            guard column.length == Int(length) else {
                throw malformed(
                    "the column \"\(field.name)\" has \(column.length) values for \(length) rows")
            }
            columns.append(column)
        }
        guard node == nodes.count, buffer == buffers.count else {
            throw malformed(
                "\(nodes.count) columns and \(buffers.count) buffers are more than the schema has")
        }
        return ArrowBatch(length: Int(length), columns: columns, owner: owner)
    }

    private func malformed(_ message: String) -> DataTransferError {
        FlatbufferTable.malformed(header.position, message)
    }

    private mutating func column(_ field: ArrowField) throws(DataTransferError) -> ArrowColumn {
        let (length, nulls) = try nextNode(field)
        let layout = field.type.layout
        var validity = body.part(0..<0)
        if layout != .none {
            validity = try nextBuffer(field)
            if nulls > 0, validity.count < (length + 7) / 8 {
                throw malformed(
                    "the column \"\(field.name)\" has too few bits for its missing values")
            }
        }
        var own: [UnsafeRawBufferPointer] = []
        for _ in 1..<max(field.type.bufferCount, 1) { own.append(try nextBuffer(field)) }
        var children: [ArrowColumn] = []
        for child in field.children { children.append(try column(child)) }
        try ArrowLayoutCheck.check(
            field, values: length, buffers: own, children: children.map(\.length))
        return ArrowColumn(
            field: field, length: length, nullCount: nulls, validity: validity, buffers: own,
            children: children)
    }

    private mutating func nextNode(
        _ field: ArrowField
    ) throws(DataTransferError) -> (length: Int, nulls: Int) {
        guard node < nodes.count else {
            throw malformed("there is no node for the column \"\(field.name)\"")
        }
        let place = nodes.start + node * 16
        node += 1
        let length = header.bytes.little(Int64.self, at: place)
        let nulls = header.bytes.little(Int64.self, at: place + 8)
        guard length >= 0, length <= Int64(DataTransferLimits.bytes), nulls >= 0, nulls <= length
        else {
            throw FlatbufferTable.malformed(
                place,
                "the column \"\(field.name)\" cannot have \(length) values, "
                    + "\(nulls) of them missing")
        }
        return (Int(length), Int(nulls))
    }

    private mutating func nextBuffer(
        _ field: ArrowField
    ) throws(DataTransferError) -> UnsafeRawBufferPointer {
        guard buffer < buffers.count else {
            throw malformed("there is no buffer for the column \"\(field.name)\"")
        }
        let place = buffers.start + buffer * 16
        buffer += 1
        let start = header.bytes.little(Int64.self, at: place)
        let count = header.bytes.little(Int64.self, at: place + 8)
        guard start >= 0, count >= 0, start <= Int64(body.count),
            count <= Int64(body.count) - start,
            start.isMultiple(of: Int64(ArrowWriter.alignment))
        else {
            throw FlatbufferTable.malformed(
                place,
                "a buffer of the column \"\(field.name)\" at \(start), \(count) bytes long, "
                    + "does not lie in the \(body.count) bytes of values")
        }
        return body.part(Int(start)..<Int(start) + Int(count))
    }
}

/// Whether the buffers of a column hold what its length says.
enum ArrowLayoutCheck {
    /// - Parameters:
    ///   - values: how many values the buffers must hold, those before the first one included.
    ///   - buffers: the buffers after the validity.
    ///   - children: the lengths of the columns within.
    static func check(
        _ field: ArrowField, values: Int, buffers: [UnsafeRawBufferPointer], children: [Int]
    ) throws(DataTransferError) {
        switch field.type.layout {
        case .none: break
        case .bits: try want(field, Sizes.padded(values, to: 8) / 8, buffers[0].count)
        case .fixed(let width):
            try want(field, Sizes.product(values, width), buffers[0].count)
        case .variable(let offsetBytes):
            try checkPlaces(
                field, values, buffers[0], offsetBytes: offsetBytes, end: buffers[1].count)
        case .list(let offsetBytes):
            try checkPlaces(field, values, buffers[0], offsetBytes: offsetBytes, end: children[0])
        case .fixedList(let count):
            try want(field, Sizes.product(values, count), children[0])
        case .structure:
            for length in children { try want(field, values, length) }
        }
    }

    private static func want(
        _ field: ArrowField, _ wanted: Int, _ found: Int
    ) throws(DataTransferError) {
        guard found >= wanted else {
            throw .mismatch(
                message: "the column \"\(field.name)\" wants \(wanted) bytes or values, "
                    + "found \(found)")
        }
    }

    private static func checkPlaces(
        _ field: ArrowField, _ values: Int, _ places: UnsafeRawBufferPointer, offsetBytes: Int,
        end: Int
    ) throws(DataTransferError) {
        // A column without values may leave the buffer out.
        if values == 0, places.isEmpty { return }
        try want(field, Sizes.product(values + 1, offsetBytes), places.count)
        var last = 0
        for index in 0...values {
            let place =
                offsetBytes == 8
                ? Int(places.little(Int64.self, at: index * 8))
                : Int(places.little(Int32.self, at: index * 4))
            guard place >= last, place <= end else {
                throw .mismatch(
                    message: "value \(index) of the column \"\(field.name)\" begins at \(place), "
                        + "which is before \(last) or after \(end)")
            }
            last = place
        }
    }
}
