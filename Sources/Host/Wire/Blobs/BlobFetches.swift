/// A wish for a blob.
struct BlobFetch: Sendable {
    var request: UInt64
    var sha256: [UInt8]
    var offset: UInt64
    var length: UInt64
    var sink: any WireBlobSink
}

/// What this side of a connection fetches.
///
/// Decides and does nothing.
struct BlobFetches {
    private struct Running {
        var sink: any WireBlobSink
        /// Where the next chunk begins.
        var next: UInt64
        /// Where the last one ends; `nil` until the size is known.
        var end: UInt64?
        var length: UInt64
        /// Bytes that may still come.
        var credit: Int
    }

    private let limits: WireLimits
    private var running: [UInt64: Running] = [:]
    /// Requests above this were never made.
    private var highest: UInt64 = 0

    init(limits: WireLimits) { self.limits = limits }

    /// The request to send; `nil` if there are too many.
    mutating func begin(_ fetch: BlobFetch) -> WireBlobRequest? {
        highest = max(highest, fetch.request)
        guard running.count < limits.blobRequests else { return nil }
        running[fetch.request] = Running(
            sink: fetch.sink, next: fetch.offset, end: nil, length: fetch.length,
            credit: limits.blobCreditBytes)
        return .with {
            $0.request = fetch.request
            $0.sha256 = .init(fetch.sha256)
            $0.offset = fetch.offset
            $0.length = fetch.length
            $0.credit = UInt64(limits.blobCreditBytes)
        }
    }

    /// A chunk came: the sink that gets it; `nil` if nobody wants it any more.
    mutating func receive(
        _ chunk: WireBlobChunk
    ) throws(WireError) -> (sink: any WireBlobSink, isLast: Bool)? {
        let wrong = WireError.blobOutOfOrder(request: chunk.request)
        guard chunk.request <= highest else { throw wrong }
        guard var fetch = running[chunk.request] else { return nil }
        guard chunk.offset == fetch.next, chunk.bytes.count <= fetch.credit,
            chunk.bytes.count <= limits.blobChunkBytes, chunk.last || !chunk.bytes.isEmpty
        else { throw wrong }
        let wanted = fetch.length == 0 ? UInt64.max : fetch.length
        let (limit, overflow) = chunk.offset.addingReportingOverflow(wanted)
        let end = fetch.end ?? min(chunk.size, overflow ? .max : limit)
        fetch.end = end
        fetch.next += UInt64(chunk.bytes.count)
        fetch.credit -= chunk.bytes.count
        guard fetch.next <= end, chunk.last == (fetch.next == end) else { throw wrong }
        running[chunk.request] = chunk.last ? nil : fetch
        return (fetch.sink, chunk.last)
    }

    /// The peer will not send it: the sink to tell.
    mutating func fail(_ request: UInt64) throws(WireError) -> (any WireBlobSink)? {
        guard request <= highest else { throw .blobOutOfOrder(request: request) }
        return running.removeValue(forKey: request)?.sink
    }

    /// More may come: whether the peer is to be told.
    mutating func credit(_ request: UInt64, bytes: Int) -> Bool {
        guard running[request] != nil else { return false }
        running[request]?.credit += bytes
        return true
    }

    /// Nobody wants it any more.
    mutating func cancel(_ request: UInt64) -> (any WireBlobSink)? {
        running.removeValue(forKey: request)?.sink
    }

    /// The connection is over: who waits in vain, in the order of the requests.
    mutating func endAll() -> [(request: UInt64, sink: any WireBlobSink)] {
        defer { running = [:] }
        return running.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sink) }
    }
}
