import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// What a run would do, found out without running anything.
package struct PlanReport: Sendable {
    /// Subtasks that a strategy is asked for, at most, to see how it splits.
    package static let maximumSubtasks = 10_000

    /// One task.
    package struct TaskPlan: Sendable {
        /// The name in the pipeline.
        package var name: String
        /// The strategy's id.
        package var strategy: String
        /// What each subtask needs.
        package var needs: ResourceRequest
        /// Tasks whose output decides how this one is split; with any, nothing below is known.
        package var waitsFor: [String]
        /// What the strategy says it would do.
        package var summary: String
        /// Why, a sentence each.
        package var why: [String] = []
        /// The stages, if the strategy cuts in stages: objects as in `fan_explain`.
        package var stages: [JSON] = []
        /// Subtasks that were put when the strategy was asked.
        package var subtasks = 0
        /// Whether more follow, sized by what the first ones show.
        package var isOpen = false
        /// Fewest and most items of a subtask, where subtasks are slices of an input.
        package var items: ClosedRange<Int>?
        /// Least and most memory that one of the subtasks asks for, in bytes.
        package var memoryBytes: ClosedRange<Int64>?
        /// What would start at once, by worker.
        package var placement: [Placement] = []
        /// Why something would not start, if nothing would.
        package var waiting: WaitingReason?
        /// What went wrong, if the strategy did not split.
        package var problem: String?
    }

    /// What would start on a worker.
    package struct Placement: Sendable {
        /// The worker's name.
        package var worker: String
        /// Subtasks that would start at once.
        package var starting: Int
        /// Thousandths of a core that stay free.
        package var freeMilliCores: Int64
        /// Bytes of memory that stay free.
        package var freeMemoryBytes: Int64
    }

    /// What the pipeline is called.
    package var pipeline: String
    /// The tasks, in the order of the document.
    package var tasks: [TaskPlan] = []
    /// The workers there would be.
    package var workers: [LocalWorkerPlan]

    /// Splits what can be split now, and places it with the coordinator that a run uses.
    package init(_ run: PreparedRun, workers: [LocalWorkerPlan]) {
        self.workers = workers
        pipeline = run.pipeline.name
        tasks = run.tasks.map { task in
            var report = TaskPlan(
                name: task.name, strategy: task.strategy.component.id, needs: task.spec.needs,
                waitsFor: [], summary: task.strategy.component.summary)
            report.waitsFor = task.inputs.compactMap { source in
                if case .task(let index) = source { run.tasks[index].name } else { nil }
            }
            guard report.waitsFor.isEmpty else { return report }
            do throws(PluginFailure) {
                try report.split(task, run, workers)
            } catch {
                report.problem = error.message
            }
            return report
        }
    }
}

extension PlanReport.TaskPlan {
    fileprivate mutating func split(
        _ task: PlannedTask, _ run: PreparedRun, _ workers: [LocalWorkerPlan]
    ) throws(PluginFailure) {
        let inputs = task.inputs.map { source in
            if case .input(let index) = source { run.inputs[index] } else { Dataset.empty }
        }
        var spec = task.beginSpec(inputs: inputs, seed: run.pipeline.seed)
        let capacity = EngineCapacity.describe(workers, needs: task.spec.needs)
        for (key, value) in capacity.objectValue?.members ?? [] { spec[key] = value }
        let session = StrategySession(
            task: TaskID(0),
            instance: try task.strategy.make(callNanoseconds: IsolationLimits.startNanoseconds),
            inputs: inputs)
        do throws(PluginFailure) {
            try session.begin(spec: JSON.object(spec).bytes)
        } catch {
            session.discard()
            throw error
        }
        defer { session.end() }
        var dryRun = DryRun(task: task, workers: workers)
        if let explanation = try session.explain() { take(explanation) }
        var answer = session.takeAnswer()
        var state = FanfoldCore.SplitState.more
        dryRun.take(answer)
        while state == .more, dryRun.subtasks.count < PlanReport.maximumSubtasks {
            (answer, state) = try session.split(
                want: PlanReport.maximumSubtasks - dryRun.subtasks.count)
            if let refusal = session.takeRefusal() { throw refusal }
            if answer.isEmpty && state == .more { break }
            dryRun.take(answer)
        }
        subtasks = dryRun.subtasks.count
        isOpen = state != .end
        items = dryRun.items
        memoryBytes = dryRun.memoryBytes
        (placement, waiting) = dryRun.place()
    }

    private mutating func take(_ explanation: JSON) {
        summary = explanation["summary"]?.stringValue ?? summary
        why = (explanation["why"]?.arrayValue ?? []).compactMap(\.stringValue)
        stages = explanation["stages"]?.arrayValue ?? []
    }
}

/// A coordinator that is asked what it would start, and never told that anything ended.
private struct DryRun {
    let task: PlannedTask
    let workers: [LocalWorkerPlan]
    var subtasks: [FanfoldCore.SubtaskSpec] = []
    var items: ClosedRange<Int>?
    var memoryBytes: ClosedRange<Int64>?
    private var specs: [DeclaredSpec] = []

    init(task: PlannedTask, workers: [LocalWorkerPlan]) {
        self.task = task
        self.workers = workers
    }

    mutating func take(_ answer: StrategyAnswer) {
        specs += answer.declared
        for added in answer.added {
            subtasks.append(
                .init(
                    shape: ShapeID(added.spec), after: added.after,
                    priority: specs[Int(added.spec)].priority))
            let needs = specs[Int(added.spec)].needs.map(ResourceRequest.init) ?? task.spec.needs
            memoryBytes =
                memoryBytes.map {
                    min($0.lowerBound, needs.memoryBytes)...max($0.upperBound, needs.memoryBytes)
                } ?? needs.memoryBytes...needs.memoryBytes
            if case .items(_, _, let count) = added.parts {
                items =
                    items.map { min($0.lowerBound, count)...max($0.upperBound, count) }
                    ?? count...count
            }
        }
    }

    func place() -> ([PlanReport.Placement], WaitingReason?) {
        var coordinator = Coordinator()
        for (index, worker) in workers.enumerated() {
            _ = coordinator.handle(
                .workerRegistered(
                    WorkerSpec(
                        id: WorkerID(UInt32(index)),
                        capacity: ResourceVector(
                            milliCores: worker.milliCores, memoryBytes: worker.memoryBytes,
                            devices: worker.devices), labels: worker.labels)),
                at: .zero)
        }
        var spec = task.spec
        spec.id = TaskID(0)
        spec.dependsOn = []
        var events: [Event] = [
            .runSubmitted(FanfoldCore.RunSpec(id: RunID(1), seed: 0, tasks: [spec]))
        ]
        events += specs.enumerated().map { index, declared in
            .shapeDeclared(
                ShapeID(UInt32(index)),
                ShapeSpec(
                    task: TaskID(0), needs: declared.needs.map(ResourceRequest.init),
                    gang: (declared.needs ?? task.needs).gang))
        }
        var shapes = specs.count
        for (index, declared) in specs.enumerated() {
            for other in (declared.needs ?? task.needs).alternatives {
                let alternative = ShapeID(UInt32(shapes))
                events.append(
                    .shapeDeclared(
                        alternative, ShapeSpec(task: TaskID(0), needs: ResourceRequest(other))))
                events.append(.shapeAlternative(ShapeID(UInt32(index)), or: alternative))
                shapes += 1
            }
        }
        events.append(.strategyBegan(TaskID(0)))
        events.append(.strategySplit(TaskID(0), added: subtasks, state: .end))
        var starting = [Int](repeating: 0, count: workers.count)
        for event in events {
            for case .start(let worker, let orders) in coordinator.handle(event, at: .zero) {
                starting[Int(worker.index)] += orders.count { $0.slot != nil }
            }
        }
        let placement = zip(coordinator.workerUsage(), zip(workers, starting)).map {
            usage, worker in
            PlanReport.Placement(
                worker: worker.0.name, starting: worker.1,
                freeMilliCores: usage.free.milliCores,
                freeMemoryBytes: usage.free.memoryBytes)
        }
        let waiting =
            starting.allSatisfy { $0 == 0 } ? coordinator.explainWaiting(TaskID(0)) : nil
        return (placement, waiting)
    }
}
