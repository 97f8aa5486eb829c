import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// Who may call what: a table of every route, so that a new one without a rule fails.
@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
    static let rules: [String: Access] = [
        "POST /api/v1/runs": .role(.submit),
        "GET /api/v1/runs": .role(.read),
        "GET /api/v1/runs/{run}": .role(.read),
        "POST /api/v1/runs/{run}/cancel": .role(.submit),
        "POST /api/v1/runs/{run}/retry": .role(.submit),
        "GET /api/v1/runs/{run}/outputs": .role(.read),
        "GET /api/v1/runs/{run}/outputs/{output}": .role(.read),
        "GET /api/v1/runs/{run}/tasks/{task}/subtasks": .role(.read),
        "GET /api/v1/runs/{run}/tasks/{task}/attempts": .role(.read),
        "GET /api/v1/runs/{run}/logs": .role(.read),
        "GET /api/v1/runs/{run}/logs/follow": .role(.read),
        "GET /api/v1/runs/{run}/why": .role(.read),
        "POST /api/v1/runs/{run}/pause": .role(.submit),
        "POST /api/v1/runs/{run}/resume": .role(.submit),
        "GET /api/v1/queues": .role(.read),
        "GET /api/v1/queues/{queue}": .role(.read),
        "POST /api/v1/queues/{queue}/pause": .role(.admin),
        "POST /api/v1/queues/{queue}/resume": .role(.admin),
        "POST /api/v1/tasks": .role(.submit),
        "GET /api/v1/tasks": .role(.read),
        "GET /api/v1/tasks/{task}": .role(.read),
        "GET /api/v1/tasks/{task}/result": .role(.read),
        "POST /api/v1/tasks/{task}/cancel": .role(.submit),
        "GET /api/v1/workers": .role(.read),
        "GET /api/v1/workers/{worker}": .role(.read),
        "POST /api/v1/workers/{worker}/drain": .role(.admin),
        "POST /api/v1/workers/{worker}/pardon": .role(.admin),
        "POST /api/v1/workers/{worker}/revoke": .role(.admin),
        "POST /api/v1/plan": .role(.submit),
        "GET /api/v1/predictions": .role(.read),
        "GET /api/v1/runs/{run}/efficiency": .role(.read),
        "GET /api/v1/scaling": .role(.read),
        "GET /api/v1/scaling/plan": .role(.read),
        "GET /api/v1/scaling/decisions": .role(.read),
        "GET /api/v1/cost": .role(.read),
        "GET /api/v1/resources": .role(.read),
        "POST /api/v1/join-tokens": .role(.admin),
        "GET /api/v1/join-tokens": .role(.admin),
        "DELETE /api/v1/join-tokens/{token}": .role(.admin),
        "POST /api/v1/tokens": .role(.admin),
        "GET /api/v1/tokens": .role(.admin),
        "DELETE /api/v1/tokens/{token}": .role(.admin),
        "GET /api/v1/files/{sha256}": .role(.submit),
        "PUT /api/v1/files/{sha256}": .role(.submit),
        "POST /api/v1/files/{sha256}/finish": .role(.submit),
        "GET /api/v1/events": .role(.read),
        "GET /metrics": .role(.read),
        "GET /healthz": .anyone,
        "GET /readyz": .anyone,
        "GET /api/v1/openapi.json": .role(.read),
    ]

    /// Who may do what asks for a role.
    static let allowed: [Role: Set<Role>] = [
        .read: [.read, .submit, .admin], .submit: [.submit, .admin], .admin: [.admin],
    ]

    @Test func `every route has a rule, and every rule a route`() {
        let routes = RouteTable.all.routes
        #expect(Set(routes.map(Self.name)) == Set(Self.rules.keys))
        for route in routes { #expect(Self.rules[Self.name(route)] == route.access) }
    }

    @Test func `whoever has no credential gets 401 from every route, and nothing else`()
        async throws
    {
        try await TestServer.run { server in
            for route in RouteTable.all.routes where Self.rules[Self.name(route)] != .anyone {
                for headers in try await Self.badCredentials(server) {
                    let answer = try await server.send(
                        route.method.rawValue, Self.path(route), headers)
                    #expect(answer.status == 401, "\(Self.name(route)) \(headers)")
                    #expect(answer.bytes == Problem.unauthorized.reply.stored?.body)
                }
            }
            #expect(await server.plane.calls == 0)
        }
    }

    @Test func `whoever has another role gets 403 from every route, and nothing else`()
        async throws
    {
        try await TestServer.run { server in
            for route in RouteTable.all.routes {
                guard case .role(let needed)? = Self.rules[Self.name(route)] else { continue }
                for role in Role.allCases where Self.allowed[needed]?.contains(role) != true {
                    let answer = try await server.ask(
                        route.method.rawValue, Self.path(route), as: role)
                    #expect(answer.status == 403, "\(Self.name(route)) as \(role)")
                }
            }
            #expect(await server.plane.calls == 0)
        }
    }

    @Test func `whoever has the role gets past the door of every route`() async throws {
        try await TestServer.run { server in
            for route in RouteTable.all.routes where route.id != "watchEvents" {
                guard case .role(let needed)? = Self.rules[Self.name(route)] else { continue }
                for role in Self.allowed[needed] ?? [] {
                    let answer = try await server.ask(
                        route.method.rawValue, Self.path(route), as: role)
                    #expect(
                        ![401, 403, 500].contains(answer.status),
                        "\(Self.name(route)) as \(role): \(answer.text)")
                }
            }
        }
    }

    @Test func `a stranger cannot tell a path that is there from one that is not`() async throws {
        try await TestServer.run { server in
            let there = try await server.send("GET", "/api/v1/runs/1")
            let nowhere = try await server.send("GET", "/api/v1/nothing")
            let wrongMethod = try await server.send("DELETE", "/api/v1/runs")
            #expect(there.bytes == nowhere.bytes && nowhere.bytes == wrongMethod.bytes)
            #expect(try await server.ask("GET", "/api/v1/nothing").status == 404)
            let allowed = try await server.ask("DELETE", "/api/v1/runs")
            #expect(allowed.status == 405)
            #expect(allowed.headers.first(name: "allow") == "POST, GET")
        }
    }

    @Test func `digests are compared to their last byte`() {
        let one = TokenSecret.digest(of: "one")
        #expect(TokenSecret.isSame(one, one))
        for index in one.indices {
            var other = one
            other[index] ^= 1
            #expect(!TokenSecret.isSame(one, other))
        }
        #expect(!TokenSecret.isSame(one, Array(one.dropLast())))
    }

    @Test func `a token is worthless from the moment that it expires`() async throws {
        try await TestServer.run { server in
            let made = try await server.tokens.create(name: "a", role: .read, lifetimeSeconds: 60)
            let expires = try #require(made.record.expires)
            let last = Timestamp(milliseconds: expires.milliseconds - 1)
            #expect(server.tokens.identity(of: made.secret, at: last)?.role == .read)
            #expect(server.tokens.identity(of: made.secret, at: expires) == nil)
        }
    }

    static func name(_ route: Route) -> String { "\(route.method.rawValue) \(route.path)" }

    /// The path with something in each place.
    static func path(_ route: Route) -> String {
        route.path.split(separator: "/").map { segment in
            switch segment {
            case "{sha256}": "/" + String(repeating: "0", count: 64)
            case "{output}", "{token}": "/result"
            case _ where segment == "{task}" && route.path.contains("/runs/"): "/task"
            case _ where segment.hasPrefix("{"): "/1"
            default: "/" + segment
            }
        }.joined()
    }

    /// No credential, and everything that is none.
    private static func badCredentials(
        _ server: TestServer
    ) async throws -> [[(String, String)]] {
        let good = server.secrets[.admin] ?? ""
        let expired = try await server.tokens.create(name: "a", role: .admin, lifetimeSeconds: 0)
        let revoked = try await server.tokens.create(name: "a", role: .admin, lifetimeSeconds: nil)
        try await server.tokens.revoke(id: revoked.record.id)
        let bad = [
            "", "Bearer", "Bearer ", "Bearer fft_0", "Basic \(good)", good, "Bearer \(good)0",
            "Bearer \(good.dropLast())", "Bearer \(good.uppercased())",
            "Bearer \(expired.secret)", "Bearer \(revoked.secret)",
        ]
        let twice = [("authorization", "Bearer \(good)"), ("authorization", "Bearer \(good)")]
        return [[]] + bad.map { [("authorization", $0)] } + [twice]
    }
}
