import Foundation
import Testing

@testable import FanfoldJournal

/// A small file system of its own, as long as it lives.
private final class SmallDisk {
    let path: String
    // Gone after the file system that is mounted in it.
    private let folder: TestFolder

    init?(_ folder: TestFolder, kibibytes: Int) {
        self.folder = folder
        path = folder.path + "/disk"
        mkdir(path, 0o700)
        guard mount("fanfold", path, "tmpfs", 0, "size=\(kibibytes)k,mode=700") == 0 else {
            return nil
        }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    /// Whether a file system can be made here.
    static let canBeMade = SmallDisk(TestFolder(), kibibytes: 64) != nil

    func remount(readOnly: Bool) {
        let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
        #expect(mount("fanfold", path, "tmpfs", flags, nil) == 0)
    }
}

@Suite struct `A journal whose disk` {
    private let folder = TestFolder()

    private static let record = [UInt8](repeating: 3, count: 3_000)

    /// Appends until there is no room; returns how many records are stored then.
    private func fill(_ journal: Journal) throws -> UInt64 {
        for _ in 0..<10_000 {
            let before = journal.last
            let run = RunEntry(
                id: "r", name: "", state: "", submitted: 0, summary: "\(before + 2)")
            let error = failure {
                try journal.append([Self.record, Self.record], with: [.putRun(run)])
            }
            guard let error else { continue }
            #expect(error.code == .diskFull, "\(error)")
            #expect(error.message.contains("make room"))
            #expect(journal.last == before)
            #expect(try journal.tables.run("r")?.summary == "\(before)")
            return before
        }
        Issue.record("the disk was never full")
        return 0
    }

    @Test
    func `has no page left refuses the batch, keeps the rest, and goes on when there is room`()
        throws
    {
        var options = JournalOptions()
        options.pages = 100
        let (journal, _) = try reopen(folder.journal, options)
        let last = try fill(journal)
        #expect(last > 20)
        let again = failure { try journal.append([Self.record, Self.record]) }
        #expect(again?.code == .diskFull)
        // Snapshots make records superfluous, which makes room.
        try journal.snapshot([1], upTo: last - 2)
        try journal.snapshot([2], upTo: last)
        #expect(try journal.append([Self.record]) == last + 1)
        try journal.close()
        let (_, replay) = try reopen(folder.journal, options)
        #expect(replay.upTo == last)
        #expect(replay.records == [Self.record])
    }

    @Test(
        .enabled(if: SmallDisk.canBeMade, "no file system can be mounted here: NOTHING WAS RUN"))
    func `is full refuses the batch and goes on when there is room`() throws {
        let disk = try #require(SmallDisk(folder, kibibytes: 2_048))
        let path = disk.path + "/state"
        let ballast = disk.path + "/ballast"
        try Data(count: 600_000).write(to: URL(fileURLWithPath: ballast))
        var last: UInt64 = 0
        do {
            let (journal, _) = try reopen(path)
            last = try fill(journal)
            #expect(last > 20)
            let snapshot = [UInt8](repeating: 1, count: 1 << 20)
            #expect(failure { try journal.snapshot(snapshot, upTo: 1) }?.code == .diskFull)
            unlink(ballast)
            #expect(try journal.append([Self.record]) == last + 1)
        }
        let (_, replay) = try reopen(path)
        #expect(replay.records.count == Int(last) + 1)
        #expect(replay.snapshot == nil)
        #expect(replay.report.cut == nil)
    }

    @Test(
        .enabled(if: SmallDisk.canBeMade, "no file system can be mounted here: NOTHING WAS RUN"))
    func `is full from the beginning says so`() throws {
        let disk = try #require(SmallDisk(folder, kibibytes: 16))
        try? Data(count: 100_000).write(to: URL(fileURLWithPath: disk.path + "/ballast"))
        let error = failure { _ = try reopen(disk.path + "/state") }
        #expect([.diskFull, .uncertain].contains(error?.code), "\(error as Any)")
    }

    @Test(
        .enabled(if: SmallDisk.canBeMade, "no file system can be mounted here: NOTHING WAS RUN"))
    func `is mounted read-only says so, and keeps what it has`() throws {
        let disk = try #require(SmallDisk(folder, kibibytes: 2_048))
        let path = disk.path + "/state"
        do {
            let (journal, _) = try reopen(path)
            try journal.append([[1]])
            try journal.close()
        }
        disk.remount(readOnly: true)
        for target in [path, disk.path + "/new"] {
            let error = failure { _ = try Journal.open(folder: target) }
            #expect(error?.code == .readOnly, "\(error as Any)")
            #expect(error?.message.contains("mount its file system for writing") == true)
        }
        disk.remount(readOnly: false)
        #expect(try reopen(path).replay.records == [[1]])
    }
}
