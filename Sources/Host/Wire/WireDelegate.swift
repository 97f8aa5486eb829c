/// What a session tells its owner.
///
/// All comes from the session's event loop, in order: nothing here may wait.
package protocol WireSessionDelegate: AnyObject, Sendable {
    /// Messages that may come from this peer now: numbered ones without a gap, each once.
    ///
    /// Join, Renew, Ping, Pong, Goodbye and what belongs to blobs never come here.
    func session(_ session: WireSession, received batch: WireBatch)
    /// More than ``WireLimits/slowBytes`` wait for the peer, or not any more.
    func session(_ session: WireSession, isSlow: Bool)
    /// The session is over: once for each that was greeted, and the last call for it.
    func session(_ session: WireSession, closed reason: WireError)
    /// Where blobs come from that the peer asks for; `nil` if there are none.
    var blobSource: (any WireBlobSource)? { get }
}

/// The owner of a listener.
package protocol WireServerDelegate: WireSessionDelegate {
    /// A peer is who it says it is and speaks a version that we speak.
    ///
    /// Must lead to ``WireSession/welcome(_:)`` or ``WireSession/refuse(_:_:)``, now or later.
    func session(_ session: WireSession, greeted hello: WireHello)
    /// A worker was given a certificate: it joined, or the one before nears its end.
    func server(issued certificate: WireIssued)
    /// A peer was turned away before it was greeted.
    func server(turnedAway reason: WireError, from address: String)
}

/// The owner of a client.
package protocol WireClientDelegate: WireSessionDelegate {
    /// What to say first; the client fills in versions and token.
    func clientHello() -> WireHello
    /// The coordinator let us in.
    func session(_ session: WireSession, welcomed welcome: WireWelcome)
    /// A connection failed, or ended; the next try comes after this time.
    func client(failed reason: WireError, nextTryInMilliseconds: Int64)
    /// There will be no other try: ``WireClient/stop(reason:)`` was called, or the error is
    /// permanent.
    func client(gaveUp reason: WireError)
    /// There is a newer certificate: keep it.
    func client(renewed credentials: WireCredentials)
}

/// Messages that came together, in order.
///
/// While it lives its messages count as in flight; keep it no longer than they are needed.
package struct WireBatch: Sendable {
    /// The messages.
    package let messages: [WireMessage]
    private let receipt: Receipt

    init(_ messages: [WireMessage], done: @escaping @Sendable (Int) -> Void) {
        self.messages = messages
        receipt = Receipt(count: messages.count, done: done)
    }

    private final class Receipt: Sendable {
        private let count: Int
        private let done: @Sendable (Int) -> Void

        init(count: Int, done: @escaping @Sendable (Int) -> Void) {
            self.count = count
            self.done = done
        }

        deinit { done(count) }
    }
}

/// Who a peer is, as its connection proves.
package enum WireIdentity: Hashable, Sendable {
    /// It has a certificate of the coordinator.
    case coordinator
    /// It has a worker's certificate.
    case worker(uid: String, serial: String)
    /// It has the loopback token.
    case loopback
}

/// A certificate that was issued to a worker.
package struct WireIssued: Hashable, Sendable {
    /// The worker.
    package var uid: String
    /// The number of the certificate, in hexadecimal.
    package var serial: String
    /// When it ends, in seconds since 1970.
    package var notAfter: Int64
    /// The token that it was issued for; `nil` if it was renewed.
    package var token: String?
    /// What the token gives the worker.
    package var scope: JoinScope
}
