import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// How peers of a listener prove who they are.
package enum WireServerSecurity: Sendable {
    /// Plain, with a token: only where nobody outside this machine can connect.
    case loopback(token: [UInt8])
    /// TLS: workers join with tokens, and then have certificates.
    ///
    /// `isRevoked` is asked with uid and serial at each Hello and Renew, on an event loop.
    case coordinator(
        CertificateAuthority, tokens: any JoinTokenStore,
        isRevoked: @Sendable (String, String) -> Bool)
    /// TLS, for other workers that want blobs.
    ///
    /// `admits` is asked with the uid at each Hello, on an event loop.
    case worker(WireCredentials, admits: @Sendable (String) -> Bool)
}

/// Listens for peers: lets in who may come, and tells its delegate.
package final class WireServer: Sendable {
    let security: WireServerSecurity
    let limits: WireLimits
    let versions: ClosedRange<UInt32>
    let delegate: any WireServerDelegate
    let logger: Logger
    private let address: WireAddress
    private let group: any EventLoopGroup
    private let shared: Mutex<Shared>

    private struct Shared {
        var admission: Admission
        var sessions: [UInt64: WireSession] = [:]
        var listener: (any Channel)?
        var tls: CoordinatorTLS?
        var workerTLS: NIOSSLContext?
        /// The loopback token that is valid in place of the first one.
        var token: [UInt8]?
        var isStopped = false
    }

    /// A listener that does not listen yet.
    package init(
        address: WireAddress, security: WireServerSecurity, limits: WireLimits = WireLimits(),
        versions: ClosedRange<UInt32> = WireVersion.spoken, delegate: any WireServerDelegate,
        logger: Logger = Logger(label: "fanfold.wire"),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.address = address
        self.security = security
        self.limits = limits
        self.versions = versions
        self.delegate = delegate
        self.logger = logger
        self.group = group
        shared = Mutex(Shared(admission: Admission(limits: limits)))
    }

    /// Listens; waits until it does, therefore not for an event loop or a pool's thread.
    ///
    /// - Returns: where it listens, with the port that a port of 0 became.
    package func start() throws(WireError) -> WireAddress {
        try prepare()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.setUp(channel) }
            }
        let listener: any Channel
        do {
            switch address {
            case .unix(let path):
                listener = try bootstrap.bind(
                    unixDomainSocketPath: path, cleanupExistingSocketFile: true
                ).wait()
            case .host(let host, let port):
                listener = try bootstrap.bind(host: host, port: port).wait()
            }
        } catch {
            throw .system("cannot listen on \(address): \(error)")
        }
        shared.withLock { $0.listener = listener }
        guard case .host(let host, _) = address, let port = listener.localAddress?.port else {
            return address
        }
        return .host(host, port: port)
    }

    private func prepare() throws(WireError) {
        do throws(IdentityError) {
            switch security {
            case .loopback:
                guard address.isLoopback else { throw .refused("") }
            case .coordinator(let authority, _, _):
                let tls = try CoordinatorTLS(authority)
                shared.withLock { $0.tls = tls }
            case .worker(let credentials, _):
                let context = try TLSContexts.listener(
                    key: credentials.key, certificate: credentials.certificate,
                    authority: credentials.authority)
                shared.withLock { $0.workerTLS = context }
            }
        } catch {
            if case .loopback = security { throw .needsTLS(address: address.description) }
            throw .tls(error.description)
        }
    }

    /// Makes the handlers of a connection that was accepted.
    private func setUp(_ channel: any Channel) throws {
        let place = Self.place(channel)
        let isAdmitted = shared.withLock {
            !$0.isStopped && $0.admission.admit(place, now: .now())
        }
        guard isAdmitted else { throw WireError.busy }
        do {
            let session = WireSession(channel: channel, place: place)
            let decoder = LimitedFrameDecoder(limit: limits.handshakeFrameBytes)
            let tls = try context()
            let handler = SessionHandler(
                session, side: .server, owner: self, limits: limits, usesTLS: tls != nil,
                decoder: decoder)
            if let tls {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
            }
            try channel.pipeline.syncOperations.addHandlers([
                ByteToMessageHandler(decoder), handler,
            ])
            shared.withLock { $0.sessions[session.number] = session }
        } catch {
            shared.withLock { $0.admission.left(place) }
            throw error
        }
    }

    /// The address of a peer, without its port.
    private static func place(_ channel: any Channel) -> String {
        channel.remoteAddress?.ipAddress ?? "a Unix socket"
    }

    private func context() throws -> NIOSSLContext? {
        let (tls, worker) = shared.withLock { ($0.tls, $0.workerTLS) }
        return try tls?.context() ?? worker
    }

    /// A worker that serves others has a newer certificate.
    package func use(_ credentials: WireCredentials) throws(IdentityError) {
        let context = try TLSContexts.listener(
            key: credentials.key, certificate: credentials.certificate,
            authority: credentials.authority)
        shared.withLock { $0.workerTLS = context }
    }

    /// From now on peers on loopback have to say this token.
    package func use(token: [UInt8]) { shared.withLock { $0.token = token } }

    /// Ends all connections of these workers, for instance because they were revoked.
    package func close(uids: Set<String>, reason: String) {
        for session in sessions() {
            if case .worker(let uid, _)? = session.identity, uids.contains(uid) {
                session.close(reason: reason)
            }
        }
    }

    /// Listens no more, and ends all connections.
    package func stop(reason: String) {
        let listener = shared.withLock { shared in
            shared.isStopped = true
            defer { shared.listener = nil }
            return shared.listener
        }
        listener?.close(promise: nil)
        for session in sessions() { session.close(reason: reason) }
    }

    private func sessions() -> [WireSession] {
        shared.withLock { shared in
            shared.sessions.values.sorted { $0.number < $1.number }
        }
    }
}

extension WireServer: SessionOwner {
    var sessionDelegate: (any WireSessionDelegate)? { delegate }

    func session(_ session: WireSession, said hello: WireHello) {
        let theirs = hello.protocolMin...max(hello.protocolMin, hello.protocolMax)
        if let denial = denial(session, hello) { return turnAway(session, denial) }
        guard let version = WireVersion.common(versions, theirs) else {
            let error = WireError.noCommonVersion(ours: versions, theirs: theirs)
            session.order(
                .refuse(
                    .version,
                    "protocol \(versions.lowerBound) to \(versions.upperBound) is spoken here",
                    error))
            return
        }
        if session.identity == nil { session.identify(.loopback) }
        session.speak(version)
        session.markGreeted()
        delegate.session(session, greeted: hello)
    }

    /// What is wrong with a peer; `nil` if it may come in.
    private func denial(_ session: WireSession, _ hello: WireHello) -> WireDenial? {
        switch security {
        case .loopback(let token):
            let wanted = shared.withLock { $0.token } ?? token
            return WireHex.areEqual(Array(hello.token), wanted) ? nil : .wrongToken
        case .coordinator(_, _, let isRevoked):
            guard case .worker(let uid, let serial)? = session.identity else {
                return session.identity == nil ? .noCertificate : .unnamedCertificate
            }
            guard hello.workerUid == uid else { return .otherName }
            return isRevoked(uid, serial) ? .revoked : nil
        case .worker(_, let admits):
            guard case .worker(let uid, _)? = session.identity else {
                return session.identity == nil ? .noCertificate : .unnamedCertificate
            }
            guard hello.workerUid == uid else { return .otherName }
            guard admits(uid) else { return .revoked }
            return hello.purpose == .blobs ? nil : .wrongPurpose
        }
    }

    /// Turns a peer away.
    ///
    /// It learns nothing: neither why, nor whether anybody was close.
    func turnAway(_ session: WireSession, _ denial: WireDenial) {
        session.order(.refuse(.notAllowed, "", .notAllowed(denial)))
    }

    func sessionIsOver(_ session: WireSession, reason: WireError) {
        let isFailure = !session.isGreeted && Self.counts(reason)
        shared.withLock { shared in
            shared.sessions[session.number] = nil
            shared.admission.left(session.place)
            if isFailure { shared.admission.failed(session.place, now: .now()) }
        }
        if session.isGreeted {
            delegate.session(session, closed: reason)
        } else if isFailure {
            logger.info(
                "a peer was turned away",
                metadata: [
                    "peer": "\(session.peerAddress)", "error": "\(reason.name)",
                    "reason": "\(reason)",
                ])
            delegate.server(turnedAway: reason, from: session.peerAddress)
        }
    }

    private static func counts(_ reason: WireError) -> Bool {
        if case .closedHere = reason { false } else { true }
    }
}
