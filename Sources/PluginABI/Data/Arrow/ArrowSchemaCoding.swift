/// The schema message of Arrow's format.
///
/// Source: Arrow columnar format 1.x, Schema.fbs: the numbers of slots and types are its.
enum ArrowSchemaCoding {
    // MARK: Reading

    static func read(_ table: FlatbufferTable) throws(DataTransferError) -> ArrowTableSchema {
        guard try table.number(0, default: Int16(0)) == 0 else {
            throw .unsupported(
                what: "arrow", message: "the numbers are big-endian; write them little-endian")
        }
        var budget = ArrowBudget(
            text: ("arrowMessageBytes", DataTransferLimits.arrowMessageBytes))
        var fields: [ArrowField] = []
        try table.forEachTable(1) { field throws(DataTransferError) in
            fields.append(try read(field: field, depth: 1, &budget))
        }
        return ArrowTableSchema(fields, metadata: try metadata(table, slot: 2, &budget))
    }

    private static func metadata(
        _ table: FlatbufferTable, slot: Int, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> [ArrowPair] {
        var pairs: [ArrowPair] = []
        try table.forEachTable(slot) { pair throws(DataTransferError) in
            pairs.append(
                ArrowPair(try pair.text(0, &budget) ?? "", try pair.text(1, &budget) ?? ""))
            try budget.takeText(8)
        }
        return pairs
    }

    private static func read(
        field table: FlatbufferTable, depth: Int, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> ArrowField {
        try budget.takeField(depth: depth)
        let name = try table.text(0, &budget) ?? ""
        guard try table.table(4) == nil else { throw refusal(name, "is a dictionary") }
        let type = try read(type: table, column: name, &budget)
        var children: [ArrowField] = []
        try table.forEachTable(5) { child throws(DataTransferError) in
            children.append(try read(field: child, depth: depth + 1, &budget))
        }
        if let wanted = type.childCount, wanted != children.count {
            throw FlatbufferTable.malformed(
                table.position,
                "the column \"\(name)\" has \(children.count) columns within, wanted \(wanted)")
        }
        return ArrowField(
            name, type, isNullable: try table.number(1, default: UInt8(0)) != 0,
            children: children, metadata: try metadata(table, slot: 6, &budget))
    }

    private static func refusal(_ column: String, _ what: String) -> DataTransferError {
        .unsupported(
            what: "arrow",
            message: "the column \"\(column)\" \(what), which this version does not read; "
                + "cast it to a plain type before")
    }

    private static func read(
        type field: FlatbufferTable, column: String, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> ArrowType {
        let kind = try field.number(2, default: UInt8(0))
        guard let table = try field.table(3) else {
            throw FlatbufferTable.malformed(field.position, "the column \"\(column)\" has no type")
        }
        switch kind {
        case 1: return .null
        case 2: return try integer(table)
        case 3: return try float(table)
        case 4: return .binary(large: false)
        case 5: return .utf8(large: false)
        case 6: return .bool
        case 7: return try decimal(table)
        case 8: return .date(milliseconds: try table.number(0, default: Int16(1)) != 0)
        case 9: return .time(try unit(table, default: 1))
        case 10:
            return .timestamp(try unit(table, default: 0), zone: try table.text(1, &budget))
        case 12: return .list(large: false)
        case 13: return .structure
        case 15: return .fixedBinary(width: try count(table))
        case 16: return .fixedList(count: try count(table))
        case 18: return .duration(try unit(table, default: 1))
        case 19: return .binary(large: true)
        case 20: return .utf8(large: true)
        case 21: return .list(large: true)
        default: throw refusal(column, "is \(name(ofKind: kind))")
        }
    }

    private static func name(ofKind kind: UInt8) -> String {
        switch kind {
        case 11: "an interval"
        case 14: "a union"
        case 17: "a map"
        case 22: "run-end encoded"
        case 23...26: "a view"
        default: "of type \(kind)"
        }
    }

    private static func integer(_ table: FlatbufferTable) throws(DataTransferError) -> ArrowType {
        let bits = Int(try table.number(0, default: Int32(0)))
        guard [8, 16, 32, 64].contains(bits) else {
            throw FlatbufferTable.malformed(table.position, "no integer has \(bits) bits")
        }
        return .integer(bits: bits, signed: try table.number(1, default: UInt8(0)) != 0)
    }

    private static func float(_ table: FlatbufferTable) throws(DataTransferError) -> ArrowType {
        let precision = Int(try table.number(0, default: Int16(0)))
        guard (0...2).contains(precision) else {
            throw FlatbufferTable.malformed(table.position, "no float has precision \(precision)")
        }
        return .float(bits: 16 << precision)
    }

    private static func decimal(_ table: FlatbufferTable) throws(DataTransferError) -> ArrowType {
        let precision = Int(try table.number(0, default: Int32(0)))
        let scale = Int(try table.number(1, default: Int32(0)))
        let bits = Int(try table.number(2, default: Int32(128)))
        guard [32, 64, 128, 256].contains(bits) else {
            throw FlatbufferTable.malformed(table.position, "no decimal has \(bits) bits")
        }
        return .decimal(precision: precision, scale: scale, bits: bits)
    }

    private static func unit(
        _ table: FlatbufferTable, default initial: Int16
    ) throws(DataTransferError) -> ArrowUnit {
        let number = try table.number(0, default: initial)
        guard let unit = ArrowUnit(rawValue: number) else {
            throw FlatbufferTable.malformed(table.position, "no unit of time is \(number)")
        }
        return unit
    }

    private static func count(_ table: FlatbufferTable) throws(DataTransferError) -> Int {
        let count = Int(try table.number(0, default: Int32(0)))
        guard count >= 0 else {
            throw FlatbufferTable.malformed(table.position, "no value has the length \(count)")
        }
        return count
    }

    // MARK: Writing

    static func write(
        _ schema: ArrowTableSchema, at reference: Int, _ writer: inout FlatbufferWriter
    ) {
        let places = writer.table(
            at: reference,
            [.short(0), .reference, schema.metadata.isEmpty ? .absent : .reference])
        write(schema.fields, at: places[1], &writer)
        write(schema.metadata, at: places[2], &writer)
    }

    private static func write(
        _ fields: [ArrowField], at reference: Int, _ writer: inout FlatbufferWriter
    ) {
        let places = writer.references(at: reference, count: fields.count)
        for (field, place) in zip(fields, places) { write(field, at: place, &writer) }
    }

    private static func write(
        _ pairs: [ArrowPair], at reference: Int, _ writer: inout FlatbufferWriter
    ) {
        guard !pairs.isEmpty else { return }
        let places = writer.references(at: reference, count: pairs.count)
        for (pair, place) in zip(pairs, places) {
            let texts = writer.table(at: place, [.reference, .reference])
            writer.text(at: texts[0], pair.key)
            writer.text(at: texts[1], pair.value)
        }
    }

    private static func write(
        _ field: ArrowField, at reference: Int, _ writer: inout FlatbufferWriter
    ) {
        let (kind, members) = encoded(field.type)
        let places = writer.table(
            at: reference,
            [
                .reference, .byte(field.isNullable ? 1 : 0), .byte(kind), .reference, .absent,
                .reference, field.metadata.isEmpty ? .absent : .reference,
            ])
        writer.text(at: places[0], field.name)
        let type = writer.table(at: places[3], members)
        if case .timestamp(_, let zone?) = field.type { writer.text(at: type[1], zone) }
        write(field.children, at: places[5], &writer)
        write(field.metadata, at: places[6], &writer)
    }

    private static func encoded(
        _ type: ArrowType
    ) -> (kind: UInt8, members: [FlatbufferWriter.Field]) {
        switch type {
        case .null: (1, [])
        case .integer(let bits, let signed): (2, [.int(Int32(bits)), .byte(signed ? 1 : 0)])
        case .float(let bits): (3, [.short(bits == 16 ? 0 : bits == 32 ? 1 : 2)])
        case .binary(let large): (large ? 19 : 4, [])
        case .utf8(let large): (large ? 20 : 5, [])
        case .bool: (6, [])
        case .decimal(let precision, let scale, let bits):
            (7, [.int(Int32(precision)), .int(Int32(scale)), .int(Int32(bits))])
        case .date(let milliseconds): (8, [.short(milliseconds ? 1 : 0)])
        case .time(let unit):
            (9, [.short(unit.rawValue), .int(unit.rawValue < 2 ? 32 : 64)])
        case .timestamp(let unit, let zone):
            (10, [.short(unit.rawValue), zone == nil ? .absent : .reference])
        case .list(let large): (large ? 21 : 12, [])
        case .structure: (13, [])
        case .fixedBinary(let width): (15, [.int(Int32(width))])
        case .fixedList(let count): (16, [.int(Int32(count))])
        case .duration(let unit): (18, [.short(unit.rawValue)])
        }
    }
}
