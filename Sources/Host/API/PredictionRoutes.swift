import FanfoldJSON

/// `/api/v1/predictions`: what tasks will need.
enum PredictionRoutes {
    static let all: [Route] = [predictions, efficiency]

    static let efficiency = Route(
        .get, "/api/v1/runs/{run}/efficiency", .role(.read), "runEfficiency",
        "What the tasks of a run were given and used, what was predicted, and what to ask for.",
        parameters: [RunRoutes.run],
        answer: .init(
            summary: "The task classes; those that were not measured are not there.",
            schema: Schemas.named("Efficiency")),
        problems: [.notFound, .tooMany]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.efficiency(run: call.id("run")))
    }

    static let predictions = Route(
        .get, "/api/v1/predictions", .role(.read), "listPredictions",
        "What tasks of each class will need, from what they used in runs of this coordinator; by "
            + "name.",
        parameters: [
            Route.Parameter(
                "class", .query, "Only this class, in full.",
                ["type": "string", "minLength": 1, "maxLength": 256]),
            Route.Parameter(
                "limit", .query, "At most this many classes; 100 unless said.",
                Schemas.integer(1, APILimits.predictions)),
        ],
        answer: .init(summary: "The classes.", schema: Schemas.named("PredictionList")),
        problems: [.tooMany]
    ) { call throws(ControlError) in
        .json(
            try await call.controlPlane.predictions(
                taskClass: call.text("class"), limit: Int(call.integer("limit") ?? 100)))
    }
}
