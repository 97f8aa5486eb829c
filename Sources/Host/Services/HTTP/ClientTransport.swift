import AsyncHTTPClient
import FanfoldPlugins
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Exchanges over async-http-client: one pool of connections for one plugin.
///
/// HTTP/1.1, certificates verified, no redirects followed, no compression asked for.
package final class ClientTransport: HTTPTransport {
    /// How connections are made, beside what the plugin's grant says.
    package struct Options: Sendable, Hashable {
        /// A file of certificates in PEM that are trusted beside the system's; empty for none.
        package var authorityFile = ""
        /// What `http` and `https` go through; sockets and this machine are reached directly.
        package var proxy: HTTPProxy?
        /// Bytes of an answer's body.
        package var answerBodyBytes = HTTPServiceLimits.answerBodyBytes
        /// Nanoseconds in which a connection must come about.
        package var connectNanoseconds: Int64 = 10_000_000_000
        /// Nanoseconds for which a connection is kept for the next request.
        package var idleNanoseconds: Int64 = 30_000_000_000

        /// The usual options.
        package init() {}
    }

    private let options: Options
    private let direct: HTTPClient
    private let proxied: HTTPClient?

    /// A transport without a connection.
    ///
    /// Parameter grant: whether a name may lead to an address that is guarded.
    package init(_ options: Options = Options(), grant: PluginGrant) {
        self.options = options
        direct = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: Self.configuration(options, grant: grant))
        proxied = options.proxy.map { proxy in
            // The proxy finds the addresses; ours is only its own.
            var configuration = Self.configuration(options, grant: nil)
            configuration.proxy = .server(host: proxy.host, port: proxy.port)
            return HTTPClient(
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
                configuration: configuration)
        }
    }

    deinit {
        // A client must be told; its connections end in the background.
        direct.shutdown { _ in }
        proxied?.shutdown { _ in }
    }

    private static func configuration(
        _ options: Options, grant: PluginGrant?
    ) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls(options, identity: nil), redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(options.connectNanoseconds)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = .nanoseconds(options.idleNanoseconds)
        // Retries are ours, with a budget.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let grant {
            configuration.http1_1ConnectionDebugInitializer = { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let address = channel.remoteAddress?.addressBytes,
                        !GuardedAddresses.allowsConnection(to: address, by: grant)
                    else { return }
                    try channel.pipeline.syncOperations.addHandler(
                        ForbiddenConnection(), position: .first)
                }
            }
        }
        return configuration
    }

    private static func tls(_ options: Options, identity: ClientIdentity?) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !options.authorityFile.isEmpty {
            tls.additionalTrustRoots = [.file(options.authorityFile)]
        }
        if let identity {
            tls.certificateChain = identity.chain.map { .certificate($0) }
            tls.privateKey = .privateKey(identity.key)
        }
        return tls
    }

    /// Sends the request and reads all of the answer.
    package func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure> {
        let deadline = NIODeadline.now() + .nanoseconds(Int64(clamping: timeout))
        let response: HTTPClientResponse
        do {
            response = try await client(for: request.url).execute(
                clientRequest(request), deadline: deadline)
        } catch {
            return .failure(TransportFailure(error, isAnswering: false))
        }
        let headers = response.headers.map { HTTPServiceHeader($0.name, $0.value) }
        guard headers.count <= HTTPServiceLimits.headerCount,
            headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count })
                <= HTTPServiceLimits.headerBytes
        else { return .failure(.headTooLong) }
        do {
            let body = try await response.body.collect(upTo: options.answerBodyBytes)
            return .success(
                HTTPServiceAnswer(
                    status: Int(response.status.code), headers: headers,
                    body: Array(body.readableBytesView)))
        } catch is NIOTooManyBytesError {
            return .failure(.answerTooLong(options.answerBodyBytes))
        } catch {
            return .failure(TransportFailure(error, isAnswering: true))
        }
    }

    private func client(for url: HTTPServiceURL) -> HTTPClient {
        guard let proxied, url.scheme != .unix, !url.isThisMachine else { return direct }
        return proxied
    }

    private func clientRequest(_ request: OutgoingRequest) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: Self.address(of: request.url))
        prepared.method = HTTPMethod(rawValue: request.method)
        for header in request.headers {
            prepared.headers.add(name: header.name, value: header.value)
        }
        if let identity = request.identity {
            prepared.tlsConfiguration = Self.tls(options, identity: identity)
        }
        prepared.headers.replaceOrAdd(name: "Host", value: request.url.authority)
        if !request.body.isEmpty { prepared.body = .bytes(ByteBuffer(bytes: request.body)) }
        return prepared
    }

    /// The URL as the client wants it, a socket's path being its host.
    private static func address(of url: HTTPServiceURL) -> String {
        guard url.scheme == .unix else {
            return "\(url.scheme.rawValue)://\(url.authority)\(url.target)"
        }
        let digits = Array("0123456789ABCDEF")
        let host = url.socket.utf8.map { byte -> String in
            let scalar = Unicode.Scalar(byte)
            return byte < 0x80 && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte))
                ? String(Character(scalar))
                : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
        return "http+unix://\(host.joined())\(url.target)"
    }
}

/// A connection that lets no request out.
private final class ForbiddenConnection: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        let failure = TransportFailure.forbiddenAddress
        promise?.fail(failure)
        context.fireErrorCaught(failure)
        context.close(promise: nil)
    }
}

extension SocketAddress {
    /// The 4 or 16 bytes of an address; `nil` for a socket's path.
    fileprivate var addressBytes: [UInt8]? { ipAddress.flatMap(GuardedAddresses.bytes) }
}

extension HTTPServiceURL {
    /// Whether it leads to this machine and no further.
    var isThisMachine: Bool {
        scheme == .unix || host == "localhost" || host == "::1" || host.hasSuffix(".localhost")
            || GuardedAddresses.bytes(of: host).map { $0.count == 4 && $0[0] == 127 } == true
    }
}
