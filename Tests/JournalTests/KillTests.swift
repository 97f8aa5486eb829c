import CFanfoldSystem
import Foundation
@preconcurrency import Glibc
import Testing

@testable import FanfoldJournal

/// The program of Tests/JournalWriter, of which every line of output is read.
private final class Writer {
    private let process: pid_t
    private let output: Int32
    private var text: [UInt8] = []

    init(_ folder: String, seed: UInt64) throws {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("JournalWriter").path
        var ours: Int32 = -1
        var theirs: Int32 = -1
        try #require(fan_pipe_from_child(&ours, &theirs) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, theirs, 1)
        let texts: [String] = [program, folder, "\(seed)"]
        let arguments: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, program, &actions, nil, arguments, environ)
        close(theirs)
        try #require(code == 0, "\(program) could not be started: \(code)")
        process = identifier
        output = ours
    }

    deinit { close(output) }

    /// Reads until the program has said `count` lines, or has ended.
    func read(lines count: Int) {
        while lines.count < count, readMore() {}
    }

    /// Lets the program go on for some microseconds.
    func letRun(microseconds: UInt64) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let start = UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000
        var passed: UInt64 = 0
        while passed < microseconds {
            clock_gettime(CLOCK_MONOTONIC, &now)
            passed = UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000 - start
        }
    }

    /// Kills it, and returns all that it had said.
    func kill() -> [Substring] {
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        while readMore() {}
        return lines
    }

    /// The lines that are whole.
    private var lines: [Substring] {
        let whole = String(decoding: text, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        return Array(whole.dropLast())
    }

    private func readMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(output, &buffer, buffer.count)
        if count > 0 { text += buffer[..<count] }
        return count > 0 || (count < 0 && errno == EINTR)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A coordinator that is killed` {
    private let folder = TestFolder()

    /// A hundred lives of one journal, each ended by SIGKILL somewhere.
    @Test func `has stored all that it was told is stored, in order, and at most one batch more`()
        throws
    {
        var random = Seeded(state: 20_261_125)
        var stored: UInt64 = 0
        for round in 0..<100 as Range<UInt64> {
            let writer = try Writer(folder.journal, seed: random.next())
            writer.read(lines: Int.random(in: 1...12, using: &random))
            writer.letRun(microseconds: UInt64.random(in: 0...5_000, using: &random))
            let lines = writer.kill()
            #expect(lines.first == "recovered \(stored)", "round \(round)")
            let told = lines.last.flatMap { UInt64($0) } ?? stored

            let (journal, replay) = try reopen(folder.journal)
            let last = replay.report.last
            #expect(last >= told && last <= told + 40, "round \(round): \(told), \(last)")
            #expect(replay.report.cut == nil)
            #expect(replay.report.damagedSnapshots.isEmpty)
            if let snapshot = replay.snapshot {
                #expect(snapshot == WrittenRecord.bytes(replay.upTo))
            }
            #expect(replay.upTo + UInt64(replay.records.count) == last)
            for (index, record) in replay.records.enumerated() {
                let number = replay.upTo + UInt64(index) + 1
                guard record == WrittenRecord.bytes(number) else {
                    Issue.record("round \(round): record \(number) is another")
                    break
                }
            }
            // The table was written in the same transaction.
            if last > 0 { #expect(try journal.tables.run("run")?.summary == "\(last)") }
            try journal.close()
            stored = last
        }
        #expect(stored > 1_000)
    }
}
