import NIOCore
import NIOSSL
import NIOTLS

/// One connection on its event loop: frames in, frames out, rules, limits, deadlines.
final class SessionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let session: WireSession
    let owner: any SessionOwner
    let limits: WireLimits
    let usesTLS: Bool
    let decoder: LimitedFrameDecoder
    let writer: FrameWriter
    var rules: SessionRules
    var context: ChannelHandlerContext?

    /// Came and not handed over yet.
    var batch: [WireMessage] = []
    /// Handed over and not done with yet.
    var inFlight = 0
    var readingIsPaused = false
    var bucket: RateBucket
    /// Written and not taken by the operating system yet.
    var waitingBytes = 0
    var isSlow = false
    /// Why the connection ends; nothing is read any more.
    var ending: WireError?
    var isConnected = false
    var isReported = false
    var deadline: Scheduled<Void>?
    var frameDeadline: Scheduled<Void>?
    var fetches: BlobFetches
    var serves: BlobServes

    init(
        _ session: WireSession, side: SessionRules.Side, owner: any SessionOwner,
        limits: WireLimits, usesTLS: Bool, decoder: LimitedFrameDecoder
    ) {
        self.session = session
        self.owner = owner
        self.limits = limits
        self.usesTLS = usesTLS
        self.decoder = decoder
        writer = FrameWriter(limits: limits)
        rules = SessionRules(side)
        bucket = RateBucket(
            perSecond: limits.messagesPerSecond, burst: limits.messageBurst, now: .now())
        fetches = BlobFetches(limits: limits)
        serves = BlobServes(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { connected() }
    }

    /// The connection has come about; before that its owner does not hear of it.
    private func connected() {
        guard !isConnected else { return }
        isConnected = true
        deadline = schedule(limits.handshakeMilliseconds, .handshake)
        if !usesTLS { owner.sessionIsConnected(session) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if isConnected { report(ending ?? .disconnected) }
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        connected()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        report(ending ?? .disconnected)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            do {
                let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
                if let identity = try certificate.flatMap(PeerCertificate.identity) {
                    session.identify(identity)
                }
                owner.sessionIsConnected(session)
            } catch {
                fail(.notAllowed(.unnamedCertificate))
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as WireError: fail(error)
        case NIOSSLError.uncleanShutdown: fail(.disconnected)
        case let error as NIOSSLError: fail(.tls("\(error)"))
        case let error as BoringSSLError: fail(.tls("\(error)"))
        case is IOError: fail(.disconnected)
        default: fail(usesTLS && !session.isGreeted ? .tls("\(error)") : .disconnected)
        }
    }

    /// Runs this on the event loop after a time, unless it is cancelled.
    func schedule(_ milliseconds: Int64, _ what: WireDeadline) -> Scheduled<Void>? {
        context?.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
            self.fail(.tooSlow(what))
        }
    }

    /// Ends the connection with an error.
    ///
    /// A peer that was let in hears the error's name; another hears nothing.
    func fail(_ error: WireError) {
        guard ending == nil else { return }
        if rules.state == .open, let context {
            write([WireMessage(.goodbye(.with { $0.reason = error.name }))], context: context)
        }
        end(error)
    }

    /// Ends the connection: what was written is sent if the operating system takes it.
    func end(_ error: WireError) {
        guard ending == nil else { return }
        ending = error
        rules.end()
        report(error)
        context?.flush()
        context?.close(promise: nil)
    }

    /// Tells the owner that it is over, once.
    func report(_ reason: WireError) {
        guard !isReported else { return }
        isReported = true
        ending = ending ?? reason
        deadline?.cancel()
        frameDeadline?.cancel()
        for sink in fetches.endAll() { sink.sink.blob(sink.request, ended: .disconnected(reason)) }
        handOver()
        owner.sessionIsOver(session, reason: reason)
    }
}
