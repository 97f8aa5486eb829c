import FanfoldJSON

/// What those use who watch: events, figures, health, the description of all this.
enum ObservationRoutes {
    static let all: [Route] = [events, metrics, health, readiness, openAPI]

    static let events = Route(
        .get, "/api/v1/events", .role(.read), "watchEvents",
        "Server-sent events, without end. After a break send Last-Event-ID to go on; an event "
            + "`gap` says that some are gone.",
        parameters: [
            Route.Parameter(
                "Last-Event-ID", .header, "The number of the last event that was seen.",
                Schemas.integer(0, .max)),
            Route.Parameter(
                "after", .query, "The same, for those who cannot set headers.",
                Schemas.integer(0, .max)),
        ],
        answer: .init(summary: "Events as they happen.", mediaType: "text/event-stream"),
        problems: [.tooMany]
    ) { call throws(ControlError) in
        guard !call.metrics.isFull(limit: call.limits.eventStreams) else {
            throw ControlError(
                .tooMany, "there are \(call.limits.eventStreams) event streams; close one")
        }
        let after = call.integer("Last-Event-ID") ?? call.integer("after")
        return Reply(
            mediaType: "text/event-stream",
            content: .events(after: after.map { UInt64(clamping: $0) }))
    }

    static let metrics = Route(
        .get, "/metrics", .role(.read), "getMetrics", "Figures in Prometheus' text format.",
        answer: .init(summary: "The figures.", mediaType: "text/plain")
    ) { call throws(ControlError) in
        .text(
            try await call.controlPlane.metrics() + call.metrics.text,
            mediaType: "text/plain; version=0.0.4")
    }

    static let health = Route(
        .get, "/healthz", .anyone, "getHealth", "Whether the process answers.",
        answer: .init(summary: "It does.", schema: Schemas.named("Health"))
    ) { _ throws(ControlError) in
        .json(["status": "ok"])
    }

    static let readiness = Route(
        .get, "/readyz", .anyone, "getReadiness", "Whether the engine takes work now.",
        answer: .init(summary: "It does.", schema: Schemas.named("Readiness"))
    ) { call throws(ControlError) in
        guard await call.controlPlane.readiness().isEmpty else {
            throw ControlError(.unavailable, "not ready; the log of the coordinator says why")
        }
        return .json(["status": "ready"])
    }

    static let openAPI: Route = Route(
        .get, "/api/v1/openapi.json", .role(.read), "getOpenAPI", "This description.",
        answer: .init(summary: "OpenAPI 3.1.", schema: ["type": "object"])
    ) { _ throws(ControlError) in
        .json(OpenAPI.document(of: .all))
    }
}
