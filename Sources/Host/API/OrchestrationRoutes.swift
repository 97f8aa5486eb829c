import FanfoldJSON

/// `/api/v1/tasks`: one orchestrated task, as the first system of this kind offered it.
enum OrchestrationRoutes {
    static let all: [Route] = [submit, list, status, result, cancel]

    private static let task = Route.Parameter("task", .path, "The task's id.", Schemas.id)

    static let submit = Route(
        .post, "/api/v1/tasks", .role(.submit), "submitTask",
        "Makes a pipeline of one task from `task_data` and runs it.",
        body: .json(Schemas.named("OrchestrationRequest")),
        example: [
            "task_data": ["items": [1, 2, 3], "command": ["cat"]], "strategy": "data_parallel",
        ],
        answer: .init(
            status: 201, summary: "The task was taken on.",
            schema: Schemas.named("OrchestratedTask")),
        problems: [.invalid, .tooMany, .insufficientStorage]
    ) { call throws(ControlError) in
        let document = try OrchestratedPipeline.document(
            of: call["task_data"] ?? .null, strategy: call["strategy"]?.stringValue,
            queue: call["queue"], priority: call["priority"])
        var submission = Submission(
            document: document.bytes, format: .json, idempotencyKey: call.idempotencyKey,
            submitter: call.submitter)
        submission.isOrchestrated = true
        submission.mayGrant = call.identity?.role == .admin
        let detail = try await call.controlPlane.submit(submission)
        return .created(
            .object(members(of: detail.summary)), at: "/api/v1/tasks/\(detail.summary.id)")
    }

    static let list = Route(
        .get, "/api/v1/tasks", .role(.read), "listTasks",
        "Tasks, newest first; `total` counts those that the filter lets through.",
        parameters: [
            RunRoutes.limit,
            Route.Parameter(
                "offset", .query, "This many are left out at the beginning.",
                Schemas.integer(0, 1_000_000_000, standard: 0)),
            Route.Parameter(
                "status", .query, "Only tasks in this state.", Schemas.orchestratedState),
        ],
        answer: .init(summary: "A page.", schema: Schemas.named("OrchestratedTaskList"))
    ) { call throws(ControlError) in
        let offset = Int(call.integer("offset") ?? 0)
        let page = try await call.controlPlane.runs(
            RunQuery(
                onlyOrchestrated: true,
                orchestrated: call.text("status").flatMap(OrchestratedState.init),
                offset: offset, limit: call.limit))
        var object = JSONObject([("tasks", .array(page.runs.map { .object(members(of: $0)) }))])
        object.set("total", page.total)
        object.set("limit", call.limit)
        object.set("offset", offset)
        return .json(.object(object))
    }

    static let status = Route(
        .get, "/api/v1/tasks/{task}", .role(.read), "getTask",
        "One task, with its first \(APILimits.listedSubtasks) subtasks.",
        parameters: [task],
        answer: .init(summary: "The task.", schema: Schemas.named("OrchestratedTaskStatus")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        try await status(of: try await found(call), call)
    }

    static let result = Route(
        .get, "/api/v1/tasks/{task}/result", .role(.read), "getTaskResult",
        "The result of a task that has completed.",
        parameters: [task],
        answer: .init(summary: "The result.", schema: Schemas.named("OrchestratedResult")),
        problems: [.notFound, .conflict]
    ) { call throws(ControlError) in
        let detail = try await found(call)
        guard detail.summary.status == .completed else {
            throw ControlError(
                .conflict,
                "wanted a task that has completed, found one that is "
                    + (detail.summary.orchestrated?.rawValue ?? "pending"))
        }
        let stream = try await call.controlPlane.output(
            run: detail.summary.id, name: OrchestratedPipeline.output)
        let head = "{\"task_id\":\"\(detail.summary.id)\",\"status\":\"completed\",\"result\":"
        return Reply(
            mediaType: "application/json",
            content: .stream(stream.between(Array(head.utf8), [UInt8(ascii: "}")])))
    }

    static let cancel = Route(
        .post, "/api/v1/tasks/{task}/cancel", .role(.submit), "cancelTask",
        "Cancels a task. One that has ended stays as it is.",
        parameters: [task],
        answer: .init(summary: "The task.", schema: Schemas.named("OrchestratedTaskStatus")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let run = try await found(call).summary.id
        let detail = try await call.controlPlane.cancel(
            run: run, reason: "cancelled by \(call.submitter)")
        return try await status(of: detail, call)
    }

    private static func found(_ call: Call) async throws(ControlError) -> RunDetail {
        let detail = try await call.controlPlane.run(call.id("task"))
        guard detail.summary.orchestrated != nil else {
            throw ControlError(
                .notFound,
                "run \(detail.summary.id) is none of one task; see /api/v1/runs/\(detail.summary.id)"
            )
        }
        return detail
    }

    private static func status(
        of detail: RunDetail, _ call: Call
    ) async throws(ControlError) -> Reply {
        var object = members(of: detail.summary)
        let task = detail.tasks.first
        object["strategy"] = .string(task?.strategy ?? "")
        object.set("error", detail.failure.map { .string($0.message) })
        var subtasks: [SubtaskDetail] = []
        if let task {
            subtasks = try await call.controlPlane.subtasks(
                run: detail.summary.id, task: task.name, from: 0, limit: APILimits.listedSubtasks
            ).subtasks
        }
        object["subtasks"] = .array(subtasks.map(\.orchestratedJSON))
        return .json(.object(object))
    }

    private static func members(of run: RunSummary) -> JSONObject {
        var object = JSONObject()
        object["task_id"] = .string(String(run.id))
        object["name"] = .string(run.name)
        object["status"] = .string((run.orchestrated ?? .pending).rawValue)
        object.set("created_at", run.submitted)
        object.set("started_at", run.started)
        object.set("completed_at", run.ended)
        object.set("total_subtasks", run.subtasks)
        object.set("completed_subtasks", run.succeeded)
        object.set("failed_subtasks", run.failed)
        object["completion_percentage"] = .number(percentage(of: run))
        return object
    }

    /// 100 only for a task that has completed: while one is split, more may come.
    private static func percentage(of run: RunSummary) -> Double {
        if run.status == .completed { return 100 }
        guard run.subtasks > 0 else { return 0 }
        let share = Double(run.succeeded + run.failed) / Double(run.subtasks)
        return min(99.9, (share * 1_000).rounded(.down) / 10)
    }
}

extension SubtaskDetail {
    fileprivate var orchestratedJSON: JSON {
        var object = JSONObject()
        object["index"] = .integer(Int64(index))
        object["status"] = .string(status.orchestratedName)
        object.set("worker_id", worker.map { .string(String($0)) })
        object.set("attempts", attempts)
        return .object(object)
    }
}
