import FanfoldJSON

/// `/api/v1/scaling` and `/api/v1/cost`: the workers that the coordinator rents.
enum ScalingRoutes {
    static let all: [Route] = [state, plan, decisions, cost]

    static let state = Route(
        .get, "/api/v1/scaling", .role(.read), "getScaling",
        "The pools, their workers and what they wait for.",
        answer: .init(summary: "The pools.", schema: Schemas.named("Scaling")),
        problems: [.notFound]
    ) { call throws(ControlError) in .json(try await call.controlPlane.scaling()) }

    static let plan = Route(
        .get, "/api/v1/scaling/plan", .role(.read), "planScaling",
        "What would be decided about workers now, from what, and instead of what; nothing is done.",
        answer: .init(summary: "The decisions.", schema: Schemas.named("ScalingPlan")),
        problems: [.notFound]
    ) { call throws(ControlError) in .json(try await call.controlPlane.scalingPlan()) }

    static let decisions = Route(
        .get, "/api/v1/scaling/decisions", .role(.read), "listScalingDecisions",
        "What was decided about workers, the latest first.",
        parameters: [
            Route.Parameter(
                "limit", .query, "At most this many; 50 unless said.",
                Schemas.integer(1, APILimits.scalingDecisions))
        ],
        answer: .init(summary: "The decisions.", schema: Schemas.named("ScalingDecisionList")),
        problems: [.notFound]
    ) { call throws(ControlError) in
        .json(
            try await call.controlPlane.scalingDecisions(
                limit: Int(call.integer("limit") ?? 50)))
    }

    static let cost = Route(
        .get, "/api/v1/cost", .role(.read), "getCost",
        "What workers have cost, cost now, and will cost at this rate.",
        answer: .init(summary: "The cost.", schema: Schemas.named("Cost")),
        problems: [.notFound]
    ) { call throws(ControlError) in .json(try await call.controlPlane.cost()) }
}
