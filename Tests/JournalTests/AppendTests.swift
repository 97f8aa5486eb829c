import CFanfoldSystem
import Foundation
import GRDB
import Testing

@testable import FanfoldJournal

@Suite struct `Records of a journal` {
    private let folder = TestFolder()

    @Test func `what was appended comes back, in order, after each reopening`() throws {
        var wanted: [[UInt8]] = []
        for round in 0..<4 {
            let (journal, replay) = try reopen(folder.journal)
            #expect(replay.records == wanted)
            #expect(replay.report.cut == nil)
            for size in [1, 3, 0, 50] {
                let batch = (0..<size).map { index in
                    [UInt8](repeating: UInt8(index + round), count: index * 7)
                }
                wanted += batch
                #expect(try journal.append(batch) == UInt64(wanted.count))
            }
            #expect(journal.last == UInt64(wanted.count))
            // Without `close`, as if the process had ended, in every second round.
            if round % 2 == 0 { try journal.close() }
        }
    }

    @Test func `a commit waits for the disk`() throws {
        let (journal, _) = try reopen(folder.journal)
        let found = try journal.queue.writeWithoutTransaction { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode")
            )
        }
        #expect(found.0 == 2)
        #expect(found.1 == "wal")
    }

    @Test func `a record has at most its limit, and one past it is refused`() throws {
        let (journal, _) = try reopen(folder.journal)
        let longest = [UInt8](repeating: 7, count: JournalLimits.recordBytes)
        try journal.append([[1], longest, [2]])
        let error = failure { try journal.append([[3], longest + [7]]) }
        #expect(error?.code == .tooLarge)
        #expect(journal.last == 3)
        try journal.close()
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.records == [[1], longest, [2]])
    }

    @Test func `a long batch becomes several rows and stays one transaction`() throws {
        let (journal, _) = try reopen(folder.journal)
        let record = [UInt8](repeating: 9, count: 1 << 20)
        try journal.append([[UInt8]](repeating: record, count: 10))
        let rows = try journal.queue.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM records") ?? 0
        }
        #expect(rows == 4)
        #expect(journal.last == 10)
        try journal.close()
        #expect(try reopen(folder.journal).replay.records.count == 10)
    }

    @Test func `a batch can be filled again`() throws {
        let (journal, _) = try reopen(folder.journal)
        var batch = RecordBatch([[1], [2, 2]])
        try journal.append(batch)
        batch.removeAll()
        #expect(batch.isEmpty)
        batch.add([3])
        try journal.append(batch)
        try journal.close()
        #expect(try reopen(folder.journal).replay.records == [[1], [2, 2], [3]])
    }

    @Test(arguments: [0, 1, 127, 128, 129, 16_383, 16_384, 70_000])
    func `the length of a record comes back whatever it is`(_ length: Int) throws {
        let record = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let batch = RecordBatch([record, [1], record])
        let part = try #require(batch.parts.first)
        let stored = try #require(
            StoredRecords(first: 5, count: part.count, bytes: part.bytes))
        #expect(stored.records == [record, [1], record])
        #expect(stored.last == 7)
        #expect(stored.after(4)?.count == 3)
        #expect(stored.after(5)?.records == [[1], record])
        #expect(stored.after(6)?.first == 7)
        #expect(stored.after(7) == nil)
        #expect(StoredRecords(first: 5, count: part.count + 1, bytes: part.bytes) == nil)
        #expect(StoredRecords(first: 5, count: part.count - 1, bytes: part.bytes) == nil)
        #expect(StoredRecords(first: 5, count: 3, bytes: part.bytes.dropLast()) == nil)
        #expect(StoredRecords(first: 5, count: 0, bytes: []) == nil)
    }

    @Test func `the sum is that of the xz format`() {
        // Source: the check value of CRC-64/XZ in the catalogue of parametrised CRC algorithms.
        let row = Array("123456789".utf8)
        let sum = row.withUnsafeBytes { fan_crc64(0, $0.baseAddress, $0.count) }
        #expect(sum == 0x995D_C9BB_DF19_39FA)
        let first = row.prefix(4).withUnsafeBytes { fan_crc64(0, $0.baseAddress, $0.count) }
        let both = row.dropFirst(4).withUnsafeBytes { fan_crc64(first, $0.baseAddress, $0.count) }
        #expect(both == sum)
    }

    @Test func `what the reader of records refuses ends the recovery`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append([[1]])
        try journal.close()
        let next = try Journal.open(folder: folder.journal)
        let error = failure {
            _ = try next.recover { _ throws(JournalError) in
                throw JournalError(.refused, "an event of another version")
            }
        }
        #expect(error == JournalError(.refused, "an event of another version"))
    }
}
