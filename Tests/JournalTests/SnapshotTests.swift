import Foundation
import GRDB
import Testing

@testable import FanfoldJournal

@Suite struct `Snapshots of a journal` {
    private let folder = TestFolder()

    private func bytes(_ range: ClosedRange<UInt64>) -> [[UInt8]] { range.map(WrittenRecord.bytes) }

    private func rows(_ journal: Journal) throws -> Int {
        try journal.queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM records") ?? -1 }
    }

    /// Ten batches of ten records with a snapshot after each of `upTo`.
    private func write(snapshots: [UInt64]) throws -> Journal {
        let (journal, _) = try reopen(folder.journal)
        for index in 0..<10 as Range<UInt64> {
            try journal.append(bytes(index * 10 + 1...index * 10 + 10))
        }
        for upTo in snapshots { try journal.snapshot(Array("up to \(upTo)".utf8), upTo: upTo) }
        return journal
    }

    @Test func `recovery gives the newest snapshot and the records after it`() throws {
        try write(snapshots: [35]).close()
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.snapshot == Array("up to 35".utf8))
        #expect(replay.upTo == 35)
        #expect(replay.records == bytes(36...100))
        #expect(replay.report.snapshot == 35)
        #expect(replay.report.records == 65)
        #expect(replay.report.last == 100)
    }

    @Test func `records are kept from the oldest kept snapshot on`() throws {
        let journal = try write(snapshots: [25])
        #expect(try rows(journal) == 10)
        try journal.snapshot([1], upTo: 55)
        #expect(try rows(journal) == 8)
        try journal.snapshot([2], upTo: 100)
        #expect(try rows(journal) == 5)
        try journal.snapshot([3], upTo: 100)
        try journal.append(bytes(101...102))
        try journal.snapshot([4], upTo: 102)
        #expect(try rows(journal) == 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.journal)
        #expect(names.filter { $0.hasPrefix("snapshot-") }.count == 2)
        try journal.close()
        let (next, replay) = try reopen(folder.journal)
        #expect(replay.snapshot == [4])
        #expect(replay.records.isEmpty)
        #expect(try next.append([[1]]) == 103)
        #expect(try next.tables.verify().problems == [])
    }

    @Test func `a newest snapshot that is damaged is passed over, and nothing is lost`() throws {
        try write(snapshots: [25, 55, 80]).close()
        let newest = "\(folder.journal)/snapshot-00000000000000000080"
        for size in [0, 7, 20, 45] {
            let copy = try folder.copy("cut-\(size)")
            truncate("\(copy)/snapshot-00000000000000000080", size)
            try expectOlder(copy)
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: newest))
        for place in data.indices {
            let copy = try folder.copy("flip-\(place)")
            var wrong = data
            wrong[place] ^= 1
            try wrong.write(to: URL(fileURLWithPath: "\(copy)/snapshot-00000000000000000080"))
            try expectOlder(copy)
        }
    }

    private func expectOlder(_ path: String) throws {
        let (journal, replay) = try reopen(path)
        #expect(replay.snapshot == Array("up to 55".utf8))
        #expect(replay.records == bytes(56...100))
        #expect(replay.report.damagedSnapshots.count == 1)
        #expect(replay.report.cut == nil)
        #expect(access(replay.report.damagedSnapshots.first ?? "", F_OK) == 0)
        // The damaged one is not counted among those that are kept.
        try journal.snapshot([9], upTo: 100)
        #expect(try rows(journal) == 5)
        try journal.close()
    }

    @Test func `without any whole snapshot it is refused, since records are gone`() throws {
        try write(snapshots: [25, 55]).close()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.journal)
        where name.hasPrefix("snapshot-") { truncate("\(folder.journal)/\(name)", 20) }
        for _ in 0..<2 {
            let error = failure { _ = try reopen(folder.journal) }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("wanted a snapshot that leads up to record 21") == true)
        }
        #expect(failure { _ = try Journal.repair(folder: folder.journal) }?.code == .damaged)
    }

    @Test func `one that was not finished does not count and is removed`() throws {
        let journal = try write(snapshots: [])
        let writer = try SnapshotWriter(at: journal.snapshotPlace(upTo: 50))
        try writer.write([UInt8](repeating: 1, count: 3 << 20))
        let copy = try folder.copy("crashed")
        let (_, replay) = try reopen(copy)
        #expect(replay.snapshot == nil)
        #expect(replay.records == bytes(1...100))
        let names = try FileManager.default.contentsOfDirectory(atPath: copy)
        #expect(names.filter { $0.hasPrefix("snapshot-") } == [])
    }

    @Test(arguments: [
        0, 1, JournalLimits.chunkBytes - 1, JournalLimits.chunkBytes,
        JournalLimits.chunkBytes + 1, 3 * JournalLimits.chunkBytes,
    ])
    func `a snapshot of any size comes back`(_ size: Int) throws {
        let journal = try write(snapshots: [])
        let wanted = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let writer = try SnapshotWriter(at: journal.snapshotPlace(upTo: 100))
        var rest = wanted[...]
        while !rest.isEmpty {
            try writer.write(Array(rest.prefix(700_001)))
            rest = rest.dropFirst(700_001)
        }
        #expect(writer.bytes == UInt64(size))
        try writer.finish()
        try journal.close()
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.snapshot == wanted)
        #expect(replay.records.isEmpty)
    }

    @Test func `a thread writes a snapshot while the loop appends`() throws {
        let journal = try write(snapshots: [])
        let place = try journal.snapshotPlace(upTo: 100)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            #expect(throws: Never.self) {
                let writer = try SnapshotWriter(at: place)
                for _ in 0..<50 { try writer.write([UInt8](repeating: 5, count: 100_000)) }
                try writer.finish()
            }
            done.signal()
        }
        for number in 101...150 as ClosedRange<UInt64> {
            try journal.append(bytes(number...number))
        }
        done.wait()
        try journal.dropCovered()
        try journal.close()
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.snapshot?.count == 5_000_000)
        #expect(replay.records == bytes(101...150))
    }

    @Test func `records are dropped from the front, a few rows at a time`() throws {
        var options = JournalOptions()
        options.droppedRows = 3
        options.snapshots = 1
        try write(snapshots: []).close()
        let (journal, _) = try reopen(folder.journal, options)
        let writer = try SnapshotWriter(at: journal.snapshotPlace(upTo: 85))
        try writer.finish()
        for (left, hasMore) in [(7, true), (4, true), (2, false), (2, false)] {
            #expect(try journal.dropCovered() == hasMore)
            #expect(try rows(journal) == left)
            #expect(try journal.tables.verify().problems == [])
        }
        try journal.close()
        #expect(try reopen(folder.journal, options).replay.records == bytes(86...100))
    }

    @Test func `a snapshot of what is not stored yet is refused`() throws {
        let journal = try write(snapshots: [])
        #expect(failure { try journal.snapshot([1], upTo: 101) }?.code == .refused)
    }

    @Test func `a database that is lost is made anew from the newest snapshot`() throws {
        try write(snapshots: [25, 55]).close()
        unlink(folder.journal + "/journal.sqlite")
        #expect(failure { _ = try reopen(folder.journal) }?.code == .damaged)
        let report = try Journal.repair(folder: folder.journal)
        #expect(report.snapshot == 55)
        #expect(report.cut?.from == 56)
        #expect(report.cut?.records == 45)
        do {
            let (journal, replay) = try reopen(folder.journal)
            #expect(replay.snapshot == Array("up to 55".utf8))
            #expect(try journal.append(bytes(56...57)) == 57)
        }
        let (_, replay) = try reopen(folder.journal)
        #expect(replay.records == bytes(56...57))
    }
}
