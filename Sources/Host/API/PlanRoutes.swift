import FanfoldJSON

/// `/api/v1/plan`: what a run would do, found out without running anything.
enum PlanRoutes {
    static let all: [Route] = [plan]

    static let plan = Route(
        .post, "/api/v1/plan", .role(.submit), "planRun",
        "Says how a pipeline would be split and placed on the workers that are here, if nothing else "
            + "ran. Nothing is started or kept.",
        body: .jsonOrYAML(Schemas.named("Submission")), example: RunRoutes.example,
        answer: .init(summary: "The plan.", schema: Schemas.named("Plan")),
        problems: [.invalid, .tooMany, .tooLarge, .insufficientStorage]
    ) { call throws(ControlError) in
        .json(try await call.controlPlane.plan(try RunRoutes.submission(of: call)))
    }
}
