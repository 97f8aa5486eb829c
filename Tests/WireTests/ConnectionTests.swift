import FanfoldWire
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    @Test func `a worker is greeted, welcomed, and both talk`() async throws {
        let loopback = try Loopback()
        let delegate = RecordingClient(
            .with {
                $0.name = "one"
                $0.workerUid = "worker-0001"
                $0.capabilities.milliCores = 4_000
                $0.capabilities.labels = ["zone": "a"]
            })
        let client = loopback.client(delegate)
        let greeted = try #require(await loopback.delegate.greeted())
        #expect(greeted.hello.name == "one")
        #expect(greeted.hello.capabilities.labels == ["zone": "a"])
        #expect(greeted.session.identity == .loopback)
        let welcomed = try #require(await delegate.welcomed())
        #expect(welcomed.welcome.protocol == 1)
        #expect(welcomed.welcome.workerID == 7)
        #expect(welcomed.session.version == 1)

        welcomed.session.send((1...1_000).map { ended($0) })
        #expect(await loopback.delegate.messages(1_000) == (1...1_000).map { ended($0) })
        let order = WireMessage(
            .start(.with { $0.assignments = [.with { $0.start = 3 }] }))
        greeted.session.send([order])
        #expect(await delegate.received() == [order])

        client.stop(reason: "done")
        #expect(await loopback.delegate.closed() == .goodbye(reason: "done"))
        #expect(await delegate.gaveUp() == .closedHere(reason: "done"))
        loopback.server.stop(reason: "over")
    }

    @Test func `a Unix socket does as well`() async throws {
        let path = "/tmp/fanfold-wire-\(WorkerUID.make().prefix(8)).sock"
        let server = RecordingServer()
        let listener = WireServer(
            address: .unix(path: path), security: .loopback(token: Loopback.token),
            delegate: server)
        let address = try listener.start()
        let delegate = RecordingClient()
        let client = WireClient(
            address: address, security: .loopback(token: Loopback.token), delegate: delegate)
        client.start()
        #expect(await delegate.welcomed() != nil)
        client.stop(reason: "done")
        #expect(await server.closed() == .goodbye(reason: "done"))
        listener.stop(reason: "over")
    }

    @Test func `numbered messages come once, also when they are sent again`() async throws {
        let loopback = try Loopback(RecordingServer(acknowledged: 2))
        let peer = try await RawPeer(loopback.address)
        try peer.send([goodHello()])
        _ = await loopback.delegate.greeted()
        _ = await peer.firstBytes()
        try peer.send([1, 2, 3, 4, 4].map { ended($0) })
        #expect(await loopback.delegate.messages(2) == [ended(3), ended(4)])
        try peer.send([ended(6)])
        #expect(await loopback.delegate.closed() == .sequenceGap(expected: 5, found: 6))
        loopback.server.stop(reason: "over")
    }

    @Test func `a coordinator that is refused by nobody comes back after a failure`() async throws {
        let loopback = try Loopback()
        let delegate = RecordingClient()
        let client = loopback.client(delegate)
        let first = try #require(await loopback.delegate.greeted())
        #expect(await delegate.welcomed() != nil)
        first.session.close(reason: "a network that breaks")
        let second = try #require(await loopback.delegate.greeted())
        #expect(second.session != first.session)
        #expect(await delegate.welcomed() != nil)
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `a client that is stopped at once gives up, and nobody is greeted`() async throws {
        let loopback = try Loopback()
        let delegate = RecordingClient()
        let client = loopback.client(delegate)
        client.stop(reason: "not wanted")
        #expect(await delegate.gaveUp() == .closedHere(reason: "not wanted"))
        let second = RecordingClient()
        let other = loopback.client(second)
        #expect(await second.welcomed() != nil)
        #expect(delegate.happenings.all.count == 1)
        other.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test(
        arguments: [
            (1...2, 1...1, 1), (1...2, 1...2, 2), (1...1, 1...2, 1), (2...3, 1...2, 2),
        ] as [(ClosedRange<UInt32>, ClosedRange<UInt32>, UInt32)])
    func `peers of one version apart speak the lower one`(
        server: ClosedRange<UInt32>, client: ClosedRange<UInt32>, spoken: UInt32
    ) async throws {
        let loopback = try Loopback(versions: server)
        let delegate = RecordingClient()
        let client = loopback.client(delegate, versions: client)
        #expect(await delegate.welcomed()?.welcome.protocol == spoken)
        #expect(await loopback.delegate.greeted()?.session.version == spoken)
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test(arguments: [0...0, 2...3] as [ClosedRange<UInt32>])
    func `peers without a common version are told so and give up`(
        versions: ClosedRange<UInt32>
    ) async throws {
        let loopback = try Loopback()
        let delegate = RecordingClient()
        _ = loopback.client(delegate, versions: versions)
        let error = await delegate.gaveUp()
        #expect(
            error
                == .refused(code: .version, message: "protocol 1 to 1 is spoken here"))
        #expect(
            await loopback.delegate.turnedAway() == .noCommonVersion(ours: 1...1, theirs: versions))
        loopback.server.stop(reason: "over")
    }

    @Test func `a wrong token gets a refusal that says nothing`() async throws {
        let loopback = try Loopback()
        let delegate = RecordingClient()
        var token = Loopback.token
        token[31] ^= 1
        _ = loopback.client(delegate, token: token)
        #expect(await delegate.gaveUp() == .refused(code: .notAllowed, message: ""))
        #expect(await loopback.delegate.turnedAway() == .notAllowed(.wrongToken))
        loopback.server.stop(reason: "over")
    }

    @Test(arguments: ["0.0.0.0:0", "192.0.2.1:7", "[::]:0", "localhost:0", "127.1:0"])
    func `without TLS there is only loopback`(text: String) async throws {
        let address = try WireAddress(text)
        let server = WireServer(
            address: address, security: .loopback(token: Loopback.token),
            delegate: RecordingServer())
        #expect(throws: WireError.needsTLS(address: text)) { try server.start() }
        let delegate = RecordingClient()
        WireClient(
            address: address, security: .loopback(token: Loopback.token), delegate: delegate
        ).start()
        #expect(await delegate.gaveUp() == .needsTLS(address: text))
    }

    @Test func `more is not read than may be in flight`() async throws {
        var limits = WireLimits()
        limits.messagesInFlight = 10
        let loopback = try Loopback(RecordingServer(keepsBatches: true), limits: limits)
        let peer = try await RawPeer(loopback.address)
        try peer.send([goodHello()])
        _ = await peer.firstBytes()
        // One frame is handed over whole; what comes after it waits.
        try peer.send((1...10).map { ended($0) })
        #expect(await loopback.delegate.messages(10).count == 10)
        try peer.send([ended(11)])
        loopback.delegate.dropBatches()
        #expect(await loopback.delegate.messages(1) == [ended(11)])
        peer.close()
        loopback.server.stop(reason: "over")
    }

    @Test func `a peer that does not read is slow first and then gone`() async throws {
        var limits = WireLimits()
        limits.slowBytes = 1 << 20
        limits.queuedBytes = 32 << 20
        let loopback = try Loopback(limits: limits)
        let peer = try await RawPeer(loopback.address, reads: false)
        try peer.send([goodHello()])
        let session = try #require(await loopback.delegate.greeted()).session
        let message = WireMessage(.define(.with { $0.runSpecJson = .init(count: 1 << 20) }))
        var isSlow = false
        // The operating system takes some megabytes, the queue the rest.
        for _ in 0..<64 { session.send([message]) }
        let reason: WireError? = await loopback.delegate.happenings.first {
            switch $0 {
            case .slow(true):
                isSlow = true
                return nil
            case .closed(let reason): return reason
            default: return nil
            }
        }
        #expect(isSlow)
        #expect(reason?.name == "peer-too-slow")
        peer.close()
        loopback.server.stop(reason: "over")
    }

    @Test func `a listener takes so many connections and no more`() async throws {
        var limits = WireLimits()
        limits.connections = 1
        let loopback = try Loopback(limits: limits)
        let delegate = RecordingClient()
        let client = loopback.client(delegate)
        #expect(await delegate.welcomed() != nil)
        let second = try await RawPeer(loopback.address)
        await second.end()
        #expect(second.received.isEmpty)
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    @Test func `the protocol can be measured`() throws {
        for usesTLS in [false, true] {
            let report = try WireBench.run(usesTLS: usesTLS, scale: 0.002)
            #expect(report.roundTripMicroseconds > 0 && report.messagesPerSecond > 0)
            #expect(report.endsPerSecond > 0)
        }
    }
}
