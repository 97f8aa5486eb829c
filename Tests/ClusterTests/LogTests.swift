import FanfoldCore
import FanfoldWire
import Foundation
import Testing

@testable import FanfoldCluster

/// What a worker keeps of what attempts write, and what of it is sent.
@Suite struct LogTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("fanfold-logs-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    private func log(_ index: UInt32 = 0, number: UInt64 = 0) -> AttemptLog {
        AttemptLog(
            AttemptID(subtask: SubtaskID(task: TaskID(1), index: index), epoch: 1),
            number: number, folder: folder)
    }

    private func all(_ log: AttemptLog, from start: UInt64 = 0) -> (first: UInt64, bytes: [UInt8]) {
        var (place, first, bytes) = (start, UInt64?.none, [UInt8]())
        while true {
            let (offset, piece) = log.read(from: place, maximum: 10_000)
            guard !piece.isEmpty else { return (first ?? place, bytes) }
            if first != nil { #expect(offset == place, "a gap in the middle") }
            first = first ?? offset
            bytes += piece
            place = offset + UInt64(piece.count)
        }
    }

    private func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
    }

    @Test(arguments: [
        0, 1, LogLimits.ringBytes, LogLimits.ringBytes + 1, LogLimits.fileBytes + 1, 900_000,
    ])
    func `what fits is kept byte for byte, while it runs and afterwards`(_ count: Int) {
        var log = log()
        defer { log.remove() }
        let bytes = pattern(count)
        for start in stride(from: 0, to: count, by: 7_001) {
            bytes[start..<min(count, start + 7_001)].withUnsafeBytes { log.append($0) }
        }
        #expect(all(log).bytes == bytes)
        log.end()
        #expect(all(log).bytes == bytes)
        #expect(log.keptBytes == count)
    }

    @Test func `of what does not fit the end is kept, in two files`() throws {
        var log = log()
        let bytes = pattern(3_000_000)
        for start in stride(from: 0, to: bytes.count, by: 50_000) {
            bytes[start..<(start + 50_000)].withUnsafeBytes { log.append($0) }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.count <= 2)
        }
        log.end()
        #expect(log.keptBytes <= 2 * LogLimits.fileBytes)
        let (first, kept) = all(log)
        #expect(kept == Array(bytes[Int(first)...]))
        #expect(kept.count >= LogLimits.fileBytes)
        log.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test(
        arguments: [
            (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n"), (0, "a\nb\nc\n"),
        ] as [(UInt64, String)])
    func `the last lines are the last lines`(_ lines: UInt64, _ wanted: String) {
        var log = log()
        Array("a\nb\nc\n".utf8).withUnsafeBytes { log.append($0) }
        let start = log.start(ofLast: 1_000, lines: lines)
        #expect(String(decoding: all(log, from: start).bytes, as: UTF8.self) == wanted)
    }

    @Test func `a character is not cut in two`() {
        let text = Array("aé€😀".utf8)
        let wanted = [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10]
        for count in 1...10 {
            #expect(LogServe.wholeCharacters(Array(text[..<count])) == wanted[count])
        }
        // What is no text goes as it is.
        #expect(LogServe.wholeCharacters([0x80, 0x80, 0x80, 0x80]) == 4)
    }

    private func request(follow: Bool, credit: UInt64, index: UInt32? = nil) -> WireLogRequest {
        var request = WireLogRequest()
        request.request = 7
        request.tasks = [1]
        if let index { request.index = index }
        request.tailBytes = 1 << 20
        request.follow = follow
        request.credit = credit
        return request
    }

    @Test func `no more is sent than credit was given for`() {
        var log = log()
        [UInt8](repeating: 65, count: 100_000).withUnsafeBytes { log.append($0) }
        defer { log.remove() }
        var serve = LogServe(request(follow: true, credit: 1_000), next: 1)
        let logs = [log.attempt: log]
        let first = serve.next(logs)
        #expect(first.chunks.map(\.text.count) == [1_000] && !first.isLast)
        #expect(serve.next(logs).chunks.isEmpty)
        serve.give(credit: 500)
        let second = serve.next(logs)
        #expect(second.chunks.map(\.offset) == [1_000])
        #expect(second.chunks.map(\.text.count) == [500])
    }

    @Test func `who does not follow gets what there is, and the end`() {
        var (a, b) = (log(0), log(1, number: 1))
        Array("one\n".utf8).withUnsafeBytes { a.append($0) }
        Array("two\n".utf8).withUnsafeBytes { b.append($0) }
        a.end()
        defer { a.remove() }
        var serve = LogServe(request(follow: false, credit: 1_000), next: 2)
        let (chunks, isLast) = serve.next([a.attempt: a, b.attempt: b])
        #expect(isLast)
        #expect(chunks.map { String(decoding: $0.text, as: UTF8.self) } == ["one\n", "two\n", ""])
        #expect(chunks.map(\.ended) == [true, false, false])
        #expect(chunks.map(\.last) == [false, false, true])
    }

    @Test func `who follows many gets what begins later, and nothing that is over`() {
        var old = log(0)
        Array("old\n".utf8).withUnsafeBytes { old.append($0) }
        old.end()
        defer { old.remove() }
        var serve = LogServe(request(follow: true, credit: 1_000), next: 1)
        #expect(serve.next([old.attempt: old]).chunks.isEmpty)
        var new = log(1, number: 1)
        Array("new\n".utf8).withUnsafeBytes { new.append($0) }
        new.end()
        defer { new.remove() }
        let (chunks, isLast) = serve.next([old.attempt: old, new.attempt: new])
        #expect(chunks.map { String(decoding: $0.text, as: UTF8.self) } == ["new\n"])
        #expect(chunks.allSatisfy { $0.ended } && !isLast)
        serve.drain()
        #expect(serve.next([old.attempt: old, new.attempt: new]).isLast)
    }

    @Test func `what ended first goes when too much is kept`() throws {
        let logs = AttemptLogs(folder: folder)
        let bytes = pattern(100)
        for index in 0...UInt32(LogLimits.keptAttempts) {
            let attempt = AttemptID(subtask: SubtaskID(task: TaskID(1), index: index), epoch: 1)
            bytes.withUnsafeBytes { logs.append($0, to: attempt) }
            logs.end(attempt)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(files.count == LogLimits.keptAttempts)
        #expect(!files.contains("1-0-1.1") && files.contains("1-1-1.1"))
    }

    @Test func `of progress the latest counts, and what is gone is forgotten`() {
        let progress = LiveProgress()
        let attempt = AttemptID(subtask: SubtaskID(task: TaskID(1), index: 3), epoch: 2)
        var message = WireProgress()
        message.attempt = WireAttempt(attempt)
        message.of = 4
        for done in 0...3 {
            message.done = UInt64(done)
            #expect(progress.take(message, from: WorkerID(0), at: 0) != nil)
        }
        #expect(progress.entries(of: TaskID(1)).map(\.progress.fraction) == [0.75])
        // An older attempt that ends is not this one.
        progress.ended([AttemptID(subtask: attempt.subtask, epoch: 1)])
        #expect(progress.totals.attempts == 1)
        message.of = 0
        #expect(progress.take(message, from: WorkerID(0), at: 0) == nil)
        progress.lost(WorkerID(0))
        #expect(progress.entries(of: TaskID(1)).isEmpty)
    }

    @Test func `there is a limit to the events about progress in a second`() {
        let progress = LiveProgress()
        var message = WireProgress()
        message.of = 1
        let told = (0..<100).filter { index in
            message.attempt.index = UInt32(index)
            return progress.take(message, from: WorkerID(0), at: 5) != nil
        }
        #expect(told.count == LiveProgress.eventsPerSecond)
        #expect(progress.totals.attempts == 100)
        #expect(progress.take(message, from: WorkerID(0), at: 1_000_000_005) != nil)
    }
}
