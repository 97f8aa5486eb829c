import Foundation
import Glibc
import Testing

@testable import FanfoldBlobs

private let testsAll = ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] != nil

@Suite(.serialized) struct `A store whose process is killed` {
    private static let rounds = 100

    /// What the writer of a round does until it is killed; each acknowledged id gets a line.
    ///
    /// The names of blobs are known to both sides: the noise of a number.
    private static func write(in path: String, round: UInt64) throws {
        var limits = BlobLimits()
        limits.freeShare = 0
        let store = try BlobStore(
            folder: path + "/store", limits: limits, durability: .cache,
            logger: BlobTestFolder.quiet)
        let log = open(path + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var random = SeededNumbers(seed: round + 1)
        let upload = "u\(round % 5)"
        let parts = bigNoise(3 << 20, seed: round % 5)
        for step in 0..<1_000_000 {
            let number = random.next(below: 400)
            switch step % 4 {
            case 0, 1:
                let id = try store.put(noise(Int(number) * 20, seed: number), pinnedFor: "run")
                acknowledge(id, log)
            case 2:
                let id = try store.put(bigNoise((1 << 20) + Int(number), seed: number))
                acknowledge(id, log)
            default:
                let status = try store.beginUpload(upload, size: Int64(parts.count))
                let start = Int(status.length)
                try store.append(
                    to: upload, at: status.length,
                    Array(parts[start..<min(parts.count, start + 200_000)]))
                if start + 200_000 >= parts.count {
                    acknowledge(try store.finishUpload(upload).id, log)
                }
            }
        }
    }

    private static func acknowledge(_ id: BlobID, _ log: Int32) {
        let line = "\(id)\n"
        _ = line.withCString { Glibc.write(log, $0, line.utf8.count) }
    }

    @Test func `at any moment has no blob under a wrong id and loses none that it acknowledged`()
        async throws
    {
        let folder = BlobTestFolder()
        let path = folder.path
        var random = SeededNumbers(seed: 7)
        for round in 0..<UInt64(Self.rounds) {
            let microseconds = UInt32(1_000 + random.next(below: 60_000))
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    path = path as String, round = round as UInt64,
                    microseconds = microseconds as UInt32
                ] in
                Thread.detachNewThread {
                    // The moment is the point of this test: no clock can be passed to SIGKILL.
                    usleep(microseconds)
                    kill(getpid(), SIGKILL)
                }
                try Self.write(in: path, round: round)
            }
            let store = try folder.open()
            try check(store, path)
        }
    }

    private func check(_ store: BlobStore, _ path: String) throws {
        #expect(store.violations() == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.temporary) == [])
        #expect(store.opening.strangers == 0)
        #expect(try store.verifyAll() == [])
        let log = (try? String(contentsOfFile: path + "/acknowledged", encoding: .utf8)) ?? ""
        let acknowledged = log.split(separator: "\n").compactMap { BlobID(String($0)) }
        #expect(acknowledged.allSatisfy { store.contains($0) })
        let pinned = store.pinnedBlobs["run"] ?? [:]
        #expect(pinned.keys.allSatisfy { store.contains($0) })
        #expect(pinned.values.allSatisfy { $0 > 0 })
    }
}

@Suite struct `A big file` {
    /// Bytes of memory that going in and out may cost.
    private static let memoryBytes = 64 << 20

    @Test func `of 256 MiB goes in and out without being in memory`() async {
        await #expect(processExitsWith: .success) { try Self.goInAndOut(256 << 20) }
    }

    @Test(.enabled(if: testsAll, "slow: FANFOLD_TEST_ALL is not set, as scripts/test --all does"))
    func `of 4 GiB goes in and out without being in memory`() async {
        await #expect(processExitsWith: .success) { try Self.goInAndOut(4 << 30) }
    }

    private static func goInAndOut(_ size: Int) throws {
        let folder = BlobTestFolder()
        let path = try folder.file("big", noise(1 << 20, seed: 1))
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        for place in 1...8 {
            try handle.seek(toOffset: UInt64(size / 8 * place - 5_000))
            try handle.write(contentsOf: Data(noise(5_000, seed: UInt64(place))))
        }
        try handle.close()
        let before = try residentPeak(reset: true)
        let store = try folder.open()
        let blob = try store.put(path: path)
        let outPath = try folder.file("out", [])
        let out = try #require(FileHandle(forWritingAtPath: outPath))
        try store.verify(blob.id)
        try store.copy(blob.id, to: out.fileDescriptor)
        let after = try residentPeak(reset: false)
        guard blob.size == size, after - before < memoryBytes else {
            fatalError("\(after - before) bytes of memory for \(blob.size) bytes")
        }
        guard try store.put(path: outPath).id == blob.id else { fatalError("other bytes") }
    }

    /// The most that was resident since the last reset.
    ///
    /// Source: proc(5), `clear_refs` and `VmHWM`.
    private static func residentPeak(reset: Bool) throws -> Int {
        if reset {
            try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        }
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        let words = line.split { !$0.isNumber }
        return try #require(words.first.flatMap { Int($0) }) << 10
    }
}
