import FanfoldAPI
import FanfoldJSON
import FanfoldRuntime

extension EngineControl {
    func scaling() async throws(ControlError) -> JSON {
        try await askDesk { desk, _ in desk.stateJSON() }
    }

    func scalingPlan() async throws(ControlError) -> JSON {
        try await askDesk { desk, loop in desk.planJSON(loop) }
    }

    func scalingDecisions(limit: Int) async throws(ControlError) -> JSON {
        try await askDesk { desk, loop in desk.decisionsJSON(loop, limit: limit) }
    }

    func cost() async throws(ControlError) -> JSON {
        try await askDesk { desk, _ in desk.costJSON() }
    }

    private func askDesk(
        _ question: @escaping @Sendable (ScalingDesk, EngineLoop) -> JSON
    ) async throws(ControlError) -> JSON {
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
