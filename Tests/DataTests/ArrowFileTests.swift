import Testing

@testable import FanfoldData

struct ArrowFileTests {
    private func read(_ bytes: [UInt8]) throws -> ArrowTable {
        let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        return try ArrowReader.read(owner.bytes, owner: owner)
    }

    private func sample(batches: [Int]) -> ArrowTable {
        let parts = batches.map { Columns.sample(rows: $0) }
        return ArrowTable(
            schema: ArrowTableSchema(parts[0].field.children, metadata: [ArrowPair("k", "v")]),
            batches: parts.map {
                ArrowBatch(length: $0.length, columns: $0.children, owner: OwnedBytes(zeroed: 1))
            })
    }

    private func text(_ table: ArrowTable) -> [[String]] {
        table.batches.flatMap { batch in batch.columns.map(Columns.text) }
    }

    @Test(arguments: [true, false])
    func `a table is read as it was written`(file: Bool) throws {
        let table = sample(batches: [9, 0, 3])
        let again = try read(ArrowWriter.bytes(of: table, file: file))
        #expect(again.schema == table.schema)
        #expect(again.batches.map(\.length) == [9, 0, 3])
        #expect(text(again) == text(table))
        let none = ArrowTable(schema: ArrowTableSchema([]), batches: [])
        #expect(try read(ArrowWriter.bytes(of: none, file: file)).schema.fields.isEmpty)
    }

    @Test func `a row is an object by the names of the columns`() throws {
        let batch = sample(batches: [3]).batches[0]
        let row = try batch.value(ofRow: 1)
        #expect(row["number"] == .null && row["text"] == "ä" && row["flag"] == false)
        #expect(row["list"] == [2, 3] && row["pair"] == ["left": -1])
        #expect(row["fixed"] == [1.0, 1.5] && row["nothing"] == .null)
        let twice = ArrowBatch(
            length: 3, columns: [batch.columns[0], batch.columns[0]], owner: batch.owner)
        #expect(throws: DataTransferError.self) { try twice.value(ofRow: 0) }
    }

    @Test func `columns nest to the limit and not one deeper`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var field = ArrowField("c", .bool)
            for _ in 1..<depth { field = ArrowField("l", .list(large: false), children: [field]) }
            return ArrowWriter.bytes(
                of: ArrowTable(schema: ArrowTableSchema([field]), batches: []), file: false)
        }
        #expect(try read(nested(DataTransferLimits.arrowDepth)).schema.fields.count == 1)
        #expect(
            throws: DataTransferError.overLimit(
                limit: "arrowDepth", value: 32, found: "columns within columns to depth 33")
        ) { try read(nested(DataTransferLimits.arrowDepth + 1)) }
    }

    @Test func `compressed rows and dictionaries are refused by name`() throws {
        let schema = ArrowWriter.bytes(
            of: ArrowTable(schema: ArrowTableSchema([]), batches: []), file: false)
        func message(kind: UInt8, _ fields: [FlatbufferWriter.Field]) -> [UInt8] {
            var writer = FlatbufferWriter()
            let places = writer.table(at: 0, [.short(4), .byte(kind), .reference, .long(0)])
            let header = writer.table(at: places[2], fields)
            for (field, place) in zip(fields, header) {
                if case .reference = field { _ = writer.table(at: place, []) }
            }
            var bytes = Array(schema.dropLast(8))
            bytes.append(little: UInt32.max)
            bytes.append(little: UInt32(Sizes.padded(writer.bytes.count, to: 8)))
            bytes += writer.bytes
            bytes.pad(to: 8)
            return bytes
        }
        func refusal(_ bytes: [UInt8]) -> String {
            do {
                _ = try read(bytes)
                return ""
            } catch {
                return "\(error)"
            }
        }
        let compressed = message(kind: 3, [.long(0), .absent, .absent, .reference])
        #expect(refusal(compressed).contains("compressed"))
        #expect(refusal(message(kind: 2, [.long(0)])).contains("dictionaries"))
        #expect(refusal(message(kind: 3, [.long(0)])).isEmpty)
        #expect(refusal(message(kind: 3, [.long(-1)])).contains("-1 rows"))
        #expect(refusal(message(kind: 4, [.long(0)])).contains("kind 4"))
    }

    @Test func `damaged files are refused or give a table within them`() throws {
        let bytes = ArrowWriter.bytes(of: sample(batches: [5, 6]), file: true)
        var random = Seeded(13)
        var accepted = 0
        for round in 0..<4000 {
            // The footer and the schema are the interesting parts: half of the rounds change them.
            var damaged = random.damaged(bytes, round: round)
            if round.isMultiple(of: 2) {
                damaged = bytes
                for _ in 0..<3 {
                    let place = Int.random(in: (bytes.count - 700)..<bytes.count, using: &random)
                    damaged[place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            guard let table = try? read(damaged) else { continue }
            accepted += 1
            for batch in table.batches where batch.length < 1000 {
                _ = batch.columns.map(Columns.text)
            }
            _ = ArrowWriter.bytes(of: table, file: false)
        }
        #expect(accepted > 20)
        for count in 0..<bytes.count {
            #expect(throws: DataTransferError.self) { try read(Array(bytes.prefix(count))) }
        }
    }
}
