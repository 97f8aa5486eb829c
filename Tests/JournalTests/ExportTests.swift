import Foundation
import Testing

@testable import FanfoldJournal

@Suite struct `Looking into a journal` {
    private let folder = TestFolder()

    private struct Line: Decodable, Equatable {
        var sequence: UInt64
        var length: Int
        var sum: String
        var bytes: String?
        var record: String?
    }

    /// Four batches of three records.
    private func write(_ damage: String? = nil) throws {
        let (journal, _) = try reopen(folder.journal)
        for index in 0..<4 as Range<UInt8> {
            try journal.append([[index], [index, index], []])
        }
        if let damage { try journal.queue.write { try $0.execute(sql: damage) } }
        try journal.close()
    }

    private func export(_ options: ExportOptions) throws -> ([Line], ExportSummary) {
        var lines: [Line] = []
        let summary = try JournalReader(folder: folder.journal).export(options) {
            text throws(JournalError) in
            do {
                lines.append(try JSONDecoder().decode(Line.self, from: Data(text.utf8)))
            } catch {
                throw JournalError(.refused, "\(text): \(error)")
            }
        }
        return (lines, summary)
    }

    @Test func `each record is a line, with its bytes`() throws {
        try write()
        let (lines, summary) = try export(ExportOptions())
        #expect(lines.count == 12)
        #expect(lines.map(\.sequence) == Array(1...12))
        #expect(lines[4] == Line(sequence: 5, length: 2, sum: "right", bytes: "AQE="))
        #expect(lines[5] == Line(sequence: 6, length: 0, sum: "right", bytes: ""))
        #expect(summary == ExportSummary(records: 12, last: 12))
    }

    @Test func `it begins where it is told, and describes records if it is told how`() throws {
        try write()
        var options = ExportOptions()
        options.from = 5
        options.describe = { number, bytes in "\"\(number) has \(bytes.count)\"" }
        let (lines, _) = try export(options)
        #expect(lines.map(\.sequence) == Array(5...12))
        #expect(lines[0] == Line(sequence: 5, length: 2, sum: "right", record: "5 has 2"))
    }

    @Test func `damage is shown, or is where it ends`() throws {
        try write("UPDATE records SET sum = 0 WHERE first = 4")
        var options = ExportOptions()
        let (lines, summary) = try export(options)
        #expect(lines.map(\.sequence) == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12])
        #expect(lines[3].sum == "wrong")
        #expect(lines[4].sum == "right, after damage")
        #expect(summary.last == 3)
        #expect(summary.damage?.contains("record 4") == true)
        options.stopsAtDamage = true
        let (whole, _) = try export(options)
        #expect(whole.map(\.sequence) == [1, 2, 3])
    }

    @Test func `a verification counts what is whole`() throws {
        try write()
        let report = try JournalReader(folder: folder.journal).verify()
        #expect(report.problems == [])
        #expect(report.records == 12)
        #expect(report.rows == 4)
        #expect(report.first == 1)
        #expect(report.last == 12)
    }

    @Test(arguments: [
        ("UPDATE records SET sum = 0 WHERE first = 4", "record 7 after it is whole"),
        ("DELETE FROM records WHERE first = 4", "record 4 is missing"),
        ("DELETE FROM records WHERE first >= 7", "records 7 to 12 were stored and are not there"),
    ])
    func `a verification says what is not`(_ damage: String, _ words: String) throws {
        try write(damage)
        let report = try JournalReader(folder: folder.journal).verify()
        #expect(report.problems.contains { $0.contains(words) }, "\(report.problems)")
    }

    @Test func `a verification looks at the snapshots too`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append([[1], [2]])
        try journal.snapshot([1, 2, 3], upTo: 1)
        try journal.snapshot([4, 5], upTo: 2)
        try journal.close()
        truncate(folder.journal + "/snapshot-00000000000000000002", 18)
        let report = try JournalReader(folder: folder.journal).verify()
        #expect(report.snapshots.map(\.upTo) == [2, 1])
        #expect(report.snapshots.map(\.bytes) == [0, 3])
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.contains("it ends early") == true)
    }
}
