import FanfoldAPI
import FanfoldCore
import FanfoldJSON
import FanfoldRuntime

extension EngineControl {
    /// What the names of folders of plans begin with; they are gone when the plan is made.
    static let planPrefix = ".plan-"

    func plan(_ submission: Submission) async throws(ControlError) -> JSON {
        guard plans.add(1, ordering: .relaxed).newValue <= APILimits.plans else {
            plans.subtract(1, ordering: .relaxed)
            throw ControlError(
                .tooMany, "\(APILimits.plans) plans are being made; ask again in a moment")
        }
        defer { plans.subtract(1, ordering: .relaxed) }
        let workers = await ask { [hub] (view: RunBooks.View) in
            view.loop.workerUsage().filter { $0.phase == .active }.map { usage in
                let label = hub.label(of: usage.worker)
                var plan = LocalWorkerPlan(
                    name: label?.name ?? "", milliCores: usage.total.milliCores,
                    memoryBytes: usage.total.memoryBytes)
                plan.labels = label?.labels ?? []
                plan.devices = usage.total.devices
                return plan
            }
        }
        guard let workers else { throw silent }
        let folder = RunFolder(
            path: "\(runsFolder)/\(Self.planPrefix)\(await nextPlan())")
        return try await onThread { [self] () throws(ControlError) in
            defer { folder.remove() }
            return PlanReport(try prepare(submission, for: nil, in: folder), workers: workers).json
        }
    }

    /// Removes what plans of an earlier process left.
    func removePlans() {
        for name in RunFolder.names(in: runsFolder) where name.hasPrefix(Self.planPrefix) {
            RunFolder(path: "\(runsFolder)/\(name)").remove()
        }
    }
}
