import NIOCore
import Synchronization
import Testing

@testable import FanfoldWire

/// Blobs in memory; their first byte is their name.
private final class MemoryBlobs: WireBlobSource {
    private let blobs: [UInt8: [UInt8]]
    let reads = Mutex(0)

    init(_ blobs: [UInt8: [UInt8]]) { self.blobs = blobs }

    func readBlob(
        _ sha256: [UInt8], offset: UInt64, length: Int,
        done: @escaping @Sendable (Result<WireBlobPiece, WireBlobError>) -> Void
    ) {
        reads.withLock { $0 += 1 }
        guard let blob = blobs[sha256[0]] else { return done(.failure(.missing)) }
        let bytes = Array(blob.dropFirst(Int(clamping: offset)).prefix(length))
        done(.success(WireBlobPiece(bytes: bytes, size: UInt64(blob.count))))
    }
}

private final class MemorySink: WireBlobSink {
    private let credits: Bool
    let session = Mutex<WireSession?>(nil)
    let bytes = Mutex<[UInt8]>([])
    let ended = Happenings<WireBlobError?>()
    let pieces = Happenings<Int>()

    init(credits: Bool = true) { self.credits = credits }

    func blob(_ request: UInt64, received piece: WireBlobPiece, at offset: UInt64) {
        bytes.withLock {
            #expect(offset == UInt64($0.count) || offset == 3)
            $0 += piece.bytes
        }
        pieces.add(piece.bytes.count)
        if credits { session.withLock { $0 }?.credit(request, bytes: piece.bytes.count) }
    }

    func blob(_ request: UInt64, ended error: WireBlobError?) { ended.add(error) }

    func end() async -> WireBlobError?? { await ended.first { .some($0) } }
}

@Suite(.timeLimit(.minutes(1))) struct BlobTests {
    private static var limits: WireLimits {
        var limits = WireLimits()
        limits.blobChunkBytes = 1_000
        limits.blobCreditBytes = 4_000
        limits.blobRequests = 2
        return limits
    }

    private static let big = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    private func name(_ first: UInt8) -> [UInt8] { [first] + [UInt8](repeating: 0, count: 31) }

    private func connect(
        _ blobs: MemoryBlobs
    ) async throws -> (Loopback, WireClient, WireSession) {
        let loopback = try Loopback(RecordingServer(blobs: blobs), limits: Self.limits)
        let delegate = RecordingClient()
        let client = loopback.client(delegate, limits: Self.limits)
        let session = try #require(await delegate.welcomed()).session
        return (loopback, client, session)
    }

    @Test func `a blob comes whole, or the part that was asked for`() async throws {
        let (loopback, client, session) = try await connect(
            MemoryBlobs([1: Self.big, 2: [], 3: [1, 2, 3]]))
        func fetch(_ first: UInt8, _ offset: UInt64, _ length: UInt64) async -> [UInt8]? {
            let sink = MemorySink()
            sink.session.withLock { $0 = session }
            session.fetchBlob(name(first), offset: offset, length: length, into: sink)
            guard case .some(.none) = await sink.end() else { return nil }
            return sink.bytes.withLock { $0 }
        }
        #expect(await fetch(1, 0, 0) == Self.big)
        #expect(await fetch(2, 0, 0) == [])
        #expect(await fetch(3, 3, 0) == [])
        #expect(await fetch(3, 0, 2) == [1, 2])
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `the sums of a blob are asked for by one byte more, which is 1`() async throws {
        let (loopback, client, session) = try await connect(MemoryBlobs([1: Self.big]))
        for (mark, isTaken) in [(1, true), (2, false)] as [(UInt8, Bool)] {
            let sink = MemorySink()
            sink.session.withLock { $0 = session }
            session.fetchBlob(name(1) + [mark], into: sink)
            #expect(await sink.end() == (isTaken ? .some(nil) : .some(.missing)))
        }
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `what is not there, or not that long, is an error`() async throws {
        let (loopback, client, session) = try await connect(MemoryBlobs([3: [1, 2, 3]]))
        for (first, offset, error) in [
            (9, 0, .missing), (3, 4, .outOfRange), (3, .max, .outOfRange),
        ] as [(UInt8, UInt64, WireBlobError)] {
            let sink = MemorySink()
            session.fetchBlob(name(first), offset: offset, into: sink)
            #expect(await sink.end() == .some(error))
        }
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `who asks over a connection that is over is told so`() async throws {
        let (loopback, client, session) = try await connect(MemoryBlobs([3: [1, 2, 3]]))
        loopback.server.stop(reason: "over")
        // At any moment of the end, and when the channel has taken its handlers out.
        for _ in 0..<20 {
            let sink = MemorySink()
            session.fetchBlob(name(3), into: sink)
            let end = try #require(await sink.end())
            if let end, case .disconnected = end { continue }
            #expect(end == nil || end == .cancelled, "\(String(describing: end))")
        }
        client.stop(reason: "done")
        try await Task.sleep(for: .milliseconds(100))
        let late = MemorySink()
        session.fetchBlob(name(3), into: late)
        guard case .some(.some(.disconnected)) = await late.end() else {
            Issue.record("nobody told it")
            return
        }
    }

    @Test func `no more comes than was given credit for, and orders pass`() async throws {
        let blobs = MemoryBlobs([1: Self.big])
        let (loopback, client, session) = try await connect(blobs)
        let sink = MemorySink(credits: false)
        let request = session.fetchBlob(name(1), into: sink)
        for _ in 0..<4 { #expect(await sink.pieces.first { $0 } == 1_000) }
        // All that comes now comes after anything that would still be under way.
        let greeted = try #require(await loopback.delegate.greeted())
        session.send([ended(1)])
        #expect(await loopback.delegate.messages(1) == [ended(1)])
        greeted.session.send([WireMessage(.drain(.init()))])
        #expect(sink.bytes.withLock { $0.count } == 4_000)
        #expect(blobs.reads.withLock { $0 } == 4)
        session.credit(request, bytes: 500)
        #expect(await sink.pieces.first { $0 } == 500)
        session.cancelBlob(request)
        #expect(await sink.end() == .some(.cancelled))
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `so many blobs are fetched at a time and no more`() async throws {
        let (loopback, client, session) = try await connect(MemoryBlobs([1: Self.big]))
        let sinks = (0..<3).map { _ in MemorySink(credits: false) }
        for sink in sinks { session.fetchBlob(name(1), into: sink) }
        #expect(await sinks[2].end() == .some(.busy))
        client.stop(reason: "done")
        guard case .some(.some(.disconnected)) = await sinks[0].end() else {
            Issue.record("a fetch outlived its connection")
            return
        }
        loopback.server.stop(reason: "over")
    }

    @Test func `chunks that were not asked for are an error`() throws {
        var fetches = BlobFetches(limits: Self.limits)
        let sink = MemorySink()
        _ = fetches.begin(
            BlobFetch(request: 1, sha256: name(1), offset: 10, length: 20, sink: sink))
        func chunk(_ offset: UInt64, _ count: Int, last: Bool = false, size: UInt64 = 100)
            -> WireBlobChunk
        {
            .with {
                $0.request = 1
                $0.offset = offset
                $0.bytes = .init(count: count)
                $0.last = last
                $0.size = size
            }
        }
        for wrong in [
            chunk(0, 5), chunk(10, 0), chunk(10, 21), chunk(10, 5, last: true), chunk(10, 20),
            chunk(10, 1_001), chunk(10, 5, size: 12),
        ] {
            var copy = fetches
            #expect(throws: WireError.blobOutOfOrder(request: 1)) { try copy.receive(wrong) }
        }
        #expect(try fetches.receive(chunk(10, 5))?.isLast == false)
        #expect(try fetches.receive(chunk(15, 15, last: true))?.isLast == true)
        // What was under way when it was cancelled comes to nobody.
        #expect(try fetches.receive(chunk(30, 5)) == nil)
        #expect(throws: WireError.self) { try fetches.fail(2) }
    }

    @Test func `requests are served in turn, one piece at a time`() throws {
        var serves = BlobServes(limits: Self.limits)
        for request in [1, 2, 3] as [UInt64] {
            let refused = try serves.begin(
                .with {
                    $0.request = request
                    $0.sha256 = .init(name(1))
                    $0.credit = .max
                })
            #expect(refused == (request == 3 ? .busy : nil))
        }
        #expect(throws: WireError.blobOutOfOrder(request: 1)) {
            try serves.begin(.with { $0.request = 1 })
        }
        let piece = WireBlobPiece(bytes: [UInt8](repeating: 0, count: 1_000), size: 100_000)
        var order: [UInt64] = []
        while let reading = serves.nextReading() {
            #expect(serves.nextReading() == nil)
            #expect(reading.length == 1_000)
            order.append(reading.request)
            #expect(serves.didRead(reading.request, .success(piece)) != nil)
        }
        #expect(order == [1, 2, 1, 2, 1, 2, 1, 2])
        serves.credit(
            .with {
                $0.request = 2
                $0.bytes = .max
            })
        #expect(serves.nextReading()?.request == 2)
    }
}
