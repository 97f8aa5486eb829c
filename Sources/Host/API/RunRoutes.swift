import FanfoldJSON

/// `/api/v1/runs`: handing in, listing, looking, cancelling, repeating.
enum RunRoutes {
    static let all: [Route] = [submit, list, detail, cancel, retry]

    static let run = Route.Parameter("run", .path, "The run's number.", Schemas.id)

    static let limit = Route.Parameter(
        "limit", .query, "At most this many.",
        Schemas.integer(
            1, Int64(APILimits.pageEntries), standard: Int64(APILimits.standardPageEntries)))

    /// A pipeline that runs anywhere.
    static let example: JSON = [
        "pipeline": [
            "fanfold": 1,
            "inputs": ["numbers": ["range": 3]],
            "tasks": [
                "copy": ["input": "${inputs.numbers}", "run": ["command": ["cat"]]]
            ],
            "outputs": ["all": ["from": "${tasks.copy.output}"]],
        ]
    ]

    static let submit = Route(
        .post, "/api/v1/runs", .role(.submit), "submitRun",
        "Checks a pipeline and takes it on. It is on the disk when this answers.",
        body: .jsonOrYAML(Schemas.named("Submission")), example: example,
        answer: .init(
            status: 201, summary: "The run was taken on.", schema: Schemas.named("RunDetail")),
        problems: [.invalid, .conflict, .tooMany, .tooLarge, .insufficientStorage]
    ) { call throws(ControlError) in
        let detail = try await call.controlPlane.submit(try submission(of: call))
        return .created(detail.json, at: "/api/v1/runs/\(detail.summary.id)")
    }

    static func submission(of call: Call) throws(ControlError) -> Submission {
        if case .yaml(let bytes) = call.body {
            var submission = Submission(
                document: bytes, format: .yaml, idempotencyKey: call.idempotencyKey,
                submitter: call.submitter)
            submission.mayGrant = call.identity?.role == .admin
            return submission
        }
        var document: [UInt8] = []
        var format = Submission.Format.json
        switch call["pipeline"] {
        case .string(let text):
            document = Array(text.utf8)
            format = .yaml
        case let pipeline: document = (pipeline ?? .null).bytes
        }
        var overrides = call["overrides"]?.objectValue?.members ?? []
        // As text in YAML, in which a name that looks like something else is put in quotes.
        if let queue = call["queue"]?.stringValue {
            overrides.append(("queue", .string(JSON.string(queue).text)))
        }
        if let priority = call["priority"]?.integerValue {
            overrides.append(("priority", .string("\(priority)")))
        }
        let files = call["files"]?.objectValue?.members ?? []
        var submission = Submission(
            document: document, format: format, name: call["name"]?.stringValue,
            overrides: overrides.map { (key: $0, value: $1.stringValue ?? "") },
            files: files.map { path, file in
                (
                    path: path,
                    sha256: file.stringValue ?? file["sha256"]?.stringValue ?? "",
                    isExecutable: file["executable"]?.boolValue ?? false
                )
            },
            idempotencyKey: call.idempotencyKey, submitter: call.submitter)
        submission.mayGrant = call.identity?.role == .admin
        return submission
    }

    static let list = Route(
        .get, "/api/v1/runs", .role(.read), "listRuns",
        "Runs, newest first. `next` of a page is the `cursor` of the one after it.",
        parameters: [
            limit,
            Route.Parameter(
                "status", .query, "Only runs in this state.",
                Schemas.oneOf(RunStatus.allCases.map(\.rawValue))),
            Route.Parameter(
                "cursor", .query, "Where the page begins: `next` of the page before.",
                ["type": "string", "pattern": "^c1-[0-9a-z]{1,13}$"]),
        ],
        answer: .init(summary: "A page.", schema: Schemas.named("RunList"))
    ) { call throws(ControlError) in
        let status = call.text("status").flatMap(RunStatus.init)
        let page = try await call.controlPlane.runs(
            RunQuery(
                statuses: status.map { [$0] } ?? [], before: call.text("cursor").map(position),
                limit: call.limit))
        var object = JSONObject([("runs", .array(page.runs.map(\.json)))])
        object.set("total", page.total)
        if page.hasMore, let last = page.runs.last {
            object["next"] = .string("c1-" + String(last.id, radix: 36))
        }
        return .json(.object(object))
    }

    /// The number that a cursor stands for.
    private static func position(of cursor: String) -> UInt64 {
        UInt64(cursor.dropFirst(3), radix: 36) ?? .max
    }

    static let detail = Route(
        .get, "/api/v1/runs/{run}", .role(.read), "getRun", "One run with its tasks.",
        parameters: [run],
        answer: .init(summary: "The run.", schema: Schemas.named("RunDetail")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.run(call.id("run")).json)
    }

    static let cancel = Route(
        .post, "/api/v1/runs/{run}/cancel", .role(.submit), "cancelRun",
        "Cancels a run. One that has ended stays as it is.",
        parameters: [
            run, Route.Parameter("reason", .query, "Why, for people.", Schemas.shortText),
        ],
        answer: .init(summary: "The run.", schema: Schemas.named("RunDetail")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let reason = call.text("reason") ?? "cancelled by \(call.submitter)"
        return .json(
            try await call.controlPlane.cancel(run: call.id("run"), reason: reason).json)
    }

    static let retry = Route(
        .post, "/api/v1/runs/{run}/retry", .role(.submit), "retryRun",
        "Runs what failed again, as a new run that takes over what had succeeded.",
        parameters: [run],
        answer: .init(
            status: 201, summary: "The new run.", schema: Schemas.named("RunDetail")),
        problems: [.notFound, .conflict, .tooMany, .insufficientStorage]
    ) { call throws(ControlError) in
        let detail = try await call.controlPlane.retryFailed(
            run: call.id("run"), submitter: call.submitter,
            isAdmin: call.identity?.role == .admin)
        return .created(detail.json, at: "/api/v1/runs/\(detail.summary.id)")
    }
}
