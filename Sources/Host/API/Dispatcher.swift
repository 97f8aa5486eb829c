import FanfoldJSON
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// From a request to an answer: who, how often, what, whether twice; then the route.
///
/// Who calls is settled first, so that whoever has no credential learns nothing else, not even which
/// paths there are.
struct Dispatcher: Sendable {
    let table: RouteTable
    let controlPlane: any ControlPlane
    let tokens: any TokenStore
    let idempotency: any IdempotencyStore
    let limits: APILimits
    let limiter: RateLimiter
    let metrics: APIMetrics
    let logger: Logger

    /// Answers a request of a client at `address`.
    ///
    /// Throws: only what the connection itself did wrong.
    func reply(to request: Request, from address: String) async throws -> Reply {
        let match = table.match(method: request.method.rawValue, path: Self.path(of: request))
        var name = "none"
        if case .route(let route, _) = match { name = route.id }
        let reply: Reply
        do {
            reply = try await answer(request, match, from: address)
        } catch let error as HTTPParserError {
            throw error
        } catch let problem as Problem {
            reply = problem.reply
        } catch let error as ControlError {
            reply = refusal(error, match)
        } catch {
            logger.error("A request failed", metadata: ["error": "\(error)", "route": "\(name)"])
            reply = Problem.fault.reply
        }
        metrics.count(route: name, status: reply.status)
        return reply
    }

    /// The path as it was sent, without the query.
    private static func path(of request: Request) -> String {
        String((request.head.path ?? "").prefix { $0 != "?" && $0 != "#" })
    }

    private func answer(
        _ request: Request, _ match: RouteTable.Match, from address: String
    ) async throws -> Reply {
        var identity: Identity?
        var access = Access.role(.read)
        if case .route(let route, _) = match { access = route.access }
        if access != .anyone { identity = self.identity(of: request) }
        if let seconds = limiter.take(
            from: identity?.token ?? "address \(address)", at: ContinuousClock.now)
        {
            throw Problem(
                .tooFast,
                "wanted at most \(limits.requestsPerSecond) requests a second; wait \(seconds) s",
                headers: [("retry-after", String(seconds))])
        }
        if access != .anyone, identity == nil { throw Problem.unauthorized }
        switch match {
        case .nothing:
            throw Problem(.notFound, "there is nothing here; see /api/v1/openapi.json")
        case .wrongMethod(let allowed):
            throw Problem(
                .wrongMethod, "wanted \(allowed.joined(separator: " or "))",
                headers: [("allow", allowed.joined(separator: ", "))])
        case .route(let route, let path):
            if case .role(let role) = route.access, identity?.role.allows(role) != true {
                throw Problem(
                    .forbidden,
                    "wanted a token with the role \(role.rawValue), found "
                        + (identity?.role.rawValue ?? "none"))
            }
            return try await call(route, request, path, identity)
        }
    }

    private func identity(of request: Request) -> Identity? {
        let values = request.headers[values: .authorization]
        guard values.count == 1 else { return nil }
        let parts = values[0].split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return tokens.identity(of: String(parts[1]), at: .now())
    }

    private func call(
        _ route: Route, _ request: Request, _ path: [String: String], _ identity: Identity?
    ) async throws -> Reply {
        let reading = RequestReading(limits: limits)
        let parameters = try reading.parameters(of: request, route: route, path: path)
        let (body, bytes) = try await reading.body(of: request, route: route)
        let call = Call(
            controlPlane: controlPlane, tokens: tokens, metrics: metrics, limits: limits,
            identity: identity,
            parameters: parameters, body: body)
        guard route.method == .post, let key = call.idempotencyKey else {
            return try await route.handle(call)
        }
        return try await once(
            "\(identity?.token ?? "") \(key)", RequestReading.fingerprint(request, bytes)
        ) {
            try await route.handle(call)
        }
    }

    /// Does something once for a key.
    private func once(
        _ key: String, _ fingerprint: [UInt8], _ body: () async throws -> Reply
    ) async throws -> Reply {
        switch await idempotency.begin(key: key, fingerprint: fingerprint, at: .now()) {
        case .isInProgress:
            throw Problem(.keyInUse, "wait for the answer to the first request")
        case .belongsToOther:
            throw Problem(.keyReused, "use a new key for a new request")
        case .answered(let reply): return Reply(reply)
        case .isNew: break
        }
        do {
            let reply = try await body()
            await idempotency.end(key: key, reply: reply.stored, at: .now())
            return reply
        } catch {
            // A refusal changed nothing: the request may be sent again.
            await idempotency.end(key: key, reply: nil, at: .now())
            throw error
        }
    }

    /// What the engine refused, unless the route does not know such a refusal: that is a fault of ours.
    private func refusal(_ error: ControlError, _ match: RouteTable.Match) -> Reply {
        let problem = Problem(error)
        if case .route(let route, _) = match, problem.code != .fault,
            route.allProblems.contains(where: { $0.status == problem.code.status })
        {
            return problem.reply
        }
        logger.error(
            "The engine is at fault",
            metadata: ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        return Problem.fault.reply
    }
}

extension Reply {
    init(_ stored: StoredReply) {
        self.init(
            status: stored.status, mediaType: stored.mediaType,
            headers: stored.location.map { [("location", $0)] } ?? [],
            content: .bytes(stored.body))
    }

    /// What is kept of it for a repetition; `nil` if it is a stream.
    var stored: StoredReply? {
        var body: [UInt8] = []
        switch content {
        case .none: break
        case .bytes(let bytes): body = bytes
        case .stream, .events: return nil
        }
        var stored = StoredReply(
            status: status, mediaType: mediaType,
            location: headers.first { $0.name == "location" }?.value, body: body)
        stored.isSecret = isSecret
        return stored
    }
}
