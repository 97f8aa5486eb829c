import NIOCore
import NIOPosix
import Synchronization

/// What the protocol costs on this machine, over loopback: both ends in this process.
package struct WireBenchReport: Hashable, Sendable {
    /// Whether it was encrypted.
    package var usesTLS: Bool
    /// There and back of one message, the mean, in microseconds.
    package var roundTripMicroseconds: Double
    /// Messages a second there and back, 256 under way.
    package var messagesPerSecond: Double
    /// Ends of attempts a second, 100 in a message, each message acknowledged.
    package var endsPerSecond: Double
}

/// Measures the protocol; nothing else runs meanwhile.
package enum WireBench {
    private static let roundTrips: UInt64 = 5_000
    private static let pipelined: UInt64 = 200_000
    private static let batches: UInt64 = 5_000
    private static let window: UInt64 = 256
    private static let endsPerBatch = 100

    /// Measures; waits for the end, therefore not for an event loop or a pool's thread.
    ///
    /// Parameter scale: how many times the usual number of messages.
    package static func run(usesTLS: Bool, scale: Double = 1) throws(WireError) -> WireBenchReport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let server = BenchServer()
        let client = BenchClient(loop: group.next())
        do {
            let ends = try connect(server, client, usesTLS: usesTLS, group: group)
            defer {
                ends.client.stop(reason: "measured")
                ends.server.stop(reason: "measured")
            }
            let session = try client.opened.futureResult.wait()
            func rate(_ count: UInt64, window: UInt64, ends: Int) throws -> Double {
                let count = max(1, UInt64(Double(count) * scale))
                let start = NIODeadline.now()
                try client.measure(session, count: count, window: window, ends: ends).wait()
                return Double(count) / (Double((NIODeadline.now() - start).nanoseconds) / 1e9)
            }
            _ = try rate(roundTrips / 10, window: 1, ends: 0)
            return WireBenchReport(
                usesTLS: usesTLS,
                roundTripMicroseconds: 1e6 / (try rate(roundTrips, window: 1, ends: 0)),
                messagesPerSecond: try rate(pipelined, window: window, ends: 0),
                endsPerSecond: try rate(batches, window: window, ends: endsPerBatch)
                    * Double(endsPerBatch))
        } catch let error as WireError {
            throw error
        } catch {
            throw .system("the measurement failed: \(error)")
        }
    }

    private static func connect(
        _ server: BenchServer, _ client: BenchClient, usesTLS: Bool,
        group: MultiThreadedEventLoopGroup
    ) throws -> (server: WireServer, client: WireClient) {
        var limits = WireLimits()
        limits.messagesPerSecond = .max
        limits.messageBurst = .max
        let token = JoinToken().bytes
        let loopback = try WireAddress("127.0.0.1:0")
        guard usesTLS else {
            let listener = WireServer(
                address: loopback, security: .loopback(token: token), limits: limits,
                delegate: server, group: group)
            let connecting = WireClient(
                address: try listener.start(), security: .loopback(token: token), limits: limits,
                delegate: client, group: group)
            connecting.start()
            return (listener, connecting)
        }
        let authority = try CertificateAuthority()
        let uid = WorkerUID.make()
        let request = try CertificateRequest(uid: uid)
        let issued = try authority.issue(request.request, uid: uid)
        let credentials = try request.credentials(
            certificate: issued.certificate, authority: authority.certificate)
        let listener = WireServer(
            address: loopback,
            security: .coordinator(
                authority, tokens: MemoryTokenStore(), isRevoked: { _, _ in false }),
            limits: limits, delegate: server, group: group)
        let connecting = WireClient(
            address: try listener.start(),
            security: .certificate(credentials, to: .coordinator), limits: limits,
            delegate: client, group: group)
        connecting.start()
        return (listener, connecting)
    }
}

/// Answers each heartbeat and each message of ends with an acknowledgement.
private final class BenchServer: WireServerDelegate {
    var blobSource: (any WireBlobSource)? { nil }

    func session(_ session: WireSession, greeted hello: WireHello) {
        session.welcome(WireWelcome())
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        session.send(
            batch.messages.map { message in
                var sequence = message.kind?.sequence ?? 0
                if case .heartbeat(let heartbeat)? = message.kind { sequence = heartbeat.count }
                return WireMessage(.acknowledge(.with { $0.sequence = sequence }))
            })
    }

    func session(_ session: WireSession, isSlow: Bool) {}
    func session(_ session: WireSession, closed reason: WireError) {}
    func server(issued certificate: WireIssued) {}
    func server(turnedAway reason: WireError, from address: String) {}
}

/// Keeps so many messages under way until all were answered.
private final class BenchClient: WireClientDelegate {
    private struct Measurement {
        var done: EventLoopPromise<Void>
        var unsent: UInt64
        var unanswered: UInt64
        var ends: Int
    }

    let opened: EventLoopPromise<WireSession>
    private let loop: any EventLoop
    private let running = Mutex<Measurement?>(nil)
    private let sent = Mutex<UInt64>(0)

    init(loop: any EventLoop) {
        self.loop = loop
        opened = loop.makePromise()
    }

    var blobSource: (any WireBlobSource)? { nil }

    func measure(
        _ session: WireSession, count: UInt64, window: UInt64, ends: Int
    ) -> EventLoopFuture<Void> {
        let done = loop.makePromise(of: Void.self)
        running.withLock {
            $0 = Measurement(done: done, unsent: count, unanswered: count, ends: ends)
        }
        send(session, atMost: window)
        return done.futureResult
    }

    private func send(_ session: WireSession, atMost most: UInt64) {
        let (count, ends) = running.withLock { running -> (UInt64, Int) in
            guard let unsent = running?.unsent, let ends = running?.ends else { return (0, 0) }
            let count = min(unsent, most)
            running?.unsent -= count
            return (count, ends)
        }
        session.send((0..<count).map { _ in ends == 0 ? heartbeat() : ended(ends) })
    }

    private func heartbeat() -> WireMessage {
        WireMessage(
            .heartbeat(
                .with {
                    $0.milliCores = 1_500
                    $0.memoryBytes = 1 << 30
                    $0.count = 1
                }))
    }

    private func ended(_ ends: Int) -> WireMessage {
        let sequence = sent.withLock { sent in
            sent += 1
            return sent
        }
        return WireMessage(
            .ended(
                .with {
                    $0.sequence = sequence
                    $0.ends = (0..<ends).map(Self.end)
                }))
    }

    private static func end(_ index: Int) -> WireAttemptEnd {
        .with {
            $0.attempt.index = UInt32(index)
            $0.attempt.epoch = 1
            $0.slot = UInt64(index)
            $0.success.format = "json"
            $0.success.items = 1
            $0.success.inline = .init([49, 50])
            $0.usage.ranNanoseconds = 1_000_000
        }
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        let count = UInt64(batch.messages.count)
        let done = running.withLock { running -> EventLoopPromise<Void>? in
            guard let unanswered = running?.unanswered else { return nil }
            running?.unanswered -= min(count, unanswered)
            return running?.unanswered == 0 ? running?.done : nil
        }
        if let done { return done.succeed() }
        send(session, atMost: count)
    }

    func clientHello() -> WireHello { WireHello() }
    func session(_ session: WireSession, welcomed welcome: WireWelcome) { opened.succeed(session) }
    func session(_ session: WireSession, isSlow: Bool) {}

    func session(_ session: WireSession, closed reason: WireError) {
        running.withLock { $0 }?.done.fail(reason)
    }

    func client(failed reason: WireError, nextTryInMilliseconds: Int64) { opened.fail(reason) }
    func client(gaveUp reason: WireError) { opened.fail(reason) }
    func client(renewed credentials: WireCredentials) {}
}
