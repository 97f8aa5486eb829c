/// What a connection and a listener take.
package struct WireLimits: Hashable, Sendable {
    /// Bytes of a frame, without its length.
    package var frameBytes = 16 << 20
    /// Bytes of a frame before the peer was let in.
    package var handshakeFrameBytes = 64 << 10
    /// Messages in a frame.
    package var messagesPerFrame = 65_536
    /// Messages that were handed over and are not done with yet; more are not read.
    package var messagesInFlight = 65_536
    /// Messages of one peer in a second, on average.
    package var messagesPerSecond = 100_000
    /// Messages that may come at once after a quiet time.
    package var messageBurst = 200_000
    /// Bytes that wait for a peer before it counts as slow.
    package var slowBytes = 8 << 20
    /// Bytes that wait for a peer before its connection is ended.
    package var queuedBytes = 128 << 20
    /// Milliseconds until the first message, TLS included, and until its answer.
    package var handshakeMilliseconds: Int64 = 10_000
    /// Milliseconds between the first and the last byte of a frame.
    package var frameMilliseconds: Int64 = 60_000
    /// Milliseconds that a peer which was refused has for reading why.
    package var lingerMilliseconds: Int64 = 1_000

    /// Connections to a listener.
    package var connections = 4_096
    /// Connections to a listener from one address.
    package var connectionsPerAddress = 1_024
    /// Failed tries from one address in a minute; then it is not listened to until the next.
    package var failuresPerMinute = 120
    /// Addresses whose failures are remembered.
    package var rememberedAddresses = 4_096

    /// Bytes of a blob in one message.
    package var blobChunkBytes = 256 << 10
    /// Bytes of a blob that may be under way: the credit of a request.
    package var blobCreditBytes = 4 << 20
    /// Blobs that one peer may be sent at a time.
    package var blobRequests = 64
    /// Bytes that wait for a peer before no more of a blob is read for it.
    package var blobQueuedBytes = 1 << 20

    /// The usual limits.
    package init() {}
}

/// The versions of the protocol.
package enum WireVersion {
    /// What this program speaks: the newest and, once there is one, the one before.
    package static let spoken: ClosedRange<UInt32> = 1...1

    /// The highest version in both ranges.
    package static func common(
        _ ours: ClosedRange<UInt32>, _ theirs: ClosedRange<UInt32>
    ) -> UInt32? {
        let highest = min(ours.upperBound, theirs.upperBound)
        return ours.contains(highest) && theirs.contains(highest) ? highest : nil
    }
}
