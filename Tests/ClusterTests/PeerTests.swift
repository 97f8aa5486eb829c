import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Foundation
import Synchronization
import Testing

@testable import FanfoldCluster

/// Workers that fetch from each other, over sockets.
@Suite(.timeLimit(.minutes(2)))
final class PeerTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("fanfold-peers-\(UUID().uuidString)")
    private static let uids = ["worker-0001", "worker-0002"]

    /// Some MiB, so that sums are asked for and several chunks.
    private static let bytes = (0..<(3 << 20) + 7).map {
        UInt8(truncatingIfNeeded: $0 / 3 ^ $0 >> 9)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func store() throws -> BlobStore {
        try BlobStore(
            folder: folder.appendingPathComponent(UUID().uuidString).path, durability: .cache)
    }

    private static func credentials(
        _ uid: String, of authority: CertificateAuthority
    ) throws -> WireCredentials {
        let request = try CertificateRequest(uid: uid)
        let issued = try authority.issue(request.request, uid: uid)
        return try request.credentials(
            certificate: issued.certificate, authority: authority.certificate)
    }

    /// A worker that listens and has the blob.
    private struct Holder {
        let listener: PeerListener
        let served: CountedBlobs
        let blob: BlobReference
        var wire: WireHolder

        init(
            _ store: BlobStore, as identity: PeerIdentity,
            revoked: RevokedPeers = PeerTests.revoked([])
        ) throws {
            let id = try store.put(PeerTests.bytes, pinnedFor: "test")
            blob = BlobReference(id: id, size: Int64(PeerTests.bytes.count))
            served = CountedBlobs(ServedBlobs(store: store))
            listener = try PeerListener(
                at: .host("127.0.0.1", port: 0), as: identity, blobs: served, revoked: revoked)
            wire = WireHolder()
            wire.workerUid = PeerTests.uids[0]
            wire.address = listener.address.description
        }
    }

    /// What a worker knows that was told who is revoked.
    private static func revoked(_ uids: Set<String>) -> RevokedPeers {
        let revoked = RevokedPeers()
        revoked.use(all: uids)
        return revoked
    }

    /// Fetches what a holder has; `nil` if it does not come.
    private func fetch(
        from holder: Holder, as identity: PeerIdentity
    ) async throws -> BlobReference? {
        let peers = PeerConnections(uid: Self.uids[1], revoked: Self.revoked([]))
        defer { peers.close() }
        return try await fetch(from: holder, as: identity, over: peers)
    }

    private func fetch(
        from holder: Holder, as identity: PeerIdentity, over peers: PeerConnections
    ) async throws -> BlobReference? {
        peers.use(identity)
        let source = try #require(peers.source(holder.wire))
        let fetcher = BlobFetcher(store: try store()) { Thread.detachNewThread($0) }
        let outcome = await withCheckedContinuation { continuation in
            fetcher.fetch(holder.blob, from: [source]) { continuation.resume(returning: $0) }
        }
        return try? outcome.get()
    }

    @Test func `a worker of the same authority gets the blob, and it is counted`() async throws {
        let authority = try CertificateAuthority()
        let holder = try Holder(
            store(), as: .certificate(Self.credentials(Self.uids[0], of: authority)))
        defer { holder.listener.stop(reason: "over") }
        let own = try Self.credentials(Self.uids[1], of: authority)
        #expect(try await fetch(from: holder, as: .certificate(own)) == holder.blob)
        #expect(holder.served.bytesSent >= UInt64(Self.bytes.count))
    }

    @Test func `a worker of another authority gets nothing`() async throws {
        let holder = try Holder(
            store(),
            as: .certificate(Self.credentials(Self.uids[0], of: try CertificateAuthority())))
        defer { holder.listener.stop(reason: "over") }
        let own = try Self.credentials(Self.uids[1], of: try CertificateAuthority())
        #expect(try await fetch(from: holder, as: .certificate(own)) == nil)
        #expect(holder.served.bytesSent == 0)
    }

    @Test func `a holder with another name than was told is not asked`() async throws {
        let authority = try CertificateAuthority()
        let holder = try Holder(
            store(), as: .certificate(Self.credentials("worker-0009", of: authority)))
        defer { holder.listener.stop(reason: "over") }
        let own = try Self.credentials(Self.uids[1], of: authority)
        #expect(try await fetch(from: holder, as: .certificate(own)) == nil)
        #expect(holder.served.bytesSent == 0)
    }

    @Test func `a worker that is revoked gets nothing, nor over the connection that it has`()
        async throws
    {
        let authority = try CertificateAuthority()
        let revoked = RevokedPeers()
        let holder = try Holder(
            store(), as: .certificate(Self.credentials(Self.uids[0], of: authority)),
            revoked: revoked)
        defer { holder.listener.stop(reason: "over") }
        let own = PeerIdentity.certificate(try Self.credentials(Self.uids[1], of: authority))
        // Nobody has said yet who is revoked.
        #expect(try await fetch(from: holder, as: own) == nil)
        revoked.use(all: ["worker-0003"])
        let peers = PeerConnections(uid: Self.uids[1], revoked: Self.revoked([]))
        #expect(try await fetch(from: holder, as: own, over: peers) == holder.blob)
        let sent = holder.served.bytesSent

        revoked.add([Self.uids[1]])
        holder.listener.close([Self.uids[1]])
        #expect(try await fetch(from: holder, as: own, over: peers) == nil)
        #expect(try await fetch(from: holder, as: own) == nil)
        #expect(holder.served.bytesSent == sent)
        peers.close()
        // A coordinator that says all knows better.
        revoked.use(all: [])
        #expect(try await fetch(from: holder, as: own) == holder.blob)
    }

    @Test func `a holder that is revoked is not asked, nor over the connection there is`()
        async throws
    {
        let authority = try CertificateAuthority()
        let holder = try Holder(
            store(), as: .certificate(Self.credentials(Self.uids[0], of: authority)))
        defer { holder.listener.stop(reason: "over") }
        let revoked = Self.revoked([])
        let peers = PeerConnections(uid: Self.uids[1], revoked: revoked)
        let own = PeerIdentity.certificate(try Self.credentials(Self.uids[1], of: authority))
        #expect(try await fetch(from: holder, as: own, over: peers) == holder.blob)
        let sent = holder.served.bytesSent
        let source = try #require(peers.source(holder.wire))

        revoked.add([Self.uids[0]])
        peers.close([Self.uids[0]])
        #expect(peers.source(holder.wire) == nil)
        #expect(throws: BlobSourceFailure.self) {
            try source.read(holder.blob, 0..<10, within: .seconds(10))
        }
        #expect(holder.served.bytesSent == sent)
        peers.close()
    }

    @Test func `as many revoked workers are known as the limit says; with one more nobody gets in`()
    {
        let uids = (0...PeerLimits.revoked).map { "worker-\($0)" }
        let revoked = RevokedPeers()
        #expect(!revoked.admits("another"))
        // What an earlier coordinator says.
        revoked.use(all: Set(WireWelcome().revokedUids))
        #expect(revoked.admits("another") && revoked.admits(uids[0]))
        revoked.use(all: Set(uids.dropLast()))
        #expect(revoked.admits("another") && !revoked.admits(uids[0]))
        revoked.add(["worker-0"])
        #expect(revoked.admits("another"))
        revoked.add([uids[PeerLimits.revoked]])
        #expect(!revoked.admits("another"))
        // Not even who was not told of is let in before all are told again.
        revoked.add([])
        #expect(!revoked.admits("another"))
        revoked.use(all: Set(uids))
        #expect(!revoked.admits("another"))
        revoked.use(all: [])
        #expect(revoked.admits("another"))
    }

    @Test func `on loopback the coordinator's token lets in, and no other`() async throws {
        let holder = try Holder(store(), as: .loopback(token: []))
        defer { holder.listener.stop(reason: "over") }
        let token = [UInt8](repeating: 5, count: 32)
        // Nobody has been told a token yet.
        #expect(try await fetch(from: holder, as: .loopback(token: [])) == nil)
        #expect(try await fetch(from: holder, as: .loopback(token: token)) == nil)
        try holder.listener.use(.loopback(token: token))
        #expect(try await fetch(from: holder, as: .loopback(token: [])) == nil)
        #expect(holder.served.bytesSent == 0)
        #expect(try await fetch(from: holder, as: .loopback(token: token)) == holder.blob)
    }

    /// What a client that wants something else hears.
    private final class Answers: WireClientDelegate {
        let hello: WireHello
        let end = Mutex<CheckedContinuation<String, Never>?>(nil)

        init(_ hello: WireHello) { self.hello = hello }

        var blobSource: (any WireBlobSource)? { nil }
        func clientHello() -> WireHello { hello }
        func session(_ session: WireSession, welcomed welcome: WireWelcome) { say("welcome") }
        func session(_ session: WireSession, received batch: WireBatch) {}
        func session(_ session: WireSession, isSlow: Bool) {}
        func session(_ session: WireSession, closed reason: WireError) { say("\(reason)") }
        func client(failed reason: WireError, nextTryInMilliseconds: Int64) { say("\(reason)") }
        func client(gaveUp reason: WireError) { say("\(reason)") }
        func client(renewed credentials: WireCredentials) {}

        private func say(_ text: String) {
            end.withLock { end in
                end?.resume(returning: text)
                end = nil
            }
        }
    }

    @Test(arguments: [WirePurpose.work, .blobs])
    func `only who wants blobs is let in`(_ purpose: WirePurpose) async throws {
        let holder = try Holder(store(), as: .loopback(token: []))
        defer { holder.listener.stop(reason: "over") }
        let token = [UInt8](repeating: 5, count: 32)
        try holder.listener.use(.loopback(token: token))
        var hello = WireHello()
        hello.workerUid = Self.uids[1]
        hello.purpose = purpose
        let answers = Answers(hello)
        let client = WireClient(
            address: holder.listener.address, security: .loopback(token: token), delegate: answers)
        let answer = await withCheckedContinuation { continuation in
            answers.end.withLock { $0 = continuation }
            client.start()
        }
        #expect((answer == "welcome") == (purpose == .blobs), "\(answer)")
        client.stop(reason: "done")
    }

    // MARK: What the coordinator remembers

    private static func blob(_ number: Int) -> BlobID { BlobID.of(Array("\(number)".utf8)) }

    private static func holders(limit: Int, workers: Int) -> BlobHolders {
        let holders = BlobHolders(limit: limit)
        for index in 0..<workers {
            holders.enter(
                WorkerID(UInt32(index)), uid: "worker-\(index)", said: "127.0.0.1:\(7_000 + index)",
                mustBeLoopback: true)
        }
        return holders
    }

    @Test func `a holder is offered to others while it is connected`() {
        let holders = Self.holders(limit: 10, workers: 2)
        let (first, second) = (WorkerID(0), WorkerID(1))
        holders.note(Self.blob(1), on: first)
        #expect(holders.holders(of: Self.blob(1), for: first) == [])
        #expect(holders.holders(of: Self.blob(1), for: second).map(\.address) == ["127.0.0.1:7000"])
        #expect(holders.holders(of: Self.blob(2), for: second) == [])
        holders.leave(first)
        #expect(holders.holders(of: Self.blob(1), for: second) == [])
    }

    @Test func `as many blobs, holders and offers as the limits say, and no more`() {
        let holders = Self.holders(limit: 3, workers: BlobHolders.holdersPerBlob + 2)
        for number in 0..<4 { holders.note(Self.blob(number), on: WorkerID(0)) }
        #expect(holders.count == 3)
        #expect(holders.holders(of: Self.blob(0), for: WorkerID(1)) == [])
        #expect(holders.holders(of: Self.blob(1), for: WorkerID(1)).count == 1)
        for index in 0..<(BlobHolders.holdersPerBlob + 2) {
            holders.note(Self.blob(3), on: WorkerID(UInt32(index)))
        }
        let offered = (0..<BlobHolders.holdersPerBlob).map { _ in
            holders.holders(of: Self.blob(3), for: WorkerID(99)).map(\.workerUid)
        }
        #expect(offered.allSatisfy { $0.count == BlobHolders.offered })
        let all = Set(offered.joined())
        #expect(all.count == BlobHolders.holdersPerBlob)
        #expect(!all.contains("worker-0"))
    }

    @Test(arguments: ["", "nowhere", "127.0.0.1:0", "unix:/tmp/x", "10.0.0.1:80"])
    func `an address that is none, or leaves the machine with the token, is not offered`(
        _ said: String
    ) {
        let holders = BlobHolders()
        holders.enter(WorkerID(0), uid: "worker-0001", said: said, mustBeLoopback: true)
        holders.note(Self.blob(1), on: WorkerID(0))
        #expect(holders.holders(of: Self.blob(1), for: WorkerID(1)) == [])
    }
}
