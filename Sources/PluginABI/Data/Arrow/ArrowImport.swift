import CPluginABI

/// Reads the structs of Arrow's C data interface.
///
/// The structs come from a plugin in this process and state no sizes of buffers; what can be
/// checked is: numbers of buffers and of columns within, lengths, and places that go backwards.
///
/// Source: Arrow C data interface, https://arrow.apache.org/docs/format/CDataInterface.html.
enum ArrowImport {
    private static func bad(_ message: String) -> DataTransferError {
        .badBlob(message: "the table of a blob \(message)")
    }

    // MARK: The schema

    static func field(
        _ schema: UnsafePointer<ArrowSchema>
    ) throws(DataTransferError) -> ArrowField {
        guard schema.pointee.release != nil else { throw bad("has a schema that was released") }
        var budget = ArrowBudget(text: ("arrowTextBytes", DataTransferLimits.arrowTextBytes))
        return try field(schema, depth: 0, &budget)
    }

    private static func field(
        _ pointer: UnsafePointer<ArrowSchema>, depth: Int, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> ArrowField {
        try budget.takeField(depth: depth)
        let schema = pointer.pointee
        let name = try text(schema.name, &budget) ?? ""
        guard let format = try text(schema.format, &budget) else {
            throw bad("has a column \"\(name)\" without a format")
        }
        guard schema.dictionary == nil, let type = ArrowType(formatText: format) else {
            throw .unsupported(
                what: "arrow",
                message: "the column \"\(name)\" is "
                    + (schema.dictionary == nil ? "of the format \"\(format)\"" : "a dictionary")
                    + ", which this version does not read; cast it to a plain type before")
        }
        let count = schema.n_children
        guard count >= 0, type.childCount.map({ Int64($0) == count }) ?? true,
            count == 0 || schema.children != nil
        else {
            throw bad("has a column \"\(name)\" of the format \"\(format)\" with \(count) within")
        }
        var children: [ArrowField] = []
        for index in 0..<count {
            guard let child = schema.children?[Int(index)] else {
                throw bad("has no column \(index) within \"\(name)\"")
            }
            children.append(try field(child, depth: depth + 1, &budget))
        }
        return ArrowField(
            name, type, isNullable: schema.flags & Int64(FAN_ARROW_NULLABLE) != 0,
            children: children, metadata: try pairs(schema.metadata, &budget))
    }

    private static func text(
        _ start: UnsafePointer<CChar>?, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> String? {
        guard let start else { return nil }
        var count = 0
        while start[count] != 0, count <= DataTransferLimits.arrowTextBytes { count += 1 }
        return try text(UnsafeRawBufferPointer(start: start, count: count), &budget)
    }

    private static func text(
        _ bytes: UnsafeRawBufferPointer, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> String {
        try budget.takeText(bytes.count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw bad("has a schema with a text that is not UTF-8")
        }
        return text
    }

    /// Reads counted pairs of counted texts, in the byte order of this machine.
    private static func pairs(
        _ start: UnsafePointer<CChar>?, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> [ArrowPair] {
        guard let start else { return [] }
        let memory = UnsafeRawPointer(start)
        var offset = 4
        func next(_ budget: inout ArrowBudget) throws(DataTransferError) -> String {
            let count = Int(memory.loadUnaligned(fromByteOffset: offset, as: Int32.self))
            guard count >= 0, count <= DataTransferLimits.arrowTextBytes else {
                throw bad("has a metadata text of \(count) bytes")
            }
            defer { offset += 4 + count }
            return try text(
                UnsafeRawBufferPointer(start: memory + offset + 4, count: count), &budget)
        }
        let count = memory.loadUnaligned(as: Int32.self)
        guard count >= 0 else { throw bad("has \(count) metadata texts") }
        var pairs: [ArrowPair] = []
        for _ in 0..<count { pairs.append(ArrowPair(try next(&budget), try next(&budget))) }
        return pairs
    }

    // MARK: The values

    static func column(
        _ array: UnsafePointer<ArrowArray>, _ field: ArrowField
    ) throws(DataTransferError) -> ArrowColumn {
        guard array.pointee.release != nil else { throw bad("has an array that was released") }
        return try nested(array, field)
    }

    private static func nested(
        _ pointer: UnsafePointer<ArrowArray>, _ field: ArrowField
    ) throws(DataTransferError) -> ArrowColumn {
        let array = pointer.pointee
        let limit = Int64(DataTransferLimits.bytes)
        guard array.length >= 0, array.length <= limit, array.offset >= 0, array.offset <= limit,
            array.null_count >= -1, array.null_count <= array.length
        else {
            throw bad(
                "has \(array.length) values from \(array.offset), \(array.null_count) missing, in the "
                    + "column \"\(field.name)\"")
        }
        guard array.n_buffers == field.type.bufferCount,
            array.n_children == field.children.count,
            array.n_buffers == 0 || array.buffers != nil,
            array.n_children == 0 || array.children != nil
        else {
            throw bad(
                "has \(array.n_buffers) buffers and \(array.n_children) columns within for the column "
                    + "\"\(field.name)\" of the format \"\(field.type.formatText)\"")
        }
        var children: [ArrowColumn] = []
        for (index, child) in field.children.enumerated() {
            guard let within = array.children?[index] else {
                throw bad("has no column \(index) within \"\(field.name)\"")
            }
            children.append(try nested(within, child))
        }
        let values = Int(array.offset + array.length)
        let own = try buffers(array, field, values)
        try ArrowLayoutCheck.check(
            field, values: values, buffers: own, children: children.map(\.length))
        return ArrowColumn(
            field: field, offset: Int(array.offset), length: Int(array.length),
            nullCount: array.null_count < 0 ? nil : Int(array.null_count),
            validity: try validity(array, field, values), buffers: own, children: children)
    }

    private static func validity(
        _ array: ArrowArray, _ field: ArrowField, _ values: Int
    ) throws(DataTransferError) -> UnsafeRawBufferPointer {
        guard array.n_buffers > 0, let start = array.buffers?[0] else {
            guard array.null_count <= 0 || field.type == .null else {
                throw bad(
                    "has missing values and no bits for them in the column \"\(field.name)\"")
            }
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: (values + 7) / 8)
    }

    /// The buffers after the validity, as long as the values need them.
    private static func buffers(
        _ array: ArrowArray, _ field: ArrowField, _ values: Int
    ) throws(DataTransferError) -> [UnsafeRawBufferPointer] {
        func buffer(_ index: Int, _ count: Int) throws(DataTransferError) -> UnsafeRawBufferPointer
        {
            let start = array.buffers?[index]
            guard start != nil || count == 0 || values == 0 else {
                throw bad("has no buffer \(index) for the column \"\(field.name)\"")
            }
            return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
        }
        switch field.type.layout {
        case .none, .structure, .fixedList: return []
        case .bits: return [try buffer(1, (values + 7) / 8)]
        case .fixed(let width): return [try buffer(1, Sizes.product(values, width))]
        case .list(let offsetBytes):
            return [try buffer(1, Sizes.product(values + 1, offsetBytes))]
        case .variable(let offsetBytes):
            let places = try buffer(1, Sizes.product(values + 1, offsetBytes))
            guard places.count >= offsetBytes else { return [places, places] }
            let end =
                offsetBytes == 8
                ? Int(places.little(Int64.self, at: values * 8))
                : Int(places.little(Int32.self, at: values * 4))
            guard end >= 0, end <= DataTransferLimits.bytes else {
                throw bad("has \(end) bytes of text in the column \"\(field.name)\"")
            }
            guard end > 0 else { return [places, UnsafeRawBufferPointer(start: nil, count: 0)] }
            return [places, try buffer(2, end)]
        }
    }
}
