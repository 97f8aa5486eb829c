/// Why a connection ended, was not made, or was refused.
///
/// An error ends one connection and nothing else.
package enum WireError: Error, Hashable, Sendable {
    /// The address cannot be listened on or connected to without TLS.
    case needsTLS(address: String)
    /// The address means nothing.
    case badAddress(String)
    /// The operating system refused to listen or to connect.
    case system(String)
    /// The TLS handshake failed.
    case tls(String)
    /// A frame says that it is longer than it may be.
    case frameTooLong(bytes: Int, limit: Int)
    /// A frame is not a list of messages.
    case garbage
    /// A frame has more messages than it may have.
    case tooManyMessages(count: Int, limit: Int)
    /// The connection ended in the middle of a frame.
    case truncated
    /// A frame was begun and not completed in time, or the first message did not come in time.
    case tooSlow(WireDeadline)
    /// More messages came in a second than may come.
    case flood(limit: Int)
    /// A message came that may not come from this peer, or not now.
    case outOfOrder(message: String, state: String)
    /// A numbered message is missing.
    case sequenceGap(expected: UInt64, found: UInt64)
    /// A chunk of a blob was not asked for.
    case blobOutOfOrder(request: UInt64)
    /// The peer does not read: more bytes wait for it than may wait.
    case peerTooSlow(bytes: Int, limit: Int)
    /// A message that was to be sent is longer than a frame may be.
    case messageTooLong(bytes: Int, limit: Int)
    /// No version of the protocol is spoken by both.
    case noCommonVersion(ours: ClosedRange<UInt32>, theirs: ClosedRange<UInt32>)
    /// The peer is not who it has to be; it is told nothing more than that.
    case notAllowed(WireDenial)
    /// There are too many connections, or too many failed tries, from there or in all.
    case busy
    /// The peer refused; what it said.
    case refused(code: WireRefusalCode, message: String)
    /// The peer said goodbye; what it said.
    case goodbye(reason: String)
    /// The peer is gone.
    case disconnected
    /// This side ended the connection.
    case closedHere(reason: String)

    /// Whether another try can do no good until a person has done something.
    package var isPermanent: Bool {
        switch self {
        case .needsTLS, .badAddress, .noCommonVersion: true
        case .refused(let code, _): code == .version || code == .notAllowed
        default: false
        }
    }

    /// One word for programs: stands in logs, and in Goodbye.
    package var name: String {
        switch self {
        case .needsTLS: "needs-tls"
        case .badAddress: "bad-address"
        case .system: "system"
        case .tls: "tls"
        case .frameTooLong: "frame-too-long"
        case .garbage: "garbage"
        case .tooManyMessages: "too-many-messages"
        case .truncated: "truncated"
        case .tooSlow: "too-slow"
        case .flood: "flood"
        case .outOfOrder: "out-of-order"
        case .sequenceGap: "sequence-gap"
        case .blobOutOfOrder: "blob-out-of-order"
        case .peerTooSlow: "peer-too-slow"
        case .messageTooLong: "message-too-long"
        case .noCommonVersion: "no-common-version"
        case .notAllowed: "not-allowed"
        case .busy: "busy"
        case .refused: "refused"
        case .goodbye: "goodbye"
        case .disconnected: "disconnected"
        case .closedHere: "closed-here"
        }
    }
}

/// What was waited for in vain.
package enum WireDeadline: String, Hashable, Sendable {
    /// The first message, or its answer.
    case handshake
    /// The rest of a frame.
    case frame
}

/// Why a peer was turned away: for the log of who turned it away, never for the peer.
package enum WireDenial: String, Error, Hashable, Sendable {
    /// It has no certificate.
    case noCertificate = "no certificate"
    /// Its certificate names nobody.
    case unnamedCertificate = "a certificate that names no worker"
    /// Its certificate names another than its Hello.
    case otherName = "a certificate that names another"
    /// Its certificate was revoked.
    case revoked = "a revoked certificate"
    /// It has no token, or a wrong one.
    case wrongToken = "a wrong token"
    /// The token was good for an earlier time.
    case expiredToken = "an expired token"
    /// The token was used up.
    case usedToken = "a token that was used up"
    /// The token is for other workers than this.
    case wrongScope = "a token of another scope"
    /// The worker has a certificate: it cannot be joined a second time.
    case knownWorker = "the uid of a worker that has joined"
    /// The certificate request is not one, or its signature is wrong.
    case badRequest = "a bad certificate request"
    /// It may not use this address for that.
    case wrongPurpose = "a purpose that is not served here"
}

extension WireError: CustomStringConvertible {
    /// What was wanted, what was found, what to do.
    package var description: String {
        switch self {
        case .needsTLS(let address):
            "\(address) is not this machine alone: only TLS may be used there; "
                + "listen on 127.0.0.1, ::1 or a socket, or give certificates"
        case .badAddress(let text):
            "wanted HOST:PORT, [IPv6]:PORT or unix:PATH, found \(text)"
        case .system(let text): text
        case .tls(let text): "TLS failed: \(text)"
        case .frameTooLong(let bytes, let limit):
            "the peer announced a frame of \(bytes) bytes; at most \(limit) are allowed now"
        case .garbage: "the peer sent a frame that is no list of messages"
        case .tooManyMessages(let count, let limit):
            "the peer sent \(count) messages in a frame; at most \(limit) are allowed"
        case .truncated: "the connection ended in the middle of a frame"
        case .tooSlow(let what): "the peer did not complete its \(what.rawValue) in time"
        case .flood(let limit): "the peer sent more than \(limit) messages in a second"
        case .outOfOrder(let message, let state):
            "the peer sent \(message), which may not come \(state)"
        case .sequenceGap(let expected, let found):
            "wanted message \(expected) of the peer's stream, found \(found)"
        case .blobOutOfOrder(let request):
            "the peer sent bytes of blob request \(request) that were not asked for"
        case .peerTooSlow(let bytes, let limit):
            "\(bytes) bytes wait for a peer that does not read; at most \(limit) may"
        case .messageTooLong(let bytes, let limit):
            "a message of \(bytes) bytes does not fit into a frame of \(limit)"
        default: peerDescription
        }
    }

    private var peerDescription: String {
        switch self {
        case .noCommonVersion(let ours, let theirs):
            "we speak protocol \(ours.lowerBound) to \(ours.upperBound), the peer "
                + "\(theirs.lowerBound) to \(theirs.upperBound): update the older of the two"
        case .notAllowed(let denial): "the peer was turned away: it came with \(denial.rawValue)"
        case .busy: "there are too many connections or failed tries: try again later"
        case .refused(let code, let message):
            message.isEmpty ? "the peer refused (\(code))" : "the peer refused: \(message)"
        case .goodbye(let reason):
            reason.isEmpty ? "the peer said goodbye" : "the peer said goodbye: \(reason)"
        case .closedHere(let reason): "this side ended the connection: \(reason)"
        default: "the peer is gone"
        }
    }
}
