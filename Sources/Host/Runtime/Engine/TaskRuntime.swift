import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// What the loop keeps of a task beside what the coordinator decides on: payloads, places,
/// results that other subtasks still need, and figures for the report.
struct TaskRuntime {
    let id: TaskID
    let name: String
    /// The place of its run.
    let run: Int
    /// What its subtasks need unless they say otherwise.
    let needs: ResourceRequest
    /// How it is done; `nil` while a recovered run has not been prepared.
    var plan: PlannedTask?
    /// The inputs, once the tasks they come from have completed.
    var inputs: [Dataset] = []
    var lane: StrategyLane?

    /// By subtask index.
    private(set) var parts: ContiguousArray<SubtaskParts> = []
    private(set) var specOf: ContiguousArray<UInt32> = []
    /// By number of the specification.
    private(set) var specs: [DeclaredSpec] = []
    private(set) var shapes: [ShapeID] = []
    /// How many subtasks that have not ended name the result of this one.
    private var references: [UInt32: Int] = [:]
    /// Results that are named, or may be until the strategy has answered.
    private var results: [UInt32: LentPayload] = [:]
    /// Batches of results the strategy has been told and has not answered, in order.
    private var told: [[UInt32]] = []

    /// Shapes that were declared before this process began, in order.
    var knownShapes: ArraySlice<ShapeID> = []
    /// Answers of the strategy that the coordinator has had.
    var answersHad = 0
    /// Those of them that this process has not.
    var answersToSkip = 0

    var output: Dataset?
    var outcome: TaskOutcome?
    var figures = TaskFigures()

    init(_ spec: TaskSpec, plan: PlannedTask?, run: Int) {
        id = spec.id
        name = spec.name
        needs = spec.needs
        self.plan = plan
        self.run = run
    }

    /// Its shapes in the order in which they were declared.
    var allShapes: [ShapeID] {
        var seen: Set<ShapeID> = []
        return shapes.filter { seen.insert($0).inserted } + knownShapes
    }

    /// Subtasks that the strategy has put, those of an earlier process included.
    var putCount: Int { parts.count }

    /// Takes over a specification; the caller has found its shape.
    mutating func declare(_ spec: DeclaredSpec, shape: ShapeID) {
        specs.append(spec)
        shapes.append(shape)
    }

    /// Takes over a subtask that the strategy put, and says what the coordinator must know.
    mutating func add(_ added: StrategyAnswer.Added) -> FanfoldCore.SubtaskSpec {
        parts.append(added.parts)
        specOf.append(added.spec)
        for named in namedResults(in: added.parts) { references[named, default: 0] += 1 }
        return FanfoldCore.SubtaskSpec(
            shape: shapes[Int(added.spec)], after: added.after,
            priority: specs[Int(added.spec)].priority)
    }

    /// Keeps a result until the strategy has answered, and as long as subtasks name it.
    mutating func keep(_ payload: LentPayload, of index: UInt32) {
        results[index] = payload
    }

    /// The strategy is being told these results.
    mutating func tell(_ indices: [UInt32]) {
        told.append(indices)
    }

    /// The strategy has answered the oldest batch it was told.
    mutating func answered() {
        guard !told.isEmpty else { return }
        for index in told.removeFirst() where references[index] == nil {
            results[index] = nil
        }
    }

    /// A subtask ended for good: its payload goes, and the results that only it named.
    mutating func forget(_ index: UInt32) {
        guard index < parts.count else { return }
        let ended = parts[Int(index)]
        parts[Int(index)] = .none
        for named in namedResults(in: ended) {
            guard let count = references[named] else { continue }
            references[named] = count > 1 ? count - 1 : nil
            if count == 1, !told.contains(where: { $0.contains(named) }) {
                results[named] = nil
            }
        }
    }

    /// Drops everything but the figures and the output.
    mutating func clear() {
        parts = []
        specOf = []
        references = [:]
        results = [:]
        told = []
        lane = nil
    }

    /// A result that is kept.
    mutating func result(of index: UInt32) -> LentPayload? { results[index] }

    /// Counts an attempt that ended.
    mutating func count(
        _ report: AttemptReport, worker: String, stderrTail: String = "", at now: Tick
    ) {
        let index = Int(report.attempt.index)
        let label = specOf.indices.contains(index) ? specs[Int(specOf[index])].label : nil
        figures.count(report, label: label, worker: worker, stderrTail: stderrTail, at: now)
    }

    /// What a worker needs to run an attempt.
    ///
    /// Mutating only so that it is called in place: a copy of this value retains a dozen buffers.
    mutating func work(for attempt: AttemptID, in directory: String) -> WorkOrder.Work {
        let spec = specs[Int(specOf[Int(attempt.index)])]
        guard let parts = inputParts(of: attempt.index) else {
            return .refuse(
                "a result that the subtask names is gone: a strategy that names a result after "
                    + "on_result for it has returned must have kept its blob")
        }
        guard let run = spec.run ?? plan?.run else {
            return .refuse("nothing to run: neither the task nor its strategy says what")
        }
        var item = WorkItem(
            run: run, parts: parts,
            names: spec.names.flatMap { $0.count == parts.count ? $0 : nil },
            taskName: name, subtask: UInt64(attempt.index),
            attempt: Int(attempt.epoch), pipelineDirectory: directory)
        item.spec = SpecID(task: id.index, number: specOf[Int(attempt.index)])
        return .run(item)
    }

    /// The parts of a subtask with every reference resolved.
    ///
    /// Returns: `nil` if a result it names is gone.
    func inputParts(of index: UInt32) -> [InputPart]? {
        switch parts[Int(index)] {
        case .none: return []
        case .items(let input, let from, let count):
            return [.slice(inputs[input].slice(from: from, count: count))]
        case .many(let parts):
            var resolved: [InputPart] = []
            resolved.reserveCapacity(parts.count)
            for part in parts {
                switch part {
                case .items(let input, let from, let count):
                    resolved.append(.slice(inputs[input].slice(from: from, count: count)))
                case .payload(let slice, let format): resolved.append(.payload(slice, format))
                case .result(let producer, _):
                    guard let payload = results[producer] else { return nil }
                    resolved.append(.payload(payload.slice, payload.format))
                }
            }
            return resolved
        }
    }

    private func namedResults(in parts: SubtaskParts) -> [UInt32] {
        guard case .many(let parts) = parts else { return [] }
        return parts.compactMap { part in
            guard case .result(let producer, _) = part else { return nil }
            return producer
        }
    }
}
