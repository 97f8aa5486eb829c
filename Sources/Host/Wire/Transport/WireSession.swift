import NIOCore
import Synchronization

/// One connection to a peer: all of it can be called from any thread, and nothing waits.
package final class WireSession: Sendable {
    /// Not used twice in this process.
    package let number: UInt64
    /// Where the peer is, for logs.
    package let peerAddress: String
    /// What connections are counted by.
    let place: String

    private static let numbers = Atomic<UInt64>(0)
    private let channel: any Channel
    private let shared = Mutex(Shared())

    private struct Shared {
        var outbox: [WireMessage] = []
        var flushIsScheduled = false
        var identity: WireIdentity?
        var version: UInt32 = 0
        var isGreeted = false
        var nextBlob: UInt64 = 0
    }

    init(channel: any Channel, place: String) {
        number = Self.numbers.add(1, ordering: .relaxed).newValue
        peerAddress = channel.remoteAddress.map(Self.text) ?? "a Unix socket"
        self.place = place
        self.channel = channel
    }

    private static func text(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return "a Unix socket" }
        return WireAddress.host(host, port: port).description
    }

    /// Who the peer is; `nil` before it was greeted.
    package var identity: WireIdentity? { shared.withLock { $0.identity } }

    /// The version that is spoken; 0 before it is known.
    package var version: UInt32 { shared.withLock { $0.version } }

    func identify(_ identity: WireIdentity) { shared.withLock { $0.identity = identity } }

    /// Whether the delegate knows of the session.
    var isGreeted: Bool { shared.withLock { $0.isGreeted } }

    func markGreeted() { shared.withLock { $0.isGreeted = true } }

    func speak(_ version: UInt32) { shared.withLock { $0.version = version } }

    /// Sends messages, in order, together with what others send in the meantime.
    ///
    /// To a session that is over nothing is sent.
    package func send(_ messages: [WireMessage]) {
        let mustSchedule = shared.withLock { shared in
            shared.outbox.append(contentsOf: messages)
            defer { shared.flushIsScheduled = true }
            return !shared.flushIsScheduled
        }
        if mustSchedule { order(.flush) }
    }

    /// Lets a peer in that was greeted: from now on both sides send.
    ///
    /// The version is filled in.
    package func welcome(_ welcome: WireWelcome) { order(.welcome(welcome)) }

    /// Sends a greeted peer away, or one that is not wanted any more.
    package func refuse(_ code: WireRefusalCode, _ message: String) {
        order(.refuse(code, message, .closedHere(reason: message)))
    }

    /// Ends the connection after all that was sent before.
    package func close(reason: String) { order(.close(.closedHere(reason: reason))) }

    /// Asks the peer for a blob, or a part of one; a length of 0 is all that is left.
    ///
    /// - Returns: the request's number, for ``credit(_:bytes:)`` and ``cancelBlob(_:)``.
    @discardableResult
    package func fetchBlob(
        _ sha256: [UInt8], offset: UInt64 = 0, length: UInt64 = 0, into sink: any WireBlobSink
    ) -> UInt64 {
        let request = shared.withLock { shared in
            shared.nextBlob += 1
            return shared.nextBlob
        }
        let fetch = BlobFetch(
            request: request, sha256: sha256, offset: offset, length: length, sink: sink)
        let eventLoop = channel.eventLoop
        eventLoop.execute { [channel] in
            // Once the handler is gone, nobody but the channel's head answers, with a failure.
            let taken = eventLoop.makePromise(of: Void.self)
            taken.futureResult.whenFailure { _ in
                sink.blob(request, ended: .disconnected(.disconnected))
            }
            channel.pipeline.triggerUserOutboundEvent(SessionOrder.fetch(fetch), promise: taken)
        }
        return request
    }

    /// The sink is done with so many bytes of a request: as many more may come.
    package func credit(_ request: UInt64, bytes: Int) { order(.credit(request, bytes)) }

    /// No more of a blob is wanted; the sink is told ``WireBlobError/cancelled``.
    package func cancelBlob(_ request: UInt64) { order(.cancelBlob(request)) }

    func consumed(_ count: Int) { order(.consumed(count)) }

    func order(_ order: SessionOrder) {
        channel.eventLoop.execute { [channel] in
            channel.pipeline.triggerUserOutboundEvent(order, promise: nil)
        }
    }

    /// All that waits to be sent; called on the event loop.
    func takeOutbox() -> [WireMessage] {
        shared.withLock { shared in
            shared.flushIsScheduled = false
            defer { shared.outbox = [] }
            return shared.outbox
        }
    }
}

extension WireSession: Hashable {
    package static func == (left: WireSession, right: WireSession) -> Bool { left === right }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// What a session has its handler do.
enum SessionOrder: Sendable {
    case flush
    case welcome(WireWelcome)
    /// Refuse, and end with the error.
    case refuse(WireRefusalCode, String, WireError)
    case close(WireError)
    case consumed(Int)
    case fetch(BlobFetch)
    case credit(UInt64, Int)
    case cancelBlob(UInt64)
    case piece(UInt64, Result<WireBlobPiece, WireBlobError>)
    /// Sends this, whatever the state, and ends the connection.
    case answerAndClose(WireMessage)
    /// Sends this before all else.
    case answer(WireMessage)
}

extension WireMessage {
    /// A message of this kind.
    package init(_ kind: OneOf_Kind) {
        self.init()
        self.kind = kind
    }

    /// The name of the message, as in docs/protocol.md.
    package var name: String {
        guard let kind else { return "a message of a later version" }
        return kind.name
    }
}
