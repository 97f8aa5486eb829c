import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The API as a server.
package final class APIServer: Service {
    private let configuration: APIConfiguration
    private let dispatcher: Dispatcher
    private let logger: Logger
    private let onListening: @Sendable (String) async -> Void
    private let state = Mutex(State())

    private struct State {
        var group: ServiceGroup?
        var port: Int?
        var isStopped = false
        var failure: APIServerError?
    }

    /// A server that does not listen yet.
    ///
    /// Parameter onListening: Told the address as soon as clients can connect.
    package init(
        configuration: APIConfiguration, controlPlane: any ControlPlane, tokens: any TokenStore,
        idempotency: (any IdempotencyStore)? = nil, logger: Logger,
        onListening: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        dispatcher = Dispatcher(
            table: .all, controlPlane: controlPlane, tokens: tokens,
            idempotency: idempotency ?? MemoryIdempotencyStore(limits: configuration.limits),
            limits: configuration.limits, limiter: RateLimiter(configuration.limits),
            metrics: APIMetrics(), logger: logger)
    }

    /// The port that is listened on; `nil` before.
    package var port: Int? { state.withLock { $0.port } }

    /// Listens and answers until ``stop()``.
    ///
    /// Throws: ``APIServerError`` if it cannot listen.
    package func run() async throws {
        let application = try makeApplication()
        var services = ServiceGroupConfiguration(
            services: [
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: application, successTerminationBehavior: .gracefullyShutdownGroup)
            ], logger: logger)
        services.maximumGracefulShutdownDuration = .seconds(configuration.limits.stopSeconds)
        let group = ServiceGroup(configuration: services)
        let isStopped = state.withLock { state in
            state.group = group
            return state.isStopped
        }
        guard !isStopped else { return }
        do {
            try await group.run()
        } catch  where port == nil {
            throw APIServerError.cannotListen(
                address: configuration.address(port: configuration.port),
                reason: String(describing: error))
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// Takes no more requests, answers those that are in progress, and lets ``run()`` return.
    package func stop() async {
        let group = state.withLock { state in
            state.isStopped = true
            return state.group
        }
        await group?.triggerGracefulShutdown()
    }

    private func makeApplication() throws -> Application<CallbackResponder<APIContext>> {
        let limits = configuration.limits
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                idleTimeout: .seconds(limits.idleSeconds),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerFieldBytes,
                    maxHeaderListSize: limits.headerListBytes,
                    maxHeaderFieldCount: limits.headerFields)))
        let tls = try configuration.tlsConfiguration()
        return Application(
            responder: CallbackResponder { [self] (request: Request, context: APIContext) in
                try await respond(to: request, context)
            },
            server: try tls.map { try .tls(plain, tlsConfiguration: $0) } ?? plain,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "fanfold",
                availableConnectionsDelegate: MaximumAvailableConnections(
                    limits.connections, logger: logger)),
            onServerRunning: { [self] channel in
                await listening(on: channel.localAddress?.port ?? configuration.port)
            },
            logger: logger)
    }

    private func listening(on port: Int) async {
        state.withLock { $0.port = port }
        let address = configuration.address(port: port)
        if let folder = configuration.localFolder {
            do throws(ControlError) {
                try await LocalAccess(folder: folder).publish(
                    address: address, tokens: dispatcher.tokens)
            } catch {
                state.withLock { $0.failure = .cannotWrite(reason: error.message) }
                await stop()
                return
            }
        }
        logger.info("The API listens", metadata: ["address": "\(address)"])
        await onListening(address)
    }

    private func respond(to request: Request, _ context: APIContext) async throws -> Response {
        let address = context.channel.remoteAddress?.ipAddress ?? "local"
        let reply = try await dispatcher.reply(to: request, from: address)
        return response(for: reply, context.channel)
    }

    private func response(for reply: Reply, _ channel: any Channel) -> Response {
        let streaming = BodyStreaming(
            controlPlane: dispatcher.controlPlane, limits: configuration.limits,
            metrics: dispatcher.metrics, logger: logger, channel: channel)
        var body = ResponseBody()
        switch reply.content {
        case .none: break
        case .bytes(let bytes): body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .stream(let stream): body = streaming.body(of: stream)
        case .events(let after):
            body = streaming.body(ofEventsAfter: after)
        }
        return Response(
            status: .init(code: reply.status), headers: Self.headers(of: reply), body: body)
    }

    private static func headers(of reply: Reply) -> HTTPFields {
        var headers = HTTPFields()
        if let mediaType = reply.mediaType { headers[.contentType] = mediaType }
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in reply.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return headers
    }
}

/// What a request is answered with beside what it says: the connection it came on.
struct APIContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
    }
}
