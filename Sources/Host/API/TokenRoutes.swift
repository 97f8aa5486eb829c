import FanfoldJSON

/// Tokens of clients.
enum TokenRoutes {
    static let all: [Route] = [create, list, revoke]

    static let token = Route.Parameter(
        "token", .path, "The token's id.",
        ["type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"])

    static let create = Route(
        .post, "/api/v1/tokens", .role(.admin), "createToken",
        "Makes a token for a client. Its secret is told this once.",
        body: .json(Schemas.named("TokenRequest")),
        answer: .init(status: 201, summary: "The token.", schema: Schemas.named("NewToken")),
        problems: [.tooMany]
    ) { call throws(ControlError) in
        let made = try await call.tokens.create(
            name: call["name"]?.stringValue ?? "",
            role: (call["role"]?.stringValue).flatMap(Role.init) ?? .read,
            lifetimeSeconds: call["lifetime_seconds"]?.integerValue)
        return .created(
            ["token": made.record.json, "secret": .string(made.secret)],
            at: "/api/v1/tokens/\(made.record.id)", isSecret: true)
    }

    static let list = Route(
        .get, "/api/v1/tokens", .role(.admin), "listTokens",
        "The tokens of clients, without their secrets, which nobody has.",
        answer: .init(summary: "The tokens.", schema: Schemas.named("TokenList"))
    ) { call throws(ControlError) in
        .json(["tokens": .array(call.tokens.records().map(\.json))])
    }

    static let revoke = Route(
        .delete, "/api/v1/tokens/{token}", .role(.admin), "revokeToken",
        "Makes a client's token worthless.",
        parameters: [token],
        answer: .init(status: 204, summary: "It is worthless.", mediaType: ""),
        problems: [.notFound]
    ) { call throws(ControlError) in
        try await call.tokens.revoke(id: call.text("token") ?? "")
        return Reply(status: 204)
    }
}
