import FanfoldAPI
import FanfoldBlobs
import FanfoldRuntime
import FanfoldWire
import Foundation
import Logging
import Synchronization
import Testing

@testable import FanfoldCluster

/// A coordinator with TLS, a worker that serves others, and one that is revoked.
@Suite(.serialized, .timeLimit(.minutes(2)))
final class RevocationTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("fanfold-revoked-\(UUID().uuidString)")
    private static let content = [UInt8](repeating: 7, count: 1_000)
    private static let uids = (bad: "worker-of-the-bad", other: "worker-of-the-other")
    private static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func server(_ name: String, at address: WireAddress) throws -> ClusterServer {
        try ClusterServer(
            ClusterServerOptions(
                folder: path(name), workerAddress: address, requiresTLS: true,
                strategyCallNanoseconds: 1_000_000_000,
                preparer: { (_, _) throws(DocumentErrors) in preconditionFailure("no run comes") },
                fatal: { preconditionFailure($0) }), logger: Self.quiet)
    }

    /// A worker whose cache has the content; it serves at a port of its own.
    private func worker(_ name: String, _ entrance: WorkerEntrance, _ port: Int) throws
        -> ClusterWorker
    {
        var options = WorkerAgentOptions(
            folder: path(name), name: name, scratchDirectory: path("scratch"), helperPath: "",
            capabilities: WireCapabilities(), executors: nil,
            shippedExecutors: { _ in preconditionFailure("no run comes") })
        options.listening = .at(.host("127.0.0.1", port: port))
        let worker = try ClusterWorker(
            options, entrance: entrance, logger: Self.quiet,
            meter: { WorkerUse(milliCores: 0, memoryBytes: 1, freeDiskBytes: 1) })
        Thread.detachNewThread { _ = worker.run() }
        return worker
    }

    private func fill(_ name: String) throws -> BlobReference {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let store = try BlobStore(folder: path(name) + "/blobs", durability: .cache)
        let id = try store.put(Self.content, pinnedFor: StoredResult.owner)
        return BlobReference(id: id, size: Int64(Self.content.count))
    }

    /// Waits until a worker has sent a heartbeat: then it has heard the welcome.
    private func waitForGood(_ server: ClusterServer) async throws -> WorkerDetail {
        while true {
            let all = try await server.control.workers()
            if let found = all.first(where: { $0.name == "good" && $0.measured != nil }) {
                return found
            }
            await Task.yield()
        }
    }

    /// What a peer hears that connects.
    private final class Ear: WireClientDelegate {
        private let hello: WireHello
        private let stream: AsyncStream<String>
        private let words: AsyncStream<String>.Continuation

        init(_ purpose: WirePurpose) {
            hello = WireHello.with {
                $0.purpose = purpose
                $0.name = "bad"
            }
            (stream, words) = AsyncStream.makeStream(of: String.self)
        }

        var blobSource: (any WireBlobSource)? { nil }
        func clientHello() -> WireHello { hello }
        func session(_ session: WireSession, welcomed welcome: WireWelcome) {
            words.yield("welcome")
        }
        func session(_ session: WireSession, received batch: WireBatch) {}
        func session(_ session: WireSession, isSlow: Bool) {}
        func session(_ session: WireSession, closed reason: WireError) { words.yield("closed") }
        func client(failed reason: WireError, nextTryInMilliseconds: Int64) {
            words.yield("failed: \(reason)")
        }
        func client(gaveUp reason: WireError) { words.yield("out") }
        func client(renewed credentials: WireCredentials) {}

        func next() async -> String? {
            for await word in stream { return word }
            return nil
        }
    }

    private func connect(
        _ own: WireCredentials, to peer: WirePeer, at address: WireAddress
    ) -> (client: WireClient, ear: Ear) {
        let ear = Ear(peer == .coordinator ? .work : .blobs)
        let client = WireClient(
            address: address, security: .certificate(own, to: peer), delegate: ear)
        client.start()
        return (client, ear)
    }

    /// What somebody hears who wants blobs of the good worker.
    private func heard(_ own: WireCredentials, of uid: String, _ port: Int) async -> String? {
        let (client, ear) = connect(
            own, to: .worker(uid: uid), at: .host("127.0.0.1", port: port))
        defer { client.stop(reason: "heard") }
        return await ear.next()
    }

    private static func credentials(_ join: JoinString, _ uid: String) async throws
        -> WireCredentials
    {
        try await withCheckedContinuation { continuation in
            WireEnrolment.join(join, uid: uid, name: "bad") { continuation.resume(returning: $0) }
        }.get()
    }

    /// A port that nobody listens on now, below those that connections of other tests are given.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let port = (0..<100).lazy.map { _ in UInt16.random(in: 20_000..<32_000) }.first { port in
            address.sin_port = port.bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        return Int(try #require(port))
    }

    @Test func `a worker that is revoked gets no blobs of others, from then on and after restarts`()
        async throws
    {
        var server = try server("coordinator", at: .host("127.0.0.1", port: try Self.freePort()))
        let address = try server.start().workers
        let token = try await server.control.createJoinToken(
            JoinTokenRequest(lifetimeSeconds: 600, maximumUses: 3))
        let join = try JoinString(token.secret)
        let bad = try await Self.credentials(join, Self.uids.bad)
        let other = try await Self.credentials(join, Self.uids.other)
        let blob = try fill("good")
        let port = try Self.freePort()
        var good = try worker("good", .join(join), port)
        _ = try await waitForGood(server)
        let uid = try #require(try WireCredentials.load(folder: path("good"))).uid

        // It works, has a blob, and keeps its connection.
        let working = connect(bad, to: .coordinator, at: address)
        #expect(await working.ear.next() == "welcome")
        let peers = PeerConnections(uid: Self.uids.bad, revoked: Self.nobody)
        peers.use(.certificate(bad))
        let holder = WireHolder.with {
            $0.workerUid = uid
            $0.address = "127.0.0.1:\(port)"
        }
        let source = try #require(peers.source(holder))
        #expect(try source.read(blob, 0..<1_000, within: .seconds(10)) == Self.content)
        let (_, open) = connect(
            bad, to: .worker(uid: uid), at: .host("127.0.0.1", port: port))
        #expect(await open.next() == "welcome")

        let known = try await server.control.workers().first { $0.name == "bad" }
        _ = try await server.control.revoke(worker: try #require(known).id)
        #expect(await open.next() == "closed")
        #expect(throws: BlobSourceFailure.self) {
            try source.read(blob, 0..<1_000, within: .seconds(10))
        }
        #expect(await heard(bad, of: uid, port) == "out")
        #expect(await heard(other, of: uid, port) == "welcome")
        peers.close()

        // The worker's next start does not know it before the coordinator says it, and lets nobody in.
        server.stop()
        good.drain(reason: "it is started again")
        try copy("good", "good-again")
        let next = try Self.freePort()
        good = try worker("good-again", .certificate(address), next)
        #expect(await heard(bad, of: uid, next) == "out")
        #expect(await heard(other, of: uid, next) == "out")

        try copy("coordinator", "coordinator-again")
        server = try self.server("coordinator-again", at: address)
        _ = try server.start()
        _ = try await waitForGood(server)
        #expect(await heard(bad, of: uid, next) == "out")
        #expect(await heard(other, of: uid, next) == "welcome")
        good.drain(reason: "the test is over")
        server.stop()
    }

    private static var nobody: RevokedPeers {
        let revoked = RevokedPeers()
        revoked.use(all: [])
        return revoked
    }

    /// What somebody has locked who may be about to let go can be started elsewhere.
    private func copy(_ from: String, _ to: String) throws {
        try FileManager.default.copyItem(atPath: path(from), toPath: path(to))
    }

    @Test func `others are told as long as a certificate may be good, the latest first`() {
        let revocations = Revocations()
        let begin = Timestamp(milliseconds: 1_000)
        #expect(revocations.told(at: begin) == [])
        let row = revocations.add("worker-0001", at: begin)
        _ = revocations.add("worker-0003", at: begin.advanced(bySeconds: 2))
        _ = revocations.add("worker-0002", at: begin.advanced(bySeconds: 2))
        let all = ["worker-0002", "worker-0003", "worker-0001"]
        #expect(revocations.told(at: begin.advanced(bySeconds: 3)) == all)
        #expect(revocations.told(at: begin, limit: 2) == Array(all.prefix(2)))
        let end = begin.advanced(bySeconds: Revocations.toldSeconds)
        let last = Timestamp(milliseconds: end.milliseconds - 1)
        #expect(revocations.told(at: last) == all)
        #expect(revocations.told(at: end) == Array(all.prefix(2)))
        // The coordinator never lets it in again.
        #expect(revocations.contains("worker-0001"))

        let again = Revocations()
        again.recover([row])
        #expect(again.told(at: last) == ["worker-0001"] && again.told(at: end) == [])
    }
}
