import Foundation
import Synchronization
import Testing

@testable import FanfoldBlobs

/// A holder whose answers a test decides.
final class ScriptedSource: BlobSource {
    let name: String
    let isLastResort: Bool
    private let bytes: [UInt8]
    private let given: ChunkSums
    private let script: @Sendable (Int) throws(BlobSourceFailure) -> Bool
    let asked = Mutex<[Int]>([])
    let sumsAsked = Mutex(0)

    /// Parameter script: Whether the chunk of that number is right; or why there is none.
    init(
        _ name: String, _ bytes: [UInt8], sumsOf other: [UInt8]? = nil,
        isLastResort: Bool = false,
        script: @escaping @Sendable (Int) throws(BlobSourceFailure) -> Bool = {
            _ throws(BlobSourceFailure) in true
        }
    ) {
        self.name = name
        self.isLastResort = isLastResort
        self.bytes = bytes
        self.script = script
        var hasher = ContentHasher()
        (other ?? bytes).withUnsafeBytes { hasher.update($0) }
        given = hasher.finish().sums
    }

    func sums(
        of blob: BlobReference, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        sumsAsked.withLock { $0 += 1 }
        if try !script(-1) { return [1, 2, 3] }
        return given.encoded
    }

    func read(
        _ blob: BlobReference, _ range: Range<Int64>, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        let index = Int(range.lowerBound) / ChunkSums.chunkBytes
        asked.withLock { $0.append(index) }
        var part = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        if try !script(index) { part[part.count / 2] ^= 1 }
        return part
    }
}

@Suite struct `A fetch` {
    private let folder = BlobTestFolder()
    private let bytes = bigNoise((5 << 20) + 77, seed: 21)
    private var blob: BlobReference {
        BlobReference(id: BlobID.of(bytes), size: Int64(bytes.count))
    }

    private func fetcher(_ store: BlobStore, threads: Int = 4) -> BlobFetcher {
        var limits = BlobFetchLimits()
        limits.threads = threads
        return BlobFetcher(store: store, limits: limits) { Thread.detachNewThread($0) }
    }

    private func fetch(
        _ fetcher: BlobFetcher, _ blob: BlobReference, _ sources: [ScriptedSource],
        pinnedFor owner: String? = nil
    ) async -> Swift.Result<BlobReference, BlobError> {
        await withCheckedContinuation { continuation in
            fetcher.fetch(blob, from: sources, pinnedFor: owner) {
                continuation.resume(returning: $0)
            }
        }
    }

    @Test func `brings a blob from several holders, pinned, and once`() async throws {
        let store = try folder.open(.durable)
        let fetcher = fetcher(store)
        let sources = ["a", "b", "c"].map { ScriptedSource($0, bytes) }
        #expect(await fetch(fetcher, blob, sources, pinnedFor: "run") == .success(blob))
        #expect(try store.read(blob.id) == bytes)
        #expect(store.pinnedBlobs == ["run": [blob.id: 1]])
        let asked = sources.flatMap { $0.asked.withLock { $0 } }
        #expect(asked.sorted() == Array(0..<6))
        #expect(sources.map { $0.sumsAsked.withLock { $0 } }.reduce(0, +) == 1)
        #expect(store.figures.reservedBytes == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.fetches) == [])
        #expect(await fetch(fetcher, blob, []) == .success(blob))
    }

    @Test func `asks the last resort only when nobody is left that never failed`() async throws {
        let fetcher = fetcher(try folder.open())
        let last = ScriptedSource("coordinator", bytes, isLastResort: true)
        let peer = ScriptedSource("peer", bytes)
        #expect(await fetch(fetcher, blob, [last, peer]) == .success(blob))
        #expect(last.asked.withLock { $0 } == [])
        #expect(last.sumsAsked.withLock { $0 } == 0)

        let other = bigNoise((3 << 20) + 5, seed: 22)
        let reference = BlobReference(id: BlobID.of(other), size: Int64(other.count))
        let dead = ScriptedSource("dead", other) { _ throws(BlobSourceFailure) in
            throw .failed("it is gone")
        }
        let coordinator = ScriptedSource("coordinator", other, isLastResort: true)
        #expect(await fetch(fetcher, reference, [dead, coordinator]) == .success(reference))
        #expect(dead.sumsAsked.withLock { $0 } == 1)
        #expect(dead.asked.withLock { $0 } == [])
        #expect(coordinator.asked.withLock { $0 }.sorted() == Array(0..<4))
    }

    @Test func `is one however many ask, and each of them pins`() async throws {
        let store = try folder.open()
        let fetcher = fetcher(store)
        let source = ScriptedSource("a", bytes)
        let answers = await withTaskGroup(of: Swift.Result<BlobReference, BlobError>.self) {
            for number in 0..<50 {
                $0.addTask { await fetch(fetcher, blob, [source], pinnedFor: "run-\(number)") }
            }
            return await $0.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .success(blob), count: 50))
        #expect(source.asked.withLock { $0 }.sorted() == Array(0..<6))
        #expect(store.pinnedBlobs.count == 50)
        #expect(fetcher.count == 0)
    }

    @Test func `of a small blob needs no sums`() async throws {
        let store = try folder.open()
        let small = noise(500, seed: 1)
        let source = ScriptedSource("a", small)
        let blob = BlobReference(id: BlobID.of(small), size: 500)
        #expect(await fetch(fetcher(store), blob, [source]) == .success(blob))
        #expect(source.sumsAsked.withLock { $0 } == 0)
    }

    @Test func `does not ask one again who gave a wrong chunk`() async throws {
        let store = try folder.open()
        let honest = ScriptedSource("honest", bytes)
        let liar = ScriptedSource("liar", bytes) { index throws(BlobSourceFailure) in index < 0 }
        #expect(await fetch(fetcher(store, threads: 1), blob, [honest, liar]) == .success(blob))
        #expect(try store.read(blob.id) == bytes)
        #expect(liar.asked.withLock { $0 }.count <= 1)
    }

    @Test func `finds out whose sums are a lie`() async throws {
        let other = bigNoise(bytes.count, seed: 22)
        // One who gives sums of something else, and bytes that agree with them or do not.
        for content in [other, bytes] {
            let folder = BlobTestFolder()
            let store = try folder.open()
            let liar = ScriptedSource("liar", content, sumsOf: other)
            let honest = ["a", "b"].map { ScriptedSource($0, bytes) }
            let result = await fetch(fetcher(store), blob, [liar] + honest)
            #expect(result == .success(blob))
            #expect(try store.read(blob.id) == bytes)
            withExtendedLifetime(folder) {}
        }
    }

    @Test func `goes on with the next when one has it not, fails, is slow or talks nonsense`()
        async throws
    {
        let store = try folder.open()
        let sources = [
            ScriptedSource("empty", bytes) { _ throws(BlobSourceFailure) in throw .missing },
            ScriptedSource("slow", bytes) { _ throws(BlobSourceFailure) in throw .slow },
            ScriptedSource("away", bytes) { _ throws(BlobSourceFailure) in
                throw .failed("connection refused")
            },
            ScriptedSource("mad", bytes) { index throws(BlobSourceFailure) in index >= 0 },
            ScriptedSource("good", bytes),
        ]
        #expect(await fetch(fetcher(store), blob, sources) == .success(blob))
        #expect(sources[0].sumsAsked.withLock { $0 } == 1)
        #expect(sources[1].sumsAsked.withLock { $0 } <= 3)
    }

    @Test func `from nobody says why, one line a holder`() async throws {
        let store = try folder.open()
        let sources = [
            ScriptedSource("empty", bytes) { _ throws(BlobSourceFailure) in throw .missing },
            ScriptedSource("away", bytes) { _ throws(BlobSourceFailure) in
                throw .failed("connection refused")
            },
        ]
        #expect(
            await fetch(fetcher(store), blob, sources)
                == .failure(
                    .noSource(
                        blob.id, reasons: ["empty: does not have it", "away: connection refused"])))
        #expect(await fetch(fetcher(store), blob, []) == .failure(.noSource(blob.id, reasons: [])))
        #expect(store.figures.reservedBytes == 0)
    }

    @Test func `goes on where an earlier one ended, and asks only for what is missing`()
        async throws
    {
        let store = try folder.open()
        let first = ScriptedSource("first", bytes) { index throws(BlobSourceFailure) in
            if index >= 3 { throw .missing }
            return true
        }
        guard case .failure(.noSource) = await fetch(fetcher(store, threads: 1), blob, [first])
        else {
            Issue.record("a part was taken for the whole")
            return
        }
        let second = ScriptedSource("second", bytes)
        #expect(await fetch(fetcher(store), blob, [second]) == .success(blob))
        #expect(second.asked.withLock { $0 }.sorted() == [3, 4, 5])
        #expect(try store.read(blob.id) == bytes)
    }

    @Test func `has its room before it begins`() async throws {
        let store = try folder.open { $0.totalBytes = 1 << 20 }
        let source = ScriptedSource("a", bytes)
        guard case .failure(.storeFull) = await fetch(fetcher(store), blob, [source]) else {
            Issue.record("it was not refused")
            return
        }
        #expect(source.asked.withLock { $0 } == [])
    }

    @Test func `of a blob of another size is refused`() async throws {
        let store = try folder.open()
        let id = try store.put([1, 2, 3])
        let wrong = BlobReference(id: id, size: 4)
        #expect(
            await fetch(fetcher(store), wrong, []) == .failure(.wrongSize(wanted: 4, found: 3)))
        let long = BlobReference(id: BlobID.of([7, 7]), size: 3)
        let source = ScriptedSource("a", [7, 7, 7])
        guard case .failure(.noSource) = await fetch(fetcher(store), long, [source]) else {
            Issue.record("it was not refused")
            return
        }
    }

    @Test func `asked for after the end is refused`() async throws {
        let store = try folder.open()
        let fetcher = fetcher(store)
        fetcher.close()
        #expect(await fetch(fetcher, blob, []) == .failure(.fetchEnded(blob.id)))
    }
}
