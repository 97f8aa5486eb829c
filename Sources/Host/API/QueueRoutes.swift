import FanfoldJSON

/// `/api/v1/queues`, and what is paused.
enum QueueRoutes {
    static let all: [Route] = [list, detail, pause, resume, pauseRun, resumeRun]

    private static let queue = Route.Parameter("queue", .path, "The queue's name.", Schemas.name)

    static let list = Route(
        .get, "/api/v1/queues", .role(.read), "listQueues",
        "The queues of the settings, and those that still have runs, with what they hold.",
        answer: .init(summary: "The queues.", schema: Schemas.named("QueueList"))
    ) { call throws(ControlError) in
        .json(["queues": .array(try await call.controlPlane.queues().map(\.json))])
    }

    static let detail = Route(
        .get, "/api/v1/queues/{queue}", .role(.read), "getQueue", "One queue.",
        parameters: [queue],
        answer: .init(summary: "The queue.", schema: Schemas.named("Queue")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.queue(call.text("queue") ?? "").json)
    }

    static let pause = change(
        "pause", "pauseQueue", "Starts nothing more of a queue's runs; what runs runs on.", true)

    static let resume = change("resume", "resumeQueue", "Lets a paused queue go on.", false)

    private static func change(
        _ verb: String, _ id: String, _ summary: String, _ isPaused: Bool
    ) -> Route {
        Route(
            .post, "/api/v1/queues/{queue}/\(verb)", .role(.admin), id, summary,
            parameters: [queue],
            answer: .init(summary: "The queue.", schema: Schemas.named("Queue")),
            problems: [.notFound]
        ) { call throws(ControlError) in
            let name = call.text("queue") ?? ""
            return .json(try await call.controlPlane.pause(queue: name, isPaused).json)
        }
    }

    static let pauseRun = changeRun(
        "pause", "pauseRun",
        "Starts nothing more of a run; what runs runs on. One that has ended stays as it is.", true)

    static let resumeRun = changeRun(
        "resume", "resumeRun", "Lets a paused run go on.", false)

    private static func changeRun(
        _ verb: String, _ id: String, _ summary: String, _ isPaused: Bool
    ) -> Route {
        Route(
            .post, "/api/v1/runs/{run}/\(verb)", .role(.submit), id, summary,
            parameters: [RunRoutes.run],
            answer: .init(summary: "The run.", schema: Schemas.named("RunDetail")),
            problems: [.notFound]
        ) { call throws(ControlError) in
            .json(try await call.controlPlane.pause(run: call.id("run"), isPaused).json)
        }
    }
}
