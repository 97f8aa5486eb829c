/// Where blobs are read for peers.
package protocol WireBlobSource: AnyObject, Sendable {
    /// Reads at most `length` bytes from `offset`; `done` comes once, from any thread.
    ///
    /// Called from an event loop: it may not wait for a disk.
    func readBlob(
        _ sha256: [UInt8], offset: UInt64, length: Int,
        done: @escaping @Sendable (Result<WireBlobPiece, WireBlobError>) -> Void)
}

/// Some bytes of a blob.
package struct WireBlobPiece: Hashable, Sendable {
    /// The bytes; empty only at or after the end.
    package var bytes: [UInt8]
    /// Of the whole blob.
    package var size: UInt64

    /// Some bytes.
    package init(bytes: [UInt8], size: UInt64) {
        self.bytes = bytes
        self.size = size
    }
}

/// Where the bytes of a fetched blob go.
package protocol WireBlobSink: AnyObject, Sendable {
    /// The next bytes, in order; more come once ``WireSession/credit(_:bytes:)`` was called for these.
    func blob(_ request: UInt64, received piece: WireBlobPiece, at offset: UInt64)
    /// All that was asked for has come, or no more will.
    func blob(_ request: UInt64, ended error: WireBlobError?)
}

/// Why a blob did not come.
package enum WireBlobError: Error, Hashable, Sendable {
    /// The peer does not have it.
    case missing
    /// It is not that long.
    case outOfRange
    /// The peer has it and cannot read it.
    case unreadable(String)
    /// The peer, or this side, is sending or fetching too many.
    case busy
    /// The connection ended.
    case disconnected(WireError)
    /// ``WireSession/cancelBlob(_:)`` was called.
    case cancelled
}
