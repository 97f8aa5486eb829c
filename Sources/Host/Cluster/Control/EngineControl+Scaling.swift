import FanfoldAPI
import FanfoldJSON
import FanfoldRuntime

/// What is asked of scaling: the loop only hands out what it knows, and answers are made elsewhere.
extension EngineControl {
    func scaling() async throws(ControlError) -> JSON {
        try await askDesk { desk, _ in desk.view }.state()
    }

    func scalingPlan() async throws(ControlError) -> JSON {
        ScalingView.plan(try await askDesk { desk, loop in desk.evaluation(loop) })
    }

    func scalingDecisions(limit: Int) async throws(ControlError) -> JSON {
        ScalingView.decisions(
            try await askDesk { _, loop in loop.scaling.decisions }, limit: limit)
    }

    func cost() async throws(ControlError) -> JSON {
        try await askDesk { desk, _ in desk.view }.cost()
    }

    private func askDesk<Answer: Sendable>(
        _ question: @escaping @Sendable (ScalingDesk, EngineLoop) -> Answer
    ) async throws(ControlError) -> Answer {
        guard let desk else {
            throw ControlError(
                .notFound,
                "this coordinator rents no workers: name pools: in its settings, see "
                    + "docs/scaling.md")
        }
        guard let found = await ask({ view in question(desk, view.loop) }) else { throw silent }
        return found
    }
}
