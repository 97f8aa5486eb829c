import FanfoldJSON

/// What attempts wrote, and what they write now.
enum LogRoutes {
    private static let bytes = Route.Parameter(
        "bytes", .query, "At most this many bytes, the last ones.",
        Schemas.integer(1, Int64(APILimits.logBytes), standard: 65_536))
    private static let lines = Route.Parameter(
        "lines", .query, "Of each attempt at most this many lines, the last ones; 0 is any number.",
        Schemas.integer(0, Int64(APILimits.logLines), standard: 0))

    static let logs = Route(
        .get, "/api/v1/runs/{run}/logs", .role(.read), "getLogs",
        "The end of what the attempts of a run, a task or a subtask wrote: what running attempts wrote "
            + "so far, what failed ones wrote last, of others what their workers still keep.",
        parameters: [RunRoutes.run, RunPartRoutes.task, RunPartRoutes.subtask, bytes, lines],
        answer: .init(summary: "What was written.", schema: Schemas.named("LogList")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        let logs = try await call.controlPlane.logs(try query(of: call))
        return .json(["logs": .array(logs.map(\.json))])
    }

    static let follow = Route(
        .get, "/api/v1/runs/{run}/logs/follow", .role(.read), "followLogs",
        "Server-sent events: `log` for each piece of what attempts write, `end` when the run, the task "
            + "or the subtask has ended.",
        parameters: [RunRoutes.run, RunPartRoutes.task, RunPartRoutes.subtask, bytes, lines],
        answer: .init(summary: "Pieces as they come.", mediaType: "text/event-stream"),
        problems: [.notFound, .tooMany]
    ) { call throws(ControlError) in
        guard !call.metrics.isFull(limit: call.limits.eventStreams) else {
            throw ControlError(
                .tooMany, "there are \(call.limits.eventStreams) event streams; close one")
        }
        let stream = try await call.controlPlane.followLogs(try query(of: call)).events
        return Reply(mediaType: stream.mediaType, content: .stream(stream))
    }

    private static func query(of call: Call) throws(ControlError) -> LogQuery {
        LogQuery(
            subject: try RunPartRoutes.subject(of: call),
            bytes: Int(call.integer("bytes") ?? 65_536), lines: Int(call.integer("lines") ?? 0))
    }
}
