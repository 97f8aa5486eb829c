import Foundation
import GRDB
import Testing

@testable import FanfoldJournal

/// Changes the first byte of a row.
private let firstByteWrong = "bytes = CAST(x'FF' || substr(bytes, 2) AS BLOB)"

@Suite struct `A damaged journal` {
    private let folder = TestFolder()

    /// Ten batches of ten records, closed.
    private func write(_ damage: String? = nil) throws {
        let (journal, _) = try reopen(folder.journal)
        for index in 0..<10 as Range<UInt64> {
            try journal.append(WrittenRecord.batch(index * 10 + 1...index * 10 + 10))
        }
        if let damage { try journal.queue.write { try $0.execute(sql: damage) } }
        try journal.close()
    }

    private func bytes(_ range: ClosedRange<UInt64>) -> [[UInt8]] { range.map(WrittenRecord.bytes) }

    @Test(arguments: [
        firstByteWrong, "sum = sum + 1", "count = 9", "previous = 5", "bytes = x''",
    ])
    func `a torn end is cut off, reported and kept`(_ change: String) throws {
        try write("UPDATE records SET \(change) WHERE first >= 81")
        do {
            let (journal, replay) = try reopen(folder.journal)
            #expect(replay.records == bytes(1...80))
            let cut = try #require(replay.report.cut)
            #expect(cut.from == 81)
            #expect(cut.records == 20)
            let kept = try DatabaseQueue(path: cut.keptIn + "/journal.sqlite").read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM records WHERE first >= 81")
            }
            #expect(kept == 2)
            #expect(try journal.append(bytes(81...85)) == 85)
            try journal.close()
        }
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.records == bytes(1...85))
        #expect(replay.report.cut == nil)
    }

    @Test func `an end that is missing altogether is noticed`() throws {
        try write("DELETE FROM records WHERE first >= 61")
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.records == bytes(1...60))
        #expect(replay.report.cut?.from == 61)
        #expect(replay.report.cut?.records == 40)
    }

    @Test func `a log that is gone is noticed`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append(bytes(1...5))
        let copy = try folder.copy("without")
        unlink(copy + "/journal.sqlite-wal")
        let error = failure { _ = try reopen(copy) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("up to 5, which were stored, found nothing") == true)
        let report = try Journal.repair(folder: copy)
        #expect(report.cut?.from == 1)
        #expect(report.cut?.records == 5)
        let (_, replay) = try reopen(try folder.copy("whole"))
        #expect(replay.records == bytes(1...5))
        #expect(replay.report.cut == nil)
        try journal.close()
    }

    @Test(arguments: [
        "UPDATE records SET \(firstByteWrong) WHERE first = 31",
        "UPDATE records SET sum = 1 WHERE first IN (31, 41)",
        "DELETE FROM records WHERE first = 31",
        "UPDATE records SET first = 35 WHERE first = 31",
    ])
    func `damage before whole records is refused, and repaired when asked`(
        _ damage: String
    ) throws {
        try write(damage)
        for _ in 0..<2 {
            let error = failure { _ = try reopen(folder.journal) }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("after record 30") == true, "\(error as Any)")
            #expect(error?.message.contains("fanfold journal export --to-first-damage") == true)
            #expect(error?.message.contains("fanfold journal repair") == true)
        }
        let report = try Journal.repair(folder: folder.journal)
        #expect(report.last == 30)
        #expect(report.cut?.from == 31)
        #expect(report.cut?.records == 70)
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.records == bytes(1...30))
        #expect(replay.report.cut == nil)
    }

    @Test func `damage of the very first row is repaired when asked, with nothing left`() throws {
        try write("UPDATE records SET \(firstByteWrong) WHERE first = 1")
        #expect(failure { _ = try reopen(folder.journal) }?.code == .damaged)
        let report = try Journal.repair(folder: folder.journal)
        #expect(report.cut?.from == 1)
        #expect(report.cut?.records == 100)
        #expect(try reopen(folder.journal).journal.append([[1]]) == 1)
    }

    @Test func `two rows that changed places are damage`() throws {
        try write(
            """
            UPDATE records SET first = -1 WHERE first = 31;
            UPDATE records SET first = 31 WHERE first = 41;
            UPDATE records SET first = 41 WHERE first = -1;
            """)
        #expect(failure { _ = try reopen(folder.journal) }?.code == .damaged)
    }

    @Test func `more than the limit is not cut without being asked`() throws {
        try write("DELETE FROM records WHERE first >= 61")
        var options = JournalOptions()
        options.cutRecords = 39
        let error = failure { _ = try reopen(folder.journal, options) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("at most 39 records") == true)
        options.cutRecords = 40
        #expect(try reopen(folder.journal, options).replay.report.cut?.records == 40)
    }

    @Test func `the side tables survive a cut`() throws {
        let (journal, _) = try reopen(folder.journal)
        let run = RunEntry(id: "r", name: "n", state: "done", submitted: 1, ended: 2)
        let answer = AnswerEntry(key: "k", route: "/", request: [1], response: [2], expires: 9)
        let token = TokenEntry(id: "t", hash: [3], role: "admin", created: 1)
        try journal.append(
            bytes(1...2), with: [.putRun(run), .putAnswer(answer), .putToken(token)])
        try journal.append(bytes(3...4))
        try journal.queue.write {
            try $0.execute(sql: "UPDATE records SET sum = 0 WHERE first = 3")
        }
        try journal.close()
        let (next, replay) = try reopen(folder.journal)
        #expect(replay.report.cut?.from == 3)
        #expect(replay.report.incompleteTables.isEmpty)
        #expect(try next.tables.run("r") == run)
        #expect(try next.tables.answer(key: "k", route: "/", now: 0) == answer)
        #expect(try next.tables.token("t") == token)
    }

    /// Whatever happens to the files: what comes back is what was stored, from the beginning on,
    /// and what does not come back is reported or refused.
    @Test(arguments: ["journal.sqlite", "journal.sqlite-wal"], [false, true])
    func `bytes that are lost or changed anywhere are never passed over`(
        _ file: String, _ isTruncated: Bool
    ) throws {
        let (journal, _) = try reopen(folder.journal)
        for index in 0..<60 as Range<UInt64> {
            try journal.append(WrittenRecord.batch(index * 20 + 1...index * 20 + 20))
            if index == 40 {
                try journal.queue.writeWithoutTransaction {
                    try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                }
            }
        }
        var outcomes: [String: Int] = [:]
        for seed in 0..<40 as Range<UInt64> {
            var random = Seeded(state: seed &* 77 &+ (isTruncated ? 1 : 0))
            let copy = try folder.copy("seed-\(seed)")
            try spoil("\(copy)/\(file)", isTruncated, &random)
            let outcome: String
            do {
                let (next, replay) = try reopen(copy)
                let last = UInt64(replay.records.count)
                #expect(replay.records == (last == 0 ? [] : bytes(1...last)), "seed \(seed)")
                #expect(last + (replay.report.cut?.records ?? 0) == 1_200, "seed \(seed)")
                try next.append([[1]])
                outcome = replay.report.cut == nil ? "whole" : "cut"
            } catch let error as JournalError {
                #expect([.damaged, .notADatabase].contains(error.code), "seed \(seed): \(error)")
                outcome = "refused"
            }
            outcomes[outcome, default: 0] += 1
            try FileManager.default.removeItem(atPath: copy)
        }
        #expect(outcomes["refused", default: 0] + outcomes["cut", default: 0] > 10, "\(outcomes)")
        try journal.close()
    }

    private func spoil(
        _ path: String, _ isTruncated: Bool, _ random: inout Seeded
    ) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = Int.random(in: 0..<data.count, using: &random)
        if isTruncated {
            data.removeSubrange(place...)
        } else {
            for offset in place..<min(data.count, place + Int.random(in: 1...300, using: &random)) {
                data[offset] = UInt8.random(in: 0...255, using: &random)
            }
        }
        try data.write(to: URL(fileURLWithPath: path))
    }
}
