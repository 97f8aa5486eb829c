import FanfoldJSON

/// Workers, what they have, and the tokens with which they join.
enum WorkerRoutes {
    static let all: [Route] = [
        list, detail, drain, pardon, revoke, resources, createJoinToken, listJoinTokens,
        revokeJoinToken,
    ]

    private static let worker = Route.Parameter(
        "worker", .path, "The worker's number.", Schemas.integer(0, .max))

    static let list = Route(
        .get, "/api/v1/workers", .role(.read), "listWorkers",
        "The workers that are here, or were not long ago.",
        parameters: [
            Route.Parameter(
                "lost", .query, "Whether those that are gone are listed as well.",
                ["type": "boolean", "default": false])
        ],
        answer: .init(summary: "The workers.", schema: Schemas.named("WorkerList"))
    ) { call throws(ControlError) in
        var workers = try await call.controlPlane.workers()
        if call.parameters["lost"]?.boolValue == true {
            workers += try await call.controlPlane.lostWorkers()
        }
        return .json(["workers": .array(workers.map(\.json))])
    }

    static let detail = Route(
        .get, "/api/v1/workers/{worker}", .role(.read), "getWorker",
        "One worker, here or gone: what it has, what is on it, what speaks against it.",
        parameters: [worker],
        answer: .init(summary: "The worker.", schema: Schemas.named("WorkerAccount")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.describe(worker: call.id("worker")).json)
    }

    static let drain = Route(
        .post, "/api/v1/workers/{worker}/drain", .role(.admin), "drainWorker",
        "Lets a worker finish what it runs and gives it nothing more.",
        parameters: [worker],
        answer: .init(summary: "The worker.", schema: Schemas.named("Worker")),
        problems: [.notFound, .conflict]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.drain(worker: call.id("worker")).json)
    }

    static let pardon = Route(
        .post, "/api/v1/workers/{worker}/pardon", .role(.admin), "pardonWorker",
        "Ends the quarantine of a worker that somebody has put right.",
        parameters: [worker],
        answer: .init(summary: "The worker.", schema: Schemas.named("Worker")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.pardon(worker: call.id("worker")).json)
    }

    static let revoke = Route(
        .post, "/api/v1/workers/{worker}/revoke", .role(.admin), "revokeWorker",
        "Lets a worker in no more: its certificate is worthless, and what it had is done elsewhere.",
        parameters: [worker],
        answer: .init(summary: "The worker.", schema: Schemas.named("Worker")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.revoke(worker: call.id("worker")).json)
    }

    static let resources = Route(
        .get, "/api/v1/resources", .role(.read), "getResources",
        "What all active workers have, hold and use together.",
        answer: .init(summary: "The sums.", schema: Schemas.named("Resources"))
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.resources().json)
    }

    static let createJoinToken = Route(
        .post, "/api/v1/join-tokens", .role(.admin), "createJoinToken",
        "Makes a token with which workers may join. Its secret is told this once.",
        body: .json(Schemas.named("JoinTokenRequest")),
        answer: .init(
            status: 201, summary: "The token.", schema: Schemas.named("NewJoinToken")),
        problems: [.tooMany]
    ) { call throws(ControlError) in
        let token = try await call.controlPlane.createJoinToken(
            JoinTokenRequest(
                lifetimeSeconds: call["lifetime_seconds"]?.integerValue ?? 3_600,
                maximumUses: Int(call["maximum_uses"]?.integerValue ?? 1),
                labels: call["labels"]?.arrayValue?.compactMap(\.stringValue) ?? []))
        return .created(
            ["join_token": token.summary.json, "secret": .string(token.secret)],
            at: "/api/v1/join-tokens/\(PercentCoding.encoded(token.summary.id))", isSecret: true)
    }

    static let listJoinTokens = Route(
        .get, "/api/v1/join-tokens", .role(.admin), "listJoinTokens",
        "The join tokens that are not used up, revoked or expired.",
        answer: .init(summary: "The tokens.", schema: Schemas.named("JoinTokenList"))
    ) { call throws(ControlError) in
        .json(["join_tokens": .array(try await call.controlPlane.joinTokens().map(\.json))])
    }

    static let revokeJoinToken = Route(
        .delete, "/api/v1/join-tokens/{token}", .role(.admin), "revokeJoinToken",
        "Makes a join token worthless; workers that have joined stay.",
        parameters: [TokenRoutes.token],
        answer: .init(status: 204, summary: "It is worthless.", mediaType: ""),
        problems: [.notFound]
    ) { call throws(ControlError) in
        try await call.controlPlane.revokeJoinToken(id: call.text("token") ?? "")
        return Reply(status: 204)
    }
}
