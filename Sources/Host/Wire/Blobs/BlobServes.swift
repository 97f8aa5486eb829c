/// What this side of a connection sends of its blobs, one piece at a time.
///
/// Decides and does nothing.
/// Only one piece is read at a time, and only while little waits for the peer: therefore a blob
/// never stands before an order for longer than a piece takes.
struct BlobServes {
    /// A piece to read.
    struct Reading: Equatable {
        var request: UInt64
        var sha256: [UInt8]
        var offset: UInt64
        var length: Int
    }

    private struct Running {
        var sha256: [UInt8]
        var next: UInt64
        /// Bytes that were asked for and not read yet; `nil` is all there are.
        var left: UInt64?
        var credit: UInt64
    }

    private let limits: WireLimits
    private var running: [UInt64: Running] = [:]
    /// Who is served, in turn.
    private var turns: [UInt64] = []
    private var reading: UInt64?

    init(limits: WireLimits) { self.limits = limits }

    /// Takes a request on; an answer if it cannot be.
    mutating func begin(_ request: WireBlobRequest) throws(WireError) -> WireBlobFailureCode? {
        guard running[request.request] == nil else {
            throw .blobOutOfOrder(request: request.request)
        }
        guard Self.isName(request.sha256) else { return .missing }
        guard running.count < limits.blobRequests else { return .busy }
        running[request.request] = Running(
            sha256: Array(request.sha256), next: request.offset,
            left: request.length == 0 ? nil : request.length,
            credit: min(request.credit, UInt64(limits.blobCreditBytes)))
        turns.append(request.request)
        return nil
    }

    /// Whether it is the id of a blob, or asks for the sums of one.
    private static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count == 32 || (bytes.count == 33 && bytes.dropFirst(32).first == 1)
    }

    /// The peer takes more: never more than the limit at a time.
    mutating func credit(_ credit: WireBlobCredit) {
        guard let present = running[credit.request]?.credit else { return }
        let (sum, overflow) = present.addingReportingOverflow(credit.bytes)
        running[credit.request]?.credit = min(
            overflow ? .max : sum, UInt64(limits.blobCreditBytes))
    }

    /// The peer does not want it any more.
    mutating func cancel(_ request: UInt64) {
        running[request] = nil
        turns.removeAll { $0 == request }
    }

    /// The next piece to read, if one is wanted and none is being read.
    mutating func nextReading() -> Reading? {
        guard reading == nil else { return nil }
        for (place, request) in turns.enumerated() {
            guard let serve = running[request], serve.credit > 0 else { continue }
            turns.remove(at: place)
            turns.append(request)
            reading = request
            let length = min(
                serve.credit, serve.left ?? .max, UInt64(limits.blobChunkBytes))
            return Reading(
                request: request, sha256: serve.sha256, offset: serve.next, length: Int(length))
        }
        return nil
    }

    /// A piece was read: what to send; `nil` if nobody wants it any more.
    mutating func didRead(
        _ request: UInt64, _ piece: Result<WireBlobPiece, WireBlobError>
    ) -> WireMessage.OneOf_Kind? {
        reading = nil
        guard var serve = running[request] else { return nil }
        switch piece {
        case .failure(let error):
            cancel(request)
            return .blobFailed(Self.failed(request, error))
        case .success(let piece):
            let end = serve.next + UInt64(piece.bytes.count)
            guard serve.next <= piece.size, end <= piece.size,
                piece.bytes.count <= limits.blobChunkBytes
            else {
                cancel(request)
                return .blobFailed(Self.failed(request, .outOfRange))
            }
            let chunk = WireBlobChunk.with {
                $0.request = request
                $0.offset = serve.next
                $0.bytes = .init(piece.bytes)
                $0.size = piece.size
                let left = serve.left.map { $0 - min($0, UInt64(piece.bytes.count)) }
                $0.last = end == piece.size || left == 0
            }
            serve.next = end
            serve.left = serve.left.map { $0 - min($0, UInt64(piece.bytes.count)) }
            serve.credit -= min(serve.credit, UInt64(piece.bytes.count))
            running[request] = serve
            if chunk.last {
                cancel(request)
            } else if piece.bytes.isEmpty {
                cancel(request)
                return .blobFailed(Self.failed(request, .unreadable("no bytes before the end")))
            }
            return .blobChunk(chunk)
        }
    }

    static func failed(_ request: UInt64, _ error: WireBlobError) -> WireBlobFailed {
        .with {
            $0.request = request
            switch error {
            case .missing: $0.code = .missing
            case .outOfRange: $0.code = .range
            case .busy: $0.code = .busy
            case .unreadable(let text):
                $0.code = .unreadable
                $0.message = text
            case .disconnected, .cancelled: $0.code = .unreadable
            }
        }
    }
}
