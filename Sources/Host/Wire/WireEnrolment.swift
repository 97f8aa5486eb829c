import NIOCore
import NIOPosix
import Synchronization

/// A worker joins: it shows a token and gets a certificate.
package enum WireEnrolment {
    /// Joins; `done` comes once, from an event loop.
    ///
    /// Both sides are authenticated: the coordinator by the authority that the join string pins,
    /// the worker by the token.
    package static func join(
        _ join: JoinString, uid: String, name: String, labels: [String: String] = [:],
        limits: WireLimits = WireLimits(),
        versions: ClosedRange<UInt32> = WireVersion.spoken,
        now: @escaping @Sendable () -> Int64 = WireClock.seconds,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        done: @escaping @Sendable (Result<WireCredentials, WireError>) -> Void
    ) {
        do throws(IdentityError) {
            let request = try CertificateRequest(uid: uid)
            let tls = try TLSContexts.joiner()
            let message = WireJoin.with {
                $0.token = .init(join.token.bytes)
                $0.signingRequest = .init(request.request)
                $0.name = name
                $0.workerUid = uid
                $0.labels = labels
                $0.protocolMin = versions.lowerBound
                $0.protocolMax = versions.upperBound
            }
            let joiner = Joiner(
                message: message, request: request, authority: join.authority, done: done)
            WireConnecting.connect(
                to: join.address, on: group.next(), tls: tls, side: .joiner, owner: joiner,
                limits: limits,
                verifying: { chain in
                    TLSContexts.isCoordinator(chain, pinned: join.authority, now: now())
                },
                failed: { joiner.finish(.failure($0)) })
        } catch {
            done(.failure(.tls(error.description)))
        }
    }
}

/// The connection over which a worker joins.
private final class Joiner: SessionOwner {
    private let message: WireJoin
    private let request: CertificateRequest
    private let authority: [UInt8]
    private let done: Mutex<(@Sendable (Result<WireCredentials, WireError>) -> Void)?>

    init(
        message: WireJoin, request: CertificateRequest, authority: [UInt8],
        done: @escaping @Sendable (Result<WireCredentials, WireError>) -> Void
    ) {
        self.message = message
        self.request = request
        self.authority = authority
        self.done = Mutex(done)
    }

    var sessionDelegate: (any WireSessionDelegate)? { nil }

    func sessionIsConnected(_ session: WireSession) {
        session.send([WireMessage(.join(message))])
    }

    func session(_ session: WireSession, said joined: WireJoined) {
        do throws(IdentityError) {
            let authority = Array(joined.authority)
            guard WireHex.areEqual(Certificates.fingerprint(authority), self.authority) else {
                throw .refused("the coordinator gave another authority than the join string pins")
            }
            let credentials = try request.credentials(
                certificate: Array(joined.certificate), authority: authority)
            guard credentials.uid == message.workerUid else {
                throw .refused("the coordinator gave a certificate for another worker")
            }
            finish(.success(credentials))
        } catch {
            finish(.failure(.tls(error.description)))
        }
        session.order(.close(.closedHere(reason: "joined")))
    }

    func sessionIsOver(_ session: WireSession, reason: WireError) { finish(.failure(reason)) }

    func finish(_ result: Result<WireCredentials, WireError>) {
        let done = self.done.withLock { done in
            defer { done = nil }
            return done
        }
        done?(result)
    }
}
