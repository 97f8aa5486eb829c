import FanfoldBlobs
import FanfoldWire
import Synchronization

/// Another worker, and where it serves its blobs.
struct Peer: Hashable, Sendable {
    var uid: String
    var address: WireAddress
}

/// What a worker fetches from others: a connection to each, made when it is first needed, the one
/// not used for longest closed when there are too many.
final class PeerConnections: Sendable {
    private struct State {
        var identity: PeerIdentity?
        var links: [Peer: PeerLink] = [:]
        /// The one used last is at the end.
        var order: [Peer] = []
        var isClosed = false
    }

    private let uid: String
    private let revoked: RevokedPeers
    private let state = Mutex(State())
    private let fetched = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - uid: of this worker.
    ///   - revoked: who is not asked.
    init(uid: String, revoked: RevokedPeers) {
        self.uid = uid
        self.revoked = revoked
    }

    /// Bytes that came from other workers since the process began.
    var bytesFetched: UInt64 { fetched.load(ordering: .relaxed) }

    /// From now on others know this worker by this.
    func use(_ identity: PeerIdentity) { state.withLock { $0.identity = identity } }

    /// What a holder has; `nil` if he is this worker, or cannot or must not be asked.
    func source(_ holder: WireHolder) -> (any BlobSource)? {
        guard holder.workerUid != uid, state.withLock({ $0.identity }) != nil,
            revoked.admits(holder.workerUid), let address = try? WireAddress(holder.address)
        else { return nil }
        return PeerBlobs(Peer(uid: holder.workerUid, address: address), self)
    }

    /// Ends the connections to workers that were revoked.
    func close(_ uids: Set<String>) {
        let links = state.withLock { state in
            state.links.filter { uids.contains($0.key.uid) }.map(\.value)
        }
        for link in links { link.close(reason: RevokedPeers.reason) }
    }

    func close() {
        let links = state.withLock { state in
            state.isClosed = true
            defer { state.links = [:] }
            return state.links.values
        }
        for link in links { link.close(reason: "the worker ends") }
    }

    fileprivate func admits(_ peer: Peer) -> Bool { revoked.admits(peer.uid) }

    fileprivate func count(_ bytes: Int) { fetched.add(UInt64(bytes), ordering: .relaxed) }

    /// The connection to a peer, or a new one if that is over.
    fileprivate func link(to peer: Peer) -> PeerLink? {
        let (link, old, start) = state.withLock { state -> (PeerLink?, PeerLink?, PeerIdentity?) in
            guard !state.isClosed, let identity = state.identity else { return (nil, nil, nil) }
            state.order.removeAll { $0 == peer }
            state.order.append(peer)
            if let known = state.links[peer], !known.isOver { return (known, nil, nil) }
            var old: PeerLink?
            state.links[peer] = nil
            if state.links.count >= PeerLimits.links,
                let first = state.order.first(where: { state.links[$0] != nil })
            {
                old = state.links.removeValue(forKey: first)
            }
            state.order.removeAll { $0 != peer && state.links[$0] == nil }
            let made = PeerLink(uid: uid)
            state.links[peer] = made
            return (made, old, identity)
        }
        old?.close(reason: "others are needed more")
        if let link, let start { link.start(peer, as: start) }
        return link
    }
}

/// The blobs of another worker.
private final class PeerBlobs: BlobSource {
    let name: String
    private let peer: Peer
    private let connections: PeerConnections

    init(_ peer: Peer, _ connections: PeerConnections) {
        self.peer = peer
        self.connections = connections
        name = "worker \(peer.uid) at \(peer.address)"
    }

    func sums(
        of blob: BlobReference, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        let limit = min(limit, PeerLimits.answer)
        return try session(limit).sums(of: blob, within: limit)
    }

    func read(
        _ blob: BlobReference, _ range: Range<Int64>, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8] {
        let limit = min(limit, PeerLimits.answer)
        let bytes = try session(limit).read(blob, range, within: limit)
        connections.count(bytes.count)
        return bytes
    }

    private func session(_ limit: Duration) throws(BlobSourceFailure) -> SessionBlobs {
        guard connections.admits(peer) else { throw .failed(RevokedPeers.reason) }
        guard let link = connections.link(to: peer) else { throw .failed("this worker ends") }
        return SessionBlobs(try link.session(within: limit), name: name)
    }
}

/// A connection to another worker; once it is over it stays so.
private final class PeerLink: WireClientDelegate {
    private struct State {
        var client: WireClient?
        var session: WireSession?
        var end: String?
        var waiting: [TimedSemaphore] = []
    }

    private let uid: String
    private let state = Mutex(State())

    init(uid: String) { self.uid = uid }

    var isOver: Bool { state.withLock { $0.end != nil } }

    func start(_ peer: Peer, as identity: PeerIdentity) {
        let security: WireClientSecurity =
            switch identity {
            case .loopback(let token): .loopback(token: token)
            case .certificate(let credentials):
                .certificate(credentials, to: .worker(uid: peer.uid))
            }
        let client = WireClient(address: peer.address, security: security, delegate: self)
        let isWanted = state.withLock { state in
            guard state.end == nil else { return false }
            state.client = client
            return true
        }
        if isWanted { client.start() }
    }

    /// The session, once the other worker has let us in.
    func session(within limit: Duration) throws(BlobSourceFailure) -> WireSession {
        let turn = TimedSemaphore()
        let isThere = state.withLock { state in
            guard state.end == nil, state.session == nil else { return true }
            state.waiting.append(turn)
            return false
        }
        let isInTime = isThere || turn.wait(limit)
        let (session, end) = state.withLock { ($0.session, $0.end) }
        if let end { throw .failed(end) }
        guard isInTime, let session else {
            close(reason: "it did not answer in time")
            throw .slow
        }
        return session
    }

    func close(reason: String) {
        let client = state.withLock { state in
            state.end = state.end ?? reason
            for each in state.waiting { each.signal() }
            state.waiting = []
            state.session = nil
            defer { state.client = nil }
            return state.client
        }
        client?.stop(reason: reason)
    }

    var blobSource: (any WireBlobSource)? { nil }

    func clientHello() -> WireHello {
        var hello = WireHello()
        hello.workerUid = uid
        hello.purpose = .blobs
        return hello
    }

    func session(_ session: WireSession, welcomed welcome: WireWelcome) {
        state.withLock { state in
            guard state.end == nil else { return }
            state.session = session
            for each in state.waiting { each.signal() }
            state.waiting = []
        }
    }

    func session(_ session: WireSession, received batch: WireBatch) {}

    func session(_ session: WireSession, isSlow: Bool) {}

    func session(_ session: WireSession, closed reason: WireError) { close(reason: "\(reason)") }

    func client(failed reason: WireError, nextTryInMilliseconds: Int64) {
        close(reason: "\(reason)")
    }

    func client(gaveUp reason: WireError) { close(reason: "\(reason)") }

    func client(renewed credentials: WireCredentials) {}
}
