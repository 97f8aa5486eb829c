import CPluginABI
import Testing

@testable import FanfoldData

/// Columns of a test, built by hand.
enum Columns {

    static func memory<T>(_ values: [T]) -> UnsafeRawBufferPointer {
        let copy = values.withUnsafeBytes { OwnedBytes(copying: $0) }
        // Tests may leak: the columns are read after their makers have returned.
        return UnsafeRawBufferPointer(Unmanaged.passRetained(copy).takeUnretainedValue().bytes)
    }

    static func bits(_ values: [Bool]) -> UnsafeRawBufferPointer {
        var bytes = [UInt8](repeating: 0, count: (values.count + 7) / 8)
        for (index, value) in values.enumerated() where value {
            bytes[index / 8] |= 1 << UInt8(index % 8)
        }
        return memory(bytes)
    }

    static func integers(_ name: String, _ values: [Int64?]) -> ArrowColumn {
        ArrowColumn(
            field: ArrowField(name, .integer(bits: 64, signed: true)), length: values.count,
            nullCount: values.count { $0 == nil }, validity: bits(values.map { $0 != nil }),
            buffers: [memory(values.map { $0 ?? 0 })])
    }

    static func texts(_ name: String, _ values: [String?], large: Bool = false) -> ArrowColumn {
        var places: [Int64] = [0]
        var bytes: [UInt8] = []
        for value in values {
            bytes.append(contentsOf: (value ?? "").utf8)
            places.append(Int64(bytes.count))
        }
        return ArrowColumn(
            field: ArrowField(name, .utf8(large: large)), length: values.count,
            nullCount: values.count { $0 == nil }, validity: bits(values.map { $0 != nil }),
            buffers: [
                large ? memory(places) : memory(places.map { Int32($0) }), memory(bytes),
            ])
    }

    static func bools(_ name: String, _ values: [Bool]) -> ArrowColumn {
        ArrowColumn(
            field: ArrowField(name, .bool, isNullable: false), length: values.count,
            nullCount: 0, validity: memory([UInt8]()), buffers: [bits(values)])
    }

    static func list(_ name: String, _ places: [Int32], _ child: ArrowColumn) -> ArrowColumn {
        ArrowColumn(
            field: ArrowField(name, .list(large: false), children: [child.field]),
            length: places.count - 1, nullCount: 0, validity: memory([UInt8]()),
            buffers: [memory(places)], children: [child])
    }

    static func structure(_ name: String, _ children: [ArrowColumn]) -> ArrowColumn {
        ArrowColumn(
            field: ArrowField(
                name, .structure, isNullable: false, children: children.map(\.field)),
            length: children[0].length, nullCount: 0, validity: memory([UInt8]()), buffers: [],
            children: children)
    }

    /// A table with a column of each layout.
    static func sample(rows: Int) -> ArrowColumn {
        let numbers: [Int64?] = (0..<rows).map { $0 % 3 == 1 ? nil : Int64($0) * 1_000_003 }
        let texts: [String?] = (0..<rows).map {
            $0 % 5 == 4 ? nil : String(repeating: "ä", count: $0 % 4)
        }
        return structure(
            "",
            [
                integers("number", numbers), Columns.texts("text", texts),
                Columns.texts("long", texts.map { ($0 ?? "") + "!" }, large: true),
                bools("flag", (0..<rows).map { $0 % 3 == 0 }),
                list(
                    "list", (0...rows).map { Int32($0 * 2) },
                    integers("item", (0..<rows * 2).map { Int64($0) })),
                structure("pair", [integers("left", (0..<rows).map { Int64(-$0) })]),
                ArrowColumn(
                    field: ArrowField("nothing", .null), length: rows, nullCount: rows,
                    validity: memory([UInt8]()), buffers: []),
                ArrowColumn(
                    field: ArrowField(
                        "fixed", .fixedList(count: 2), isNullable: false,
                        children: [ArrowField("x", .float(bits: 32), isNullable: false)]),
                    length: rows, nullCount: 0, validity: memory([UInt8]()), buffers: [],
                    children: [
                        ArrowColumn(
                            field: ArrowField("x", .float(bits: 32), isNullable: false),
                            length: rows * 2, nullCount: 0, validity: memory([UInt8]()),
                            buffers: [memory((0..<rows * 2).map { Float($0) / 2 })])
                    ]),
            ])
    }

    /// The values of a column as text, so that two columns can be compared whatever their offsets.
    static func text(_ column: ArrowColumn) -> [String] {
        (0..<column.length).map { index in
            if column.isNull(index) { return "-" }
            let place = column.offset + index
            switch column.field.type.layout {
            case .none: return "-"
            case .bits: return column.buffers[0].bit(place) ? "1" : "0"
            case .fixed(let width):
                return "\(Array(column.buffers[0].part(place * width..<(place + 1) * width)))"
            case .variable(let bytes):
                let range =
                    column.place(
                        index, offsetBytes: bytes)..<column.place(
                        index + 1, offsetBytes: bytes)
                return "\(Array(column.buffers[1].part(range)))"
            case .list, .fixedList, .structure:
                return "("
                    + column.values(index..<index + 1).heldChildren.map { child in
                        text(child).joined(separator: " ")
                    }.joined(separator: ",") + ")"
            }
        }
    }
}

/// A table in the structs of the C data interface, as a plugin hands it over.
final class CTable {
    let array = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
    let schema = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)

    init(_ column: ArrowColumn) {
        array.initialize(to: ArrowArray())
        schema.initialize(to: ArrowSchema())
        ArrowExport.array(column, owner: OwnedBytes(zeroed: 1), to: array)
        ArrowExport.schema(column.field, to: schema)
    }

    deinit {
        array.pointee.release?(array)
        schema.pointee.release?(schema)
        array.deallocate()
        schema.deallocate()
    }

    /// The table as bytes.
    func flat() throws(DataTransferError) -> [UInt8] {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_ARROW)
        blob.data = UnsafeRawPointer(array)
        blob.type = UnsafeRawPointer(schema)
        return try withExtendedLifetime(self) { () throws(DataTransferError) in
            try BlobTransfer.flatten(blob)
        }
    }
}

struct ArrowBlobTests {
    private func column(_ blob: fan_blob) throws -> ArrowColumn {
        let schema = try #require(blob.type).assumingMemoryBound(to: ArrowSchema.self)
        let array = try #require(blob.data).assumingMemoryBound(to: ArrowArray.self)
        return try ArrowImport.column(array, ArrowImport.field(schema))
    }

    private func rebuilt(_ flat: [UInt8], shift: Int = 0, _ counter: Counter) throws -> fan_blob {
        let owner = Watched([UInt8](repeating: 0, count: shift) + flat, counter)
        return try BlobTransfer.rebuild(
            kind: UInt32(FAN_BLOB_ARROW), owner.memory.bytes.part(shift..<shift + flat.count),
            owner: owner)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 64, 101])
    func `a table crosses with all its columns`(rows: Int) throws {
        let sample = Columns.sample(rows: rows)
        let counter = Counter()
        var blob = try rebuilt(CTable(sample).flat(), counter)
        let crossed = try column(blob)
        #expect(crossed.field == sample.field)
        #expect(Columns.text(crossed) == Columns.text(sample))
        #expect(blob.kind == 4 && blob.flags == 1)
        #expect(counter.count == 0)
        blob.release?(&blob)
        #expect(counter.count == 1)
        #expect(blob.release == nil && blob.data == nil && blob.type == nil)
    }

    @Test func `every slice of a table crosses as its rows`() throws {
        let sample = Columns.sample(rows: 23)
        let all = Columns.text(sample)
        for from in 0...23 {
            for to in from...23 {
                let table = CTable(sample.values(from..<to))
                var blob = try rebuilt(table.flat(), Counter())
                #expect(try Columns.text(column(blob)) == Array(all[from..<to]), "\(from)..<\(to)")
                blob.release?(&blob)
            }
        }
    }

    @Test func `an array that is no table crosses as it is`() throws {
        let missing = ArrowColumn(
            field: ArrowField("s", .structure, children: [ArrowField("a", .bool)]), length: 3,
            nullCount: 1, validity: Columns.bits([true, false, true]), buffers: [],
            children: [
                ArrowColumn(
                    field: ArrowField("a", .bool), length: 3, nullCount: 0,
                    validity: Columns.memory([UInt8]()),
                    buffers: [Columns.bits([true, true, false])])
            ])
        for sample in [Columns.texts("t", ["a", nil, "bc"]), missing] {
            var blob = try rebuilt(CTable(sample).flat(), Counter())
            let crossed = try column(blob)
            #expect(crossed.field == sample.field)
            #expect(Columns.text(crossed) == Columns.text(sample))
            blob.release?(&blob)
        }
    }

    @Test func `names, zones and metadata cross`() throws {
        var sample = Columns.integers("when", [1, nil])
        sample = ArrowColumn(
            field: ArrowField(
                "when", .timestamp(.microsecond, zone: "Europe/Zürich"),
                metadata: [ArrowPair("ARROW:extension:name", "x"), ArrowPair("", "")]),
            length: 2, nullCount: 1, validity: sample.validity, buffers: sample.buffers)
        var blob = try rebuilt(CTable(sample).flat(), Counter())
        #expect(try column(blob).field == sample.field)
        blob.release?(&blob)
    }

    @Test func `every type has one text and one encoding`() throws {
        let types: [ArrowType] = [
            .null, .bool, .float(bits: 16), .float(bits: 32), .float(bits: 64),
            .utf8(large: false), .utf8(large: true), .binary(large: false), .binary(large: true),
            .fixedBinary(width: 12), .decimal(precision: 9, scale: -2, bits: 128),
            .decimal(precision: 60, scale: 3, bits: 256), .date(milliseconds: false),
            .date(milliseconds: true), .time(.second), .time(.nanosecond),
            .timestamp(.second, zone: nil), .timestamp(.nanosecond, zone: "UTC"),
            .duration(.millisecond), .structure,
        ]
        var integers: [ArrowType] = []
        for bits in [8, 16, 32, 64] {
            integers += [.integer(bits: bits, signed: true), .integer(bits: bits, signed: false)]
        }
        var texts: Set<String> = []
        for type in types + integers {
            #expect(ArrowType(formatText: type.formatText) == type)
            #expect(texts.insert(type.formatText).inserted)
            let schema = ArrowTableSchema([ArrowField("c", type)])
            let bytes = ArrowWriter.bytes(of: ArrowTable(schema: schema, batches: []), file: false)
            let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
            #expect(try ArrowReader.read(owner.bytes, owner: owner).schema == schema, "\(type)")
        }
        for text in ["", "vu", "+m", "+ud:0,1", "w:", "w:-1", "d:1", "tsx:", "tss", "ttx", "x"] {
            #expect(ArrowType(formatText: text) == nil, "\(text)")
        }
    }

    @Test func `parts that were moved out outlive the blob`() throws {
        let counter = Counter()
        let flat = try CTable(Columns.sample(rows: 5)).flat()
        var blob = try rebuilt(flat, counter)
        let array = try #require(UnsafeMutableRawPointer(mutating: blob.data))
            .assumingMemoryBound(to: ArrowArray.self)
        var moved = array.pointee
        array.pointee.release = nil
        let child = try #require(moved.children?[1])
        var text = child.pointee
        child.pointee.release = nil
        blob.release?(&blob)
        #expect(counter.count == 0)
        moved.release?(&moved)
        #expect(moved.release == nil)
        #expect(counter.count == 0, "the text column still needs the bytes")
        text.release?(&text)
        #expect(counter.count == 1)
    }

    @Test func `bytes that do not lie as they must are copied`() throws {
        let counter = Counter()
        let sample = Columns.sample(rows: 9)
        var blob = try rebuilt(
            CTable(sample).flat(), shift: 3, counter)
        #expect(counter.count == 1 && blob.flags == 0)
        #expect(try Columns.text(column(blob)) == Columns.text(sample))
        blob.release?(&blob)
    }

    @Test func `what cannot cross is refused with the reason`() {
        func refusal(_ change: (CTable) -> Void) -> String {
            let table = CTable(Columns.sample(rows: 3))
            let array = table.array.pointee
            let schema = table.schema.pointee
            defer {
                // The memory is still to be released as it was made.
                table.array.pointee = array
                table.schema.pointee = schema
            }
            change(table)
            do {
                _ = try table.flat()
                return ""
            } catch {
                return error.description
            }
        }
        #expect(refusal { _ in }.isEmpty)
        #expect(refusal { $0.array.pointee.release = nil }.contains("released"))
        #expect(refusal { $0.schema.pointee.release = nil }.contains("released"))
        #expect(refusal { $0.array.pointee.length = -1 }.contains("-1 values"))
        #expect(refusal { $0.array.pointee.length = 4 }.contains("wants 4"))
        #expect(refusal { $0.array.pointee.offset = 1 }.contains("wants 4"))
        #expect(refusal { $0.array.pointee.n_children = 7 }.contains("columns within"))
        #expect(refusal { $0.array.pointee.n_buffers = 2 }.contains("2 buffers"))
        #expect(refusal { $0.array.pointee.children = nil }.contains("columns within"))
        #expect(refusal { $0.schema.pointee.format = nil }.contains("without a format"))
        #expect(refusal { $0.schema.pointee.n_children = -1 }.contains("-1 within"))
        #expect(
            refusal { $0.schema.pointee.dictionary = $0.schema }.contains("is a dictionary"))
    }

    @Test func `damaged bytes are refused or give a table within them`() throws {
        let flat = try CTable(Columns.sample(rows: 11)).flat()
        var random = Seeded(11)
        var accepted = 0
        for round in 0..<6000 {
            let counter = Counter()
            do {
                var blob = try rebuilt(random.damaged(flat, round: round), counter)
                let crossed = try column(blob)
                if crossed.length < 1000 { _ = Columns.text(crossed) }
                _ = try BlobTransfer.flatten(blob)
                accepted += 1
                blob.release?(&blob)
            } catch is DataTransferError {}
            #expect(counter.count == 1, "round \(round)")
        }
        #expect(accepted > 100)
    }

    @Test func `bytes that are cut anywhere are refused`() throws {
        let flat = try CTable(Columns.sample(rows: 4)).flat()
        // The end mark may be missing: a stream ends with the bytes.
        for count in 0..<flat.count - 8 {
            #expect(throws: DataTransferError.self, "\(count) bytes") {
                try rebuilt(Array(flat.prefix(count)), Counter())
            }
        }
    }
}
