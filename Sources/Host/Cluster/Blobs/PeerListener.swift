import FanfoldWire
@preconcurrency import Glibc
import Logging
import Synchronization

/// As whom a worker meets other workers.
enum PeerIdentity: Sendable {
    /// On a coordinator's own machine: with the token that it told its workers.
    case loopback(token: [UInt8])
    /// With the certificate that the coordinator issued.
    case certificate(WireCredentials)
}

/// What a worker takes from other workers that want its blobs.
enum PeerLimits {
    /// Connections in all, and from one address.
    static let connections = 256
    static let connectionsPerAddress = 64
    /// Bytes of a frame: chunks go out in it, and only short requests come in.
    static let frameBytes = 1 << 20
    /// Messages of one peer in a second, and at once: a MiB of a blob takes five.
    static let messagesPerSecond = 10_000
    static let messageBurst = 20_000
    /// Blobs that one peer is sent at a time.
    static let blobRequests = 16
    /// Messages that were read and are not done with.
    static let messagesInFlight = 1_024

    /// Connections that a worker has to others at a time.
    static let links = 32
    /// How long another worker may take to let us in, and for a chunk.
    static let answer = Duration.seconds(10)
    /// Bytes of an address that a worker says.
    static let addressBytes = 256
    /// Revoked workers that a worker knows of: a coordinator says no more.
    static let revoked = 65_536

    static var wire: WireLimits {
        var limits = WireLimits()
        limits.connections = connections
        limits.connectionsPerAddress = connectionsPerAddress
        limits.frameBytes = frameBytes
        limits.messagesPerSecond = messagesPerSecond
        limits.messageBurst = messageBurst
        limits.blobRequests = blobRequests
        limits.messagesInFlight = messagesInFlight
        return limits
    }
}

/// Where other workers fetch blobs from this one: they may read blobs whose id they know, and
/// nothing else.
final class PeerListener: Sendable {
    /// Where it listens.
    let address: WireAddress
    private let server: WireServer

    /// Listens.
    ///
    /// On loopback nobody gets in before ``use(_:)`` has given the coordinator's token; with TLS nobody
    /// before it is known who is revoked.
    init(
        at wanted: WireAddress, as identity: PeerIdentity, blobs: any WireBlobSource,
        revoked: RevokedPeers, logger: Logger = Logger(label: "fanfold.peers")
    ) throws(WireError) {
        let security: WireServerSecurity
        switch identity {
        case .loopback: security = .loopback(token: Self.unknownToken())
        case .certificate(let credentials):
            security = .worker(credentials, admits: { revoked.admits($0) })
        }
        server = WireServer(
            address: wanted, security: security, limits: PeerLimits.wire,
            delegate: PeerGate(blobs: blobs, logger: logger), logger: logger)
        address = try server.start()
    }

    /// A token that nobody knows.
    private static func unknownToken() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// From now on peers are known by this.
    func use(_ identity: PeerIdentity) throws(IdentityError) {
        switch identity {
        case .loopback(let token): server.use(token: token)
        case .certificate(let credentials): try server.use(credentials)
        }
    }

    /// Ends the connections of workers that were revoked.
    func close(_ uids: Set<String>) {
        server.close(uids: uids, reason: RevokedPeers.reason)
    }

    func stop(reason: String) { server.stop(reason: reason) }
}

/// Lets peers in that want blobs, and serves them.
private final class PeerGate: WireServerDelegate {
    let blobSource: (any WireBlobSource)?
    private let logger: Logger

    init(blobs: any WireBlobSource, logger: Logger) {
        blobSource = blobs
        self.logger = logger
    }

    func session(_ session: WireSession, greeted hello: WireHello) {
        guard hello.purpose == .blobs else {
            return session.refuse(.notAllowed, "only blobs are had here")
        }
        session.welcome(WireWelcome())
    }

    func session(_ session: WireSession, received batch: WireBatch) {}

    func session(_ session: WireSession, isSlow: Bool) {}

    func session(_ session: WireSession, closed reason: WireError) {
        logger.debug("a peer has gone", metadata: ["why": "\(reason)"])
    }

    func server(issued certificate: WireIssued) {}

    func server(turnedAway reason: WireError, from address: String) {
        logger.notice(
            "a peer was turned away", metadata: ["from": "\(address)", "why": "\(reason)"])
    }
}

extension WireAddress {
    /// The address of this machine from which another one is reached, with a free port.
    ///
    /// Nothing is sent: the system is asked for the route.
    ///
    /// - Returns: `nil` if there is no route, or no such host.
    static func local(towards other: WireAddress) -> WireAddress? {
        guard case .host(let host, let port) = other else { return .host("127.0.0.1", port: 0) }
        if other.isLoopback { return .host(host == "::1" ? "::1" : "127.0.0.1", port: 0) }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let first = found else {
            return nil
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(first.pointee.ai_family, hints.ai_socktype | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            return nil
        }
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let isKnown = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0
                    && getnameinfo(
                        address, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
                        == 0
            }
        }
        guard isKnown else { return nil }
        let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return .host(String(decoding: text, as: UTF8.self), port: 0)
    }
}
