import FanfoldWire
import NIOCore
import NIOPosix
import Synchronization

/// What happened, in order, for a test that waits for it.
final class Happenings<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation
    private let log = Mutex<[Value]>([])

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: Value.self)
    }

    func add(_ value: Value) {
        log.withLock { $0.append(value) }
        continuation.yield(value)
    }

    var all: [Value] { log.withLock { $0 } }

    /// Waits until something happened that the closure finds right; the test's time limit bounds it.
    func first<Found>(_ find: (Value) -> Found?) async -> Found? {
        for await value in stream {
            if let found = find(value) { return found }
        }
        return nil
    }
}

enum ServerHappening: Sendable {
    case greeted(WireSession, WireHello)
    case received(WireSession, [WireMessage])
    case slow(Bool)
    case closed(WireError)
    case issued(WireIssued)
    case turnedAway(WireError)
}

/// A listener's owner that lets everybody in unless told otherwise.
final class RecordingServer: WireServerDelegate {
    let happenings = Happenings<ServerHappening>()
    let blobs: (any WireBlobSource)?
    private let acknowledged: UInt64
    private let welcomes: Bool
    private let keepsBatches: Bool
    private let kept = Mutex<[WireBatch]>([])

    init(
        blobs: (any WireBlobSource)? = nil, acknowledged: UInt64 = 0, welcomes: Bool = true,
        keepsBatches: Bool = false
    ) {
        self.blobs = blobs
        self.acknowledged = acknowledged
        self.welcomes = welcomes
        self.keepsBatches = keepsBatches
    }

    var blobSource: (any WireBlobSource)? { blobs }

    func dropBatches() { kept.withLock { $0 = [] } }

    func session(_ session: WireSession, greeted hello: WireHello) {
        // Told last: what a test sends before the welcome would go nowhere.
        defer { happenings.add(.greeted(session, hello)) }
        guard welcomes else { return }
        session.welcome(
            .with {
                $0.workerID = 7
                $0.acknowledged = acknowledged
            })
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        if keepsBatches { kept.withLock { $0.append(batch) } }
        happenings.add(.received(session, batch.messages))
    }

    func session(_ session: WireSession, isSlow: Bool) { happenings.add(.slow(isSlow)) }
    func session(_ session: WireSession, closed reason: WireError) {
        happenings.add(.closed(reason))
    }
    func server(issued certificate: WireIssued) { happenings.add(.issued(certificate)) }
    func server(turnedAway reason: WireError, from address: String) {
        happenings.add(.turnedAway(reason))
    }

    func greeted() async -> (session: WireSession, hello: WireHello)? {
        await happenings.first {
            if case .greeted(let session, let hello) = $0 { (session, hello) } else { nil }
        }
    }

    func closed() async -> WireError? {
        await happenings.first { if case .closed(let error) = $0 { error } else { nil } }
    }

    func turnedAway() async -> WireError? {
        await happenings.first { if case .turnedAway(let error) = $0 { error } else { nil } }
    }

    /// Waits until so many messages have come in all.
    func messages(_ count: Int) async -> [WireMessage] {
        var messages: [WireMessage] = []
        guard count > 0 else { return [] }
        return await happenings.first {
            guard case .received(_, let more) = $0 else { return nil }
            messages += more
            return messages.count >= count ? messages : nil
        } ?? []
    }
}

enum ClientHappening: Sendable {
    case welcomed(WireSession, WireWelcome)
    case received([WireMessage])
    case closed(WireError)
    case failed(WireError)
    case gaveUp(WireError)
    case renewed(WireCredentials)
}

/// A client's owner that writes down what it hears.
final class RecordingClient: WireClientDelegate {
    let happenings = Happenings<ClientHappening>()
    let hello: WireHello
    let blobs: (any WireBlobSource)?

    init(_ hello: WireHello = WireHello(), blobs: (any WireBlobSource)? = nil) {
        self.hello = hello
        self.blobs = blobs
    }

    var blobSource: (any WireBlobSource)? { blobs }

    func clientHello() -> WireHello { hello }
    func session(_ session: WireSession, welcomed welcome: WireWelcome) {
        happenings.add(.welcomed(session, welcome))
    }
    func session(_ session: WireSession, received batch: WireBatch) {
        happenings.add(.received(batch.messages))
    }
    func session(_ session: WireSession, isSlow: Bool) {}
    func session(_ session: WireSession, closed reason: WireError) {
        happenings.add(.closed(reason))
    }
    func client(failed reason: WireError, nextTryInMilliseconds: Int64) {
        happenings.add(.failed(reason))
    }
    func client(gaveUp reason: WireError) { happenings.add(.gaveUp(reason)) }
    func client(renewed credentials: WireCredentials) { happenings.add(.renewed(credentials)) }

    func welcomed() async -> (session: WireSession, welcome: WireWelcome)? {
        await happenings.first {
            if case .welcomed(let session, let welcome) = $0 { (session, welcome) } else { nil }
        }
    }

    func received() async -> [WireMessage]? {
        await happenings.first {
            if case .received(let messages) = $0 { messages } else { nil }
        }
    }

    func gaveUp() async -> WireError? {
        await happenings.first { if case .gaveUp(let error) = $0 { error } else { nil } }
    }

    /// The first failure of a try, or of all.
    func failed() async -> WireError? {
        await happenings.first {
            switch $0 {
            case .failed(let error), .gaveUp(let error): error
            default: nil
            }
        }
    }
}

/// A listener on loopback with a token, and what connects to it.
struct Loopback {
    static let token = [UInt8](repeating: 7, count: 32)

    let delegate: RecordingServer
    let server: WireServer
    let address: WireAddress

    init(
        _ delegate: RecordingServer = RecordingServer(), limits: WireLimits = WireLimits(),
        versions: ClosedRange<UInt32> = WireVersion.spoken
    ) throws {
        self.delegate = delegate
        server = WireServer(
            address: try WireAddress("127.0.0.1:0"), security: .loopback(token: Self.token),
            limits: limits, versions: versions, delegate: delegate)
        address = try server.start()
    }

    func client(
        _ delegate: RecordingClient, limits: WireLimits = WireLimits(),
        versions: ClosedRange<UInt32> = WireVersion.spoken, token: [UInt8] = Self.token
    ) -> WireClient {
        let client = WireClient(
            address: address, security: .loopback(token: token), limits: limits,
            versions: versions, delegate: delegate)
        client.start()
        return client
    }
}

/// A peer that sends whatever bytes it likes.
final class RawPeer: Sendable {
    private let channel: any Channel
    private let bytes = Happenings<[UInt8]>()
    private let ended = Happenings<Bool>()

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let peerBytes: Happenings<[UInt8]>
        let ended: Happenings<Bool>

        init(_ bytes: Happenings<[UInt8]>, _ ended: Happenings<Bool>) {
            peerBytes = bytes
            self.ended = ended
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            peerBytes.add(Array(buffer: unwrapInboundIn(data)))
        }

        func channelInactive(context: ChannelHandlerContext) { ended.add(true) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    init(_ address: WireAddress, reads: Bool = true) async throws {
        guard case .host(let host, let port) = address else { throw WireError.busy }
        let (bytes, ended) = (bytes, ended)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(bytes, ended))
                }
            }
            .connect(host: host, port: port).get()
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func send(_ messages: [WireMessage]) throws { send(try Self.frame(messages)) }

    func close() { channel.close(promise: nil) }

    /// Waits for the end of the connection.
    func end() async { _ = await ended.first { $0 } }

    /// All that came so far.
    var received: [UInt8] { bytes.all.flatMap(\.self) }

    func firstBytes() async -> [UInt8]? { await bytes.first { $0 } }

    static func frame(_ messages: [WireMessage]) throws -> [UInt8] {
        let body: [UInt8] = try WireFrame.with { $0.messages = messages }.serializedBytes()
        return length(body.count) + body
    }

    static func length(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }
}

/// The Hello of a good peer on loopback.
func goodHello(_ change: (inout WireHello) -> Void = { _ in }) -> WireMessage {
    var hello = WireHello.with {
        $0.protocolMin = 1
        $0.protocolMax = 1
        $0.workerUid = "worker-0001"
        $0.token = .init(Loopback.token)
    }
    change(&hello)
    return WireMessage(.hello(hello))
}

func ended(_ sequence: UInt64) -> WireMessage {
    WireMessage(
        .ended(
            .with {
                $0.sequence = sequence
                $0.ends = [.with { $0.attempt.index = UInt32(truncatingIfNeeded: sequence) }]
            }))
}
