import NIOCore
import NIOSSL
import Synchronization
import Testing

@testable import FanfoldWire

/// A coordinator with TLS, and those that come to it.
private struct Secured {
    let authority: CertificateAuthority
    let tokens = MemoryTokenStore()
    let delegate: RecordingServer
    let server: WireServer
    let address: WireAddress
    let revoked: Revoked

    final class Revoked: Sendable {
        let uids = Mutex<Set<String>>([])
    }

    init(
        authority: CertificateAuthority? = nil, limits: WireLimits = WireLimits()
    ) throws {
        let authority = try authority ?? CertificateAuthority()
        let revoked = Revoked()
        self.authority = authority
        self.revoked = revoked
        delegate = RecordingServer()
        server = WireServer(
            address: try WireAddress("127.0.0.1:0"),
            security: .coordinator(
                authority, tokens: tokens,
                isRevoked: { uid, _ in revoked.uids.withLock { $0.contains(uid) } }),
            limits: limits, delegate: delegate)
        address = try server.start()
    }

    func mint(
        scope: JoinScope = JoinScope(), seconds: Int64 = 3_600, uses: UInt32 = 1
    ) throws -> JoinToken {
        let now = WireClock.seconds()
        let minted = tokens.withBook { book in
            book.mint(scope: scope, seconds: seconds, uses: uses, now: now)?.token
        }
        return try #require(minted)
    }

    func joinString(_ token: JoinToken) -> JoinString {
        JoinString(address: address, authority: authority.fingerprint, token: token)
    }

    static func credentials(
        of authority: CertificateAuthority, uid: String = "worker-0001",
        seconds: Int64 = CertificateAuthority.workerSeconds
    ) throws -> WireCredentials {
        let request = try CertificateRequest(uid: uid)
        let issued = try authority.issue(request.request, uid: uid, seconds: seconds)
        return try request.credentials(
            certificate: issued.certificate, authority: authority.certificate)
    }

    func client(_ credentials: WireCredentials) -> RecordingClient {
        let delegate = RecordingClient()
        WireClient(
            address: address, security: .certificate(credentials, to: .coordinator),
            delegate: delegate
        ).start()
        return delegate
    }
}

private func join(
    _ string: JoinString, uid: String = "worker-0001", labels: [String: String] = [:]
) async -> Result<WireCredentials, WireError> {
    await withCheckedContinuation { continuation in
        WireEnrolment.join(string, uid: uid, name: "one", labels: labels) {
            continuation.resume(returning: $0)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct SecurityTests {
    @Test func `a worker joins with a token and then comes with its certificate`() async throws {
        let secured = try Secured()
        let scope = JoinScope(labels: ["zone": "a"])
        let token = try secured.mint(scope: scope)
        let credentials = try await join(
            secured.joinString(token), labels: ["zone": "a"]
        ).get()
        #expect(credentials.uid == "worker-0001")
        let issued = await secured.delegate.happenings.first {
            if case .issued(let issued) = $0 { issued } else { nil }
        }
        #expect(issued?.uid == "worker-0001")
        #expect(issued?.serial == credentials.serial)
        #expect(issued?.scope == scope)

        let delegate = secured.client(credentials)
        let greeted = try #require(await secured.delegate.greeted())
        #expect(
            greeted.session.identity
                == .worker(uid: "worker-0001", serial: credentials.serial))
        #expect(greeted.hello.workerUid == "worker-0001")
        let session = try #require(await delegate.welcomed()).session
        #expect(session.identity == .coordinator)
        session.send([ended(1)])
        #expect(await secured.delegate.messages(1) == [ended(1)])
        secured.server.close(uids: ["worker-0001"], reason: "revoked")
        #expect(await secured.delegate.closed() == .closedHere(reason: "revoked"))
        secured.server.stop(reason: "over")
    }

    @Test func `a certificate is renewed over the connection that it made`() async throws {
        let secured = try Secured()
        // Its first third is the time by which clocks may differ.
        let old = try Secured.credentials(of: secured.authority, seconds: 150)
        let delegate = secured.client(old)
        let new = await delegate.happenings.first {
            if case .renewed(let credentials) = $0 { credentials } else { nil }
        }
        #expect(new?.uid == old.uid)
        #expect(new?.serial != old.serial)
        #expect(new.map { $0.validity.upperBound > old.validity.upperBound } == true)
        secured.server.stop(reason: "over")
    }

    /// Why a join is refused: the peer learns nothing, the log everything.
    enum BadJoin: String, CaseIterable, Sendable {
        case replayed, expired, wrong, wrongScope, revoked, knownWorker, badUID
    }

    @Test(arguments: BadJoin.allCases)
    func `a join that is not allowed gets a refusal that says nothing`(bad: BadJoin) async throws {
        let secured = try Secured()
        var token = try secured.mint(
            scope: bad == .wrongScope ? JoinScope(pool: "gpu") : JoinScope(),
            seconds: bad == .expired ? 0 : 3_600, uses: bad == .knownWorker ? 2 : 1)
        var uid = "worker-0002"
        switch bad {
        case .replayed:
            _ = try await join(secured.joinString(token)).get()
        case .knownWorker:
            _ = try await join(secured.joinString(token)).get()
            uid = "worker-0001"
        case .wrong: token = JoinToken()
        case .revoked:
            let id = WireHex.text(Array(token.digest.prefix(8)))
            #expect(secured.tokens.withBook { $0.revoke(id: id) })
        case .badUID: uid = "a worker"
        case .expired, .wrongScope: break
        }
        let expected: [BadJoin: WireDenial] = [
            .replayed: .usedToken, .expired: .expiredToken, .wrong: .wrongToken,
            .wrongScope: .wrongScope, .revoked: .wrongToken, .knownWorker: .knownWorker,
            .badUID: .badRequest,
        ]
        #expect(
            await join(secured.joinString(token), uid: uid)
                == .failure(.refused(code: .notAllowed, message: "")))
        let denial = try #require(expected[bad])
        #expect(await secured.delegate.turnedAway() == .notAllowed(denial))
        secured.server.stop(reason: "over")
    }

    @Test func `a worker shows its token to nobody but the authority that was pinned`() async throws
    {
        let secured = try Secured()
        let token = try secured.mint()
        var string = secured.joinString(token)
        string.authority[0] ^= 1
        guard case .failure(.tls) = await join(string) else {
            Issue.record("a worker joined a coordinator that it does not know")
            return
        }
        // The token was not used: it never left the worker.
        #expect(secured.tokens.withBook { $0.records.first?.usesLeft } == 1)
        secured.server.stop(reason: "over")
    }

    /// Who is not let in.
    enum BadPeer: String, CaseIterable, Sendable {
        case otherAuthority, expired, revoked
    }

    private func credentials(_ bad: BadPeer, of secured: Secured) throws -> WireCredentials {
        switch bad {
        case .otherAuthority:
            // It trusts the coordinator, but its certificate is somebody else's.
            let other = try Secured.credentials(of: CertificateAuthority())
            return try WireCredentials(
                key: other.key, certificate: other.certificate,
                authority: secured.authority.certificate)
        case .expired: return try Secured.credentials(of: secured.authority, seconds: -10)
        default: return try Secured.credentials(of: secured.authority)
        }
    }

    @Test(arguments: BadPeer.allCases)
    func `a peer with a bad certificate is not let in`(bad: BadPeer) async throws {
        let secured = try Secured()
        let credentials = try credentials(bad, of: secured)
        if bad == .revoked { secured.revoked.uids.withLock { $0 = ["worker-0001"] } }
        let delegate = secured.client(credentials)
        let error = await delegate.failed()
        if bad == .revoked {
            #expect(error == .refused(code: .notAllowed, message: ""))
            #expect(await secured.delegate.turnedAway() == .notAllowed(.revoked))
        } else {
            #expect(error?.name == "tls" || error == .disconnected)
            #expect(await secured.delegate.turnedAway()?.name == "tls")
        }
        #expect(
            !secured.delegate.happenings.all.contains {
                if case .greeted = $0 { true } else { false }
            })
        secured.server.stop(reason: "over")
    }

    @Test func `a peer without a certificate may say Join and nothing else`() async throws {
        let secured = try Secured()
        let anybody = try TLSContexts.joiner()
        let owner = AnonymousHello()
        WireConnecting.connect(
            to: secured.address, on: MultiThreadedLoop.next, tls: anybody, side: .client,
            owner: owner, limits: WireLimits(), verifying: { _ in true },
            failed: { owner.over.add($0) })
        #expect(await owner.over.first { $0 } == .refused(code: .notAllowed, message: ""))
        #expect(await secured.delegate.turnedAway() == .notAllowed(.noCertificate))
        secured.server.stop(reason: "over")
    }

    @Test func `a peer cannot take another's name`() async throws {
        let secured = try Secured()
        let credentials = try Secured.credentials(of: secured.authority)
        let owner = AnonymousHello(uid: "worker-0002")
        WireConnecting.connect(
            to: secured.address, on: MultiThreadedLoop.next,
            tls: try TLSContexts.client(credentials), side: .client, owner: owner,
            limits: WireLimits(), failed: { owner.over.add($0) })
        #expect(await owner.over.first { $0 } == .refused(code: .notAllowed, message: ""))
        #expect(await secured.delegate.turnedAway() == .notAllowed(.otherName))
        secured.server.stop(reason: "over")
    }

    @Test func `plain bytes get nothing from a listener with TLS`() async throws {
        let secured = try Secured()
        let peer = try await RawPeer(secured.address)
        try peer.send([goodHello()])
        await peer.end()
        #expect(await secured.delegate.turnedAway()?.name == "tls")
        secured.server.stop(reason: "over")
    }

    @Test func `a worker that listens is not the coordinator, and serves blobs only`() async throws
    {
        let authority = try CertificateAuthority()
        let serving = RecordingServer()
        let server = WireServer(
            address: try WireAddress("127.0.0.1:0"),
            security: .worker(
                try Secured.credentials(of: authority, uid: "worker-0001"), admits: { _ in true }),
            delegate: serving)
        let address = try server.start()
        let own = try Secured.credentials(of: authority, uid: "worker-0002")
        func client(_ peer: WirePeer, _ hello: WireHello) -> RecordingClient {
            let delegate = RecordingClient(hello)
            WireClient(
                address: address, security: .certificate(own, to: peer), delegate: delegate
            ).start()
            return delegate
        }
        let blobs = WireHello.with { $0.purpose = .blobs }
        #expect(await client(.coordinator, blobs).failed() == .notAllowed(.otherName))
        #expect(
            await client(.worker(uid: "worker-0003"), blobs).failed() == .notAllowed(.otherName))
        #expect(
            await client(.worker(uid: "worker-0001"), WireHello()).failed()
                == .refused(code: .notAllowed, message: ""))
        #expect(await client(.worker(uid: "worker-0001"), blobs).welcomed() != nil)
        server.stop(reason: "over")
    }

    @Test func `a worker that listens turns away whom it does not admit`() async throws {
        let authority = try CertificateAuthority()
        let serving = RecordingServer()
        let server = WireServer(
            address: try WireAddress("127.0.0.1:0"),
            security: .worker(
                try Secured.credentials(of: authority, uid: "worker-0001"),
                admits: { $0 != "worker-0002" }),
            delegate: serving)
        let address = try server.start()
        func client(_ uid: String) throws -> RecordingClient {
            let delegate = RecordingClient(WireHello.with { $0.purpose = .blobs })
            WireClient(
                address: address,
                security: .certificate(
                    try Secured.credentials(of: authority, uid: uid),
                    to: .worker(uid: "worker-0001")),
                delegate: delegate
            ).start()
            return delegate
        }
        #expect(
            try await client("worker-0002").failed() == .refused(code: .notAllowed, message: ""))
        #expect(await serving.turnedAway() == .notAllowed(.revoked))
        #expect(try await client("worker-0003").welcomed() != nil)
        server.stop(reason: "over")
    }

    @Test func `those that fail too often are not listened to`() async throws {
        var limits = WireLimits()
        limits.failuresPerMinute = 2
        let secured = try Secured(limits: limits)
        for _ in 0..<2 {
            let string = secured.joinString(JoinToken())
            #expect(await join(string) == .failure(.refused(code: .notAllowed, message: "")))
        }
        let good = try secured.joinString(secured.mint())
        guard case .failure(let error) = await join(good) else {
            Issue.record("a third try was listened to")
            return
        }
        #expect(error == .disconnected || error.name == "tls")
        #expect(secured.tokens.withBook { $0.records.first?.usesLeft } == 1)
        secured.server.stop(reason: "over")
    }
}

private enum MultiThreadedLoop {
    static var next: any EventLoop { NIOSingletons.posixEventLoopGroup.next() }
}

/// Says Hello whoever it talks to, in whatever name.
private final class AnonymousHello: SessionOwner {
    let over = Happenings<WireError>()
    private let uid: String

    init(uid: String = "worker-0001") { self.uid = uid }

    var sessionDelegate: (any WireSessionDelegate)? { nil }

    func sessionIsConnected(_ session: WireSession) {
        session.send([goodHello { $0.workerUid = uid }])
    }

    func sessionIsOver(_ session: WireSession, reason: WireError) { over.add(reason) }
}
