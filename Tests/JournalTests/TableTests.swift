import Foundation
import Testing

@testable import FanfoldJournal

@Suite struct `The tables beside the records` {
    private let folder = TestFolder()

    private func run(_ number: Int, ended: Int64? = nil) -> RunEntry {
        RunEntry(
            id: "run-\(number)", name: "count", state: ended == nil ? "running" : "done",
            submitted: Int64(number), ended: ended, summary: "{\"n\":\(number)}")
    }

    @Test func `runs are put, replaced, listed by pages and removed`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append([], with: (1...7).map { .putRun(run($0)) })
        try journal.append([], with: [.putRun(run(3, ended: 9)), .removeRun(id: "run-5")])
        let tables = journal.tables
        #expect(try tables.run("run-3") == run(3, ended: 9))
        #expect(try tables.run("run-5") == nil)
        let first = try tables.runs(limit: 4)
        #expect(first.map(\.id) == ["run-7", "run-6", "run-4", "run-3"])
        let rest = try tables.runs(after: first.last.map(JournalReader.RunCursor.init), limit: 4)
        #expect(rest.map(\.id) == ["run-2", "run-1"])
        #expect(try tables.runs(state: "done").map(\.id) == ["run-3"])
        #expect(journal.last == 0)
    }

    @Test func `two runs that were submitted together are both listed`() throws {
        let (journal, _) = try reopen(folder.journal)
        var twin = run(1)
        twin.id = "run-1b"
        try journal.append([], with: [.putRun(run(1)), .putRun(twin)])
        let first = try journal.tables.runs(limit: 1)
        let next = try journal.tables.runs(after: first.last.map(JournalReader.RunCursor.init))
        #expect((first + next).map(\.id) == ["run-1b", "run-1"])
    }

    @Test func `an answer is kept for its key and route until it expires`() throws {
        let (journal, _) = try reopen(folder.journal)
        let answer = AnswerEntry(
            key: "k", route: "POST /runs", request: [1, 2], response: [3], expires: 100)
        try journal.append([], with: [.putAnswer(answer)])
        #expect(try journal.tables.answer(key: "k", route: "POST /runs", now: 99) == answer)
        #expect(try journal.tables.answer(key: "k", route: "POST /runs", now: 100) == nil)
        #expect(try journal.tables.answer(key: "k", route: "POST /tokens", now: 0) == nil)
    }

    @Test func `a token is found by its id and hash, and its first use is kept`() throws {
        let (journal, _) = try reopen(folder.journal)
        var token = TokenEntry(
            id: "t1", hash: [1, 2, 3], role: "worker", scope: "pool=a", created: 5, expires: 50)
        try journal.append([], with: [.putToken(token)])
        #expect(try journal.tables.token("t1") == token)
        try journal.append([], with: [.useToken(id: "t1", at: 7)])
        try journal.append([], with: [.useToken(id: "t1", at: 8)])
        token.used = 7
        #expect(try journal.tables.token(hash: [1, 2, 3]) == token)
        #expect(try journal.tables.tokens() == [token])
        #expect(try journal.tables.tokens(after: "t1") == [])
        try journal.append([], with: [.removeToken(id: "t1")])
        #expect(try journal.tables.token("t1") == nil)
    }

    @Test func `what is over is removed by age, by count and a turn at a time`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append([], with: (1...9).map { .putRun(run($0, ended: Int64($0) * 10)) })
        try journal.append(
            [],
            with: [
                .putRun(run(10)),
                .putAnswer(.init(key: "a", route: "", request: [], response: [], expires: 60)),
                .putAnswer(.init(key: "b", route: "", request: [], response: [], expires: 61)),
                .putToken(.init(id: "a", hash: [1], role: "", created: 0, expires: 29)),
                .putToken(.init(id: "b", hash: [2], role: "", created: 0, expires: 30)),
                .putToken(.init(id: "c", hash: [3], role: "", created: 0)),
            ])
        var retention = Retention()
        retention.runMilliseconds = 30
        retention.tokenMilliseconds = 30
        try journal.append([], with: [.prune(now: 60, retention)])
        // Ended at 30 is 30 ago: kept.
        #expect(try journal.tables.runs().map(\.id).last == "run-3")
        #expect(try journal.tables.runs().count == 8)
        #expect(try journal.tables.answer(key: "a", route: "", now: 0) == nil)
        #expect(try journal.tables.answer(key: "b", route: "", now: 0) != nil)
        #expect(try journal.tables.tokens().map(\.id) == ["b", "c"])

        retention.runs = 2
        retention.rowsATurn = 3
        try journal.append([], with: [.prune(now: 60, retention)])
        #expect(try journal.tables.runs().map(\.id).last == "run-6")
        try journal.append([], with: [.prune(now: 60, retention)])
        // The one that goes on is never removed.
        #expect(try journal.tables.runs().map(\.id) == ["run-10", "run-9", "run-8"])
    }

    @Test func `of too many answers those go that expire first`() throws {
        let (journal, _) = try reopen(folder.journal)
        let answers = (1...5).map {
            AnswerEntry(key: "\($0)", route: "", request: [], response: [], expires: 100 - $0)
        }
        var retention = Retention()
        retention.answers = 3
        try journal.append(
            [], with: answers.map(SideChange.putAnswer) + [.prune(now: 0, retention)])
        let left = try answers.filter {
            try journal.tables.answer(key: $0.key, route: "", now: 0) != nil
        }
        #expect(left.map(\.key) == ["1", "2", "3"])
        try journal.append([], with: [.prune(now: 0, retention)])
        #expect(try journal.tables.answer(key: "3", route: "", now: 0) != nil)
    }

    @Test func `what is too long is refused, with the whole batch`() throws {
        let (journal, _) = try reopen(folder.journal)
        var long = run(1)
        long.summary = String(repeating: "x", count: JournalLimits.summaryBytes)
        try journal.append([[1]], with: [.putRun(long)])
        long.summary += "x"
        let error = failure { try journal.append([[2]], with: [.putRun(long)]) }
        #expect(error?.code == .tooLarge)
        let name = String(repeating: "n", count: JournalLimits.nameBytes)
        try journal.append([], with: [.removeRun(id: name)])
        #expect(failure { try journal.append([], with: [.removeRun(id: name + "n")]) } != nil)
        #expect(journal.last == 1)
        try journal.close()
        #expect(try reopen(folder.journal).replay.records == [[1]])
    }

    @Test func `a hash that another token has does not take its place unseen`() throws {
        let (journal, _) = try reopen(folder.journal)
        try journal.append(
            [], with: [.putToken(.init(id: "a", hash: [1], role: "admin", created: 0))])
        try journal.append(
            [], with: [.putToken(.init(id: "a", hash: [2], role: "viewer", created: 0))])
        let error = failure {
            try journal.append(
                [[1]], with: [.putToken(.init(id: "b", hash: [2], role: "admin", created: 0))])
        }
        #expect(error?.code == .refused)
        #expect(journal.last == 0)
        #expect(try journal.tables.token(hash: [1]) == nil)
        #expect(try journal.tables.token(hash: [2])?.role == "viewer")
    }

    @Test func `readers see what is stored while the coordinator goes on`() throws {
        let (journal, _) = try reopen(folder.journal)
        let reader = try JournalReader(folder: folder.journal)
        for number in 1...20 {
            try journal.append([[1]], with: [.putRun(run(number))])
            #expect(try reader.run("run-\(number)")?.submitted == Int64(number))
        }
        let path = folder.journal
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            #expect(throws: Never.self) {
                let other = try JournalReader(folder: path)
                for _ in 0..<50 {
                    // Each question sees whole batches only.
                    let report = try other.verify()
                    #expect(report.problems == [])
                    #expect(report.records % 3 == 20 % 3)
                }
            }
            done.signal()
        }
        for _ in 0..<60 { try journal.append([[1], [2], [3]]) }
        done.wait()
        #expect(try reader.verify().records == 200)
    }
}
