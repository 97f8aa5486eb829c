import FanfoldJSON

/// `/api/v1/predictions`: what tasks will need.
enum PredictionRoutes {
    static let all: [Route] = [predictions]

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
