import FanfoldBlobs
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// The blobs at the other end of a connection.
final class SessionBlobs: BlobSource {
    let name: String
    let isLastResort: Bool
    private let session: WireSession

    init(_ session: WireSession, name: String, isLastResort: Bool = false) {
        self.session = session
        self.isLastResort = isLastResort
        self.name = "\(name) \(session.number)"
    }

    func sums(
        of blob: BlobReference, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        try read(sha256: blob.id.bytes + [SessionBlobs.sumsMark], offset: 0, length: 0, limit)
    }

    func read(
        _ blob: BlobReference, _ range: Range<Int64>, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        try read(
            sha256: blob.id.bytes, offset: UInt64(range.lowerBound),
            length: UInt64(range.count), limit)
    }

    /// Follows an id where not the blob but the sums of its chunks are wanted.
    static let sumsMark: UInt8 = 1

    private func read(
        sha256: [UInt8], offset: UInt64, length: UInt64, _ limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        let sink = GatheringSink(session)
        let request = session.fetchBlob(sha256, offset: offset, length: length, into: sink)
        guard let outcome = sink.wait(limit) else {
            session.cancelBlob(request)
            throw .slow
        }
        switch outcome {
        case .success(let bytes): return bytes
        case .failure(.missing): throw .missing
        case .failure(let error): throw .failed("\(error)")
        }
    }
}

/// Gathers a part of a blob for a thread that waits.
private final class GatheringSink: WireBlobSink {
    private let session: WireSession
    private let done = TimedSemaphore()
    private let state = Mutex<(bytes: [UInt8], end: Result<Void, WireBlobError>?)>(([], nil))

    init(_ session: WireSession) { self.session = session }

    func blob(_ request: UInt64, received piece: WireBlobPiece, at offset: UInt64) {
        state.withLock { $0.bytes += piece.bytes }
        session.credit(request, bytes: piece.bytes.count)
    }

    func blob(_ request: UInt64, ended error: WireBlobError?) {
        state.withLock { $0.end = error.map { .failure($0) } ?? .success(()) }
        done.signal()
    }

    func wait(_ limit: Duration) -> Result<[UInt8], WireBlobError>? {
        guard done.wait(limit) else { return nil }
        return state.withLock { state in state.end?.map { state.bytes } }
    }
}
