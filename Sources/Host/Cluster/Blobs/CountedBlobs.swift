import FanfoldWire
import Synchronization

/// Blobs for peers, with a count of the bytes that went out.
final class CountedBlobs: WireBlobSource {
    private let blobs: any WireBlobSource
    private let sent = Atomic<UInt64>(0)

    init(_ blobs: any WireBlobSource) { self.blobs = blobs }

    /// Bytes that were given to peers since the process began.
    var bytesSent: UInt64 { sent.load(ordering: .relaxed) }

    func readBlob(
        _ sha256: [UInt8], offset: UInt64, length: Int,
        done: @escaping @Sendable (Result<WireBlobPiece, WireBlobError>) -> Void
    ) {
        blobs.readBlob(sha256, offset: offset, length: length) { [self] outcome in
            if case .success(let piece) = outcome {
                sent.add(UInt64(piece.bytes.count), ordering: .relaxed)
            }
            done(outcome)
        }
    }
}
