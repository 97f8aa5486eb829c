import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// What the test server was sent.
struct SeenRequest: Sendable {
    var method: String
    var target: String
    /// Names in small letters.
    var headers: [String: String]
    var body: [UInt8]
}

/// What the test server does with a request.
enum Reply: Sendable {
    /// A whole answer.
    case answer(Int, headers: [String: String] = [:], body: String = "")
    /// These bytes, then the end of the connection.
    case bytesThenEnd(String)
    /// The end of the connection, without a word.
    case end
    /// Nothing, while the connection stays open.
    case silence
    /// A body without an end.
    case flood
}

/// A small HTTP/1.1 server in this process that misbehaves as it is told.
final class TestServer: Sendable {
    /// Where it listens.
    enum Place: Sendable {
        case loopback
        case socket(String)
    }

    private let channel: any Channel
    private let log: ServerLog

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - replies: given in order, the last one again and again.
    ///   - client: whose certificate alone is let in.
    init(
        _ replies: [Reply], at place: Place = .loopback, certificate: TestCertificate? = nil,
        client: TestCertificate? = nil
    ) async throws {
        let log = ServerLog(replies)
        var context: NIOSSLContext?
        if let certificate {
            var configuration = try TLSConfiguration.makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate.certificate)
                    .map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: certificate.key, format: .pem)))
            if let client {
                configuration.certificateVerification = .noHostnameVerification
                configuration.trustRoots = .file(client.certificate)
            }
            context = try NIOSSLContext(configuration: configuration)
        }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(ServerHandler(log))
                }
            }
        switch place {
        case .loopback: channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        case .socket(let path): channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
        }
        self.log = log
    }

    deinit { channel.close(promise: nil) }

    var port: Int { channel.localAddress?.port ?? 0 }

    var seen: [SeenRequest] { log.seen }

    /// Refuses connections from now on.
    func stop() async throws { try await channel.close().get() }
}

private final class ServerLog: Sendable {
    private let state: Mutex<(replies: [Reply], seen: [SeenRequest])>

    init(_ replies: [Reply]) { state = Mutex((replies, [])) }

    var seen: [SeenRequest] { state.withLock { $0.seen } }

    func reply(to request: SeenRequest) -> Reply {
        state.withLock { state in
            state.seen.append(request)
            return state.replies.count > 1 ? state.replies.removeFirst() : state.replies[0]
        }
    }
}

private final class ServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: ServerLog
    private var received: [UInt8] = []
    private var isFlooding = false

    init(_ log: ServerLog) { self.log = log }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
        while let request = takeRequest() { answer(request, context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isFlooding { flood(context) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ request: SeenRequest, _ context: ChannelHandlerContext) {
        switch log.reply(to: request) {
        case .answer(let status, let headers, let body):
            let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            let isBare = request.method == "HEAD" || status == 204
            let length = status == 204 ? "" : "content-length: \(body.utf8.count)\r\n"
            write("HTTP/1.1 \(status) x\r\n\(length)\(lines)\r\n\(isBare ? "" : body)", context)
        case .bytesThenEnd(let text):
            write(text, context)
            context.close(promise: nil)
        case .end: context.close(promise: nil)
        case .silence: break
        case .flood:
            write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", context)
            isFlooding = true
            flood(context)
        }
    }

    private func flood(_ context: ChannelHandlerContext) {
        let chunk = String(repeating: "x", count: 65_536)
        while context.channel.isWritable { write("10000\r\n\(chunk)\r\n", context) }
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func takeRequest() -> SeenRequest? {
        let mark = Array("\r\n\r\n".utf8)
        guard
            let end = received.indices.first(where: { received[$0...].starts(with: mark) })
        else { return nil }
        let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased(), default: ""] += String(value)
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard received.count >= end + 4 + length else { return nil }
        let body = Array(received[(end + 4)..<(end + 4 + length)])
        received.removeFirst(end + 4 + length)
        return SeenRequest(
            method: String(words.first ?? ""), target: String(words.dropFirst().first ?? ""),
            headers: headers, body: body)
    }
}
