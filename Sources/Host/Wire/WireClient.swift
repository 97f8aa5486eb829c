import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// How a client proves who it is, and whom it wants to reach.
package enum WireClientSecurity: Sendable {
    /// Plain, with a token: only to where nobody outside this machine can listen.
    case loopback(token: [UInt8])
    /// TLS, with a worker's certificate.
    case certificate(WireCredentials, to: WirePeer)
}

/// Whom a client wants to reach: what the certificate must say that answers.
package enum WirePeer: Hashable, Sendable {
    /// The coordinator.
    case coordinator
    /// Another worker, for its blobs.
    case worker(uid: String)
}

/// How long to wait between tries.
package struct WireBackoff: Hashable, Sendable {
    /// Before the second try at most, in milliseconds; it doubles from then on.
    package var firstMilliseconds: Int64 = 100
    /// Between two tries at most.
    package var longestMilliseconds: Int64 = 15_000

    /// The usual times.
    package init() {}

    /// Anything between nothing and twice as much as the last time: after a coordinator's restart a
    /// thousand workers do not come at once.
    ///
    /// Source: Marc Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015: "full jitter".
    package func milliseconds(
        failures: Int, using generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let doublings = min(max(failures - 1, 0), 30)
        let (grown, overflow) = firstMilliseconds.multipliedReportingOverflow(by: 1 << doublings)
        let most = overflow ? longestMilliseconds : min(grown, longestMilliseconds)
        return Int64.random(in: 0...max(most, 0), using: &generator)
    }
}

/// Keeps a connection to a listener, and makes a new one when it ends.
package final class WireClient: Sendable {
    let limits: WireLimits
    let delegate: any WireClientDelegate
    private let address: WireAddress
    private let versions: ClosedRange<UInt32>
    private let backoff: WireBackoff
    private let now: @Sendable () -> Int64
    private let loop: any EventLoop
    private let shared: Mutex<Shared>

    /// Milliseconds between two looks at how long the certificate is good.
    private static let renewalMilliseconds: Int64 = 3_600_000

    private struct Shared {
        var security: WireClientSecurity
        var session: WireSession?
        var failures = 0
        var stopReason: String?
        var hasGivenUp = false
        var request: CertificateRequest?
        var generator = SystemRandomNumberGenerator()
    }

    /// A client that does not connect yet.
    ///
    /// Parameter now: seconds since 1970, which certificates go by.
    package init(
        address: WireAddress, security: WireClientSecurity, limits: WireLimits = WireLimits(),
        versions: ClosedRange<UInt32> = WireVersion.spoken, backoff: WireBackoff = WireBackoff(),
        delegate: any WireClientDelegate,
        now: @escaping @Sendable () -> Int64 = WireClock.seconds,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.address = address
        self.limits = limits
        self.versions = versions
        self.backoff = backoff
        self.delegate = delegate
        self.now = now
        loop = group.next()
        shared = Mutex(Shared(security: security))
    }

    /// Connects, and again whenever the connection ends.
    package func start() { loop.execute { self.connect() } }

    /// Ends the connection and makes no other.
    package func stop(reason: String) {
        let session = shared.withLock { shared in
            shared.stopReason = shared.stopReason ?? reason
            return shared.session
        }
        if let session { return session.close(reason: reason) }
        loop.execute { self.giveUp(.closedHere(reason: reason)) }
    }

    /// The certificate that is used now; `nil` on loopback.
    package var credentials: WireCredentials? {
        shared.withLock { shared in
            guard case .certificate(let credentials, _) = shared.security else { return nil }
            return credentials
        }
    }

    private func connect() {
        let (reason, security) = shared.withLock { ($0.stopReason, $0.security) }
        if let reason { return giveUp(.closedHere(reason: reason)) }
        let tls: NIOSSLContext?
        do throws(IdentityError) {
            switch security {
            case .loopback:
                guard address.isLoopback else {
                    return giveUp(.needsTLS(address: address.description))
                }
                tls = nil
            case .certificate(let credentials, _): tls = try TLSContexts.client(credentials)
            }
        } catch {
            return giveUp(.tls(error.description))
        }
        let limits = limits
        WireConnecting.connect(
            to: address, on: loop, tls: tls, side: .client, owner: self, limits: limits
        ) { error in
            self.failed(error)
        }
    }

    /// No connection came about.
    private func failed(_ error: WireError) {
        if error.isPermanent { return giveUp(error) }
        let (reason, wait) = shared.withLock { shared in
            shared.session = nil
            shared.failures += 1
            return (
                shared.stopReason,
                backoff.milliseconds(failures: shared.failures, using: &shared.generator)
            )
        }
        if let reason { return giveUp(.closedHere(reason: reason)) }
        delegate.client(failed: error, nextTryInMilliseconds: wait)
        loop.scheduleTask(in: .milliseconds(wait)) { self.connect() }
    }

    private func giveUp(_ error: WireError) {
        let isFirst = shared.withLock { shared in
            defer { shared.hasGivenUp = true }
            shared.session = nil
            return !shared.hasGivenUp
        }
        if isFirst { delegate.client(gaveUp: error) }
    }
}

extension WireClient: SessionOwner {
    var sessionDelegate: (any WireSessionDelegate)? { delegate }

    func sessionIsConnected(_ session: WireSession) {
        let (security, stopReason) = shared.withLock { shared in
            shared.session = session
            return (shared.security, shared.stopReason)
        }
        if let stopReason { return session.close(reason: stopReason) }
        var hello = delegate.clientHello()
        hello.protocolMin = versions.lowerBound
        hello.protocolMax = versions.upperBound
        switch security {
        case .loopback(let token): hello.token = .init(token)
        case .certificate(let credentials, let peer):
            guard Self.isWanted(session.identity, peer) else {
                return session.order(.close(.notAllowed(.otherName)))
            }
            hello.workerUid = credentials.uid
            hello.token = .init()
        }
        session.send([WireMessage(.hello(hello))])
    }

    private static func isWanted(_ identity: WireIdentity?, _ peer: WirePeer) -> Bool {
        switch (identity, peer) {
        case (.coordinator?, .coordinator): true
        case (.worker(let uid, _)?, .worker(let wanted)): uid == wanted
        default: false
        }
    }

    func session(_ session: WireSession, said welcome: WireWelcome) throws(WireError) {
        guard versions.contains(welcome.protocol) else {
            throw .noCommonVersion(ours: versions, theirs: welcome.protocol...welcome.protocol)
        }
        shared.withLock { $0.failures = 0 }
        session.speak(welcome.protocol)
        session.markGreeted()
        delegate.session(session, welcomed: welcome)
        renewInTime(session)
    }

    /// Asks for the next certificate when two thirds of the present one's time are over.
    private func renewInTime(_ session: WireSession) {
        let time = now()
        let request: CertificateRequest? = shared.withLock { shared in
            guard shared.session === session, shared.request == nil,
                case .certificate(let credentials, .coordinator) = shared.security,
                credentials.needsRenewal(now: time)
            else { return nil }
            // A request that cannot be made is tried again an hour later.
            shared.request = try? CertificateRequest(uid: credentials.uid)
            return shared.request
        }
        if let request {
            session.send([WireMessage(.renew(.with { $0.signingRequest = .init(request.request) }))]
            )
        }
        loop.scheduleTask(in: .milliseconds(Self.renewalMilliseconds)) {
            [weak self, weak session] in
            guard let self, let session, shared.withLock({ $0.session === session }) else { return }
            renewInTime(session)
        }
    }

    func session(_ session: WireSession, said renewed: WireRenewed) {
        let credentials: WireCredentials? = shared.withLock { shared in
            guard let request = shared.request,
                case .certificate(let old, let peer) = shared.security,
                // Whom a worker trusts does not change with its certificate.
                let new = try? request.credentials(
                    certificate: Array(renewed.certificate), authority: old.authority),
                new.uid == old.uid
            else { return nil }
            shared.request = nil
            shared.security = .certificate(new, to: peer)
            return new
        }
        if let credentials { delegate.client(renewed: credentials) }
    }

    func sessionIsOver(_ session: WireSession, reason: WireError) {
        shared.withLock { $0.request = nil }
        if session.isGreeted { delegate.session(session, closed: reason) }
        failed(reason)
    }
}
