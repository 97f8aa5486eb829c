import FanfoldJSON

/// What belongs to one run: outputs, subtasks, logs, reasons.
enum RunPartRoutes {
    static let all: [Route] = [
        outputs, output, subtasks, attempts, LogRoutes.logs, LogRoutes.follow, why,
    ]

    static let task = Route.Parameter("task", .query, "The task's name.", Schemas.name)
    static let subtask = Route.Parameter(
        "subtask", .query, "The subtask's number in the task.",
        Schemas.integer(0, Int64(UInt32.max)))

    static let outputs = Route(
        .get, "/api/v1/runs/{run}/outputs", .role(.read), "listOutputs",
        "What the run puts out; nothing until it has completed.",
        parameters: [RunRoutes.run],
        answer: .init(summary: "The outputs.", schema: Schemas.named("OutputList")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let run = call.id("run")
        let outputs = try await call.controlPlane.outputs(run: run)
        return .json(["outputs": .array(outputs.map { $0.json(ofRun: run) })])
    }

    static let output = Route(
        .get, "/api/v1/runs/{run}/outputs/{output}", .role(.read), "getOutput",
        "The bytes of one output.",
        parameters: [
            RunRoutes.run, Route.Parameter("output", .path, "The output's name.", Schemas.name),
        ],
        answer: .init(
            summary: "The bytes; Content-Type says what they are.", mediaType: "*/*"),
        problems: [.notFound, .conflict]
    ) { call throws(ControlError) in
        let stream = try await call.controlPlane.output(
            run: call.id("run"), name: call.text("output") ?? "")
        return Reply(mediaType: stream.mediaType, content: .stream(stream))
    }

    static let subtasks = Route(
        .get, "/api/v1/runs/{run}/tasks/{task}/subtasks", .role(.read), "listSubtasks",
        "The subtasks of a task, in order.",
        parameters: [
            RunRoutes.run, Route.Parameter("task", .path, "The task's name.", Schemas.name),
            Route.Parameter(
                "first", .query, "The number of the first.",
                Schemas.integer(0, Int64(UInt32.max), standard: 0)),
            RunRoutes.limit,
        ],
        answer: .init(summary: "Some subtasks.", schema: Schemas.named("SubtaskList")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let page = try await call.controlPlane.subtasks(
            run: call.id("run"), task: call.text("task") ?? "",
            from: UInt32(clamping: call.integer("first") ?? 0), limit: call.limit)
        return .json([
            "subtasks": .array(page.subtasks.map(\.json)), "total": .integer(Int64(page.total)),
        ])
    }

    static let attempts = Route(
        .get, "/api/v1/runs/{run}/tasks/{task}/attempts", .role(.read), "listAttempts",
        "Attempts of a task that ended: those that succeeded, then those that failed. As many as the "
            + "coordinator has kept since it was started; `total` says how many.",
        parameters: [
            RunRoutes.run, Route.Parameter("task", .path, "The task's name.", Schemas.name),
            Route.Parameter(
                "first", .query, "The number of the first.",
                Schemas.integer(0, Int64(UInt32.max), standard: 0)),
            Route.Parameter(
                "limit", .query, "At most this many.",
                Schemas.integer(
                    1, Int64(APILimits.pageAttempts), standard: Int64(APILimits.pageEntries))),
        ],
        answer: .init(summary: "Some attempts.", schema: Schemas.named("AttemptList")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let page = try await call.controlPlane.attempts(
            run: call.id("run"), task: call.text("task") ?? "",
            from: Int(call.integer("first") ?? 0), limit: call.limit)
        return .json([
            "attempts": .array(page.attempts.map(\.json)), "total": .integer(Int64(page.total)),
        ])
    }

    static let why = Route(
        .get, "/api/v1/runs/{run}/why", .role(.read), "whyRun",
        "Why a run, a task or a subtask waits.",
        parameters: [RunRoutes.run, task, subtask],
        answer: .init(
            summary: "The reasons; none if nothing waits.", schema: Schemas.named("Explanation")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.why(try subject(of: call)).json)
    }

    static func subject(of call: Call) throws(ControlError) -> RunSubject {
        let task = call.text("task")
        let subtask = call.integer("subtask").map { UInt32(clamping: $0) }
        if subtask != nil, task == nil {
            throw ControlError(.notFound, "wanted ?task=NAME beside ?subtask=, found none")
        }
        return RunSubject(run: call.id("run"), task: task, subtask: subtask)
    }
}
