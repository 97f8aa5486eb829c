import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldPrediction

extension PreparedRun {
    /// Items that a strategy is told of an input that is not there yet, to see what it would do with as
    /// many and with twice as many.
    private static let supposedItems = 1_000_000

    /// How many subtasks the tasks will probably have, as far as that is known before anything runs:
    /// what their strategies say, and what earlier runs had.
    ///
    /// Ids are as if the run's tasks began at 0.  Where no task waits for another, strategies are not
    /// asked: what they want is known at once.  They are asked as `fanfold plan` asks them, and put
    /// nothing that is kept.
    ///
    /// - Parameters:
    ///   - asksStrategies: whether it is of use how many subtasks there will be.
    ///   - earlier: by class, what tasks were like in earlier runs.
    package func widths(
        asksStrategies: Bool = true, earlier: [String: EarlierRuns]
    ) -> [TaskWidth] {
        let asks = asksStrategies && hasWaitingTasks
        var areJoined: [Int: Bool] = [:]
        var widths: [TaskWidth] = []
        for (index, task) in tasks.enumerated() {
            var width = TaskWidth(task: TaskID(UInt32(index)))
            if let known = earlier[task.history.taskClass] {
                width.earlier = known.subtasks
                if known.attempts >= PredictionLimits.earlierEnough {
                    width.nanoseconds = UInt64(min(known.meanSeconds * 1e9, 1e18))
                    width.longestNanoseconds = UInt64(min(known.longestSeconds * 1e9, 1e18))
                }
            }
            if asks { ask(task, &width, &areJoined) }
            if width.isKnown { widths.append(width) }
        }
        return widths
    }

    /// The classes of the tasks of whose earlier runs something may be known.
    package var historyClasses: Set<String> { Set(tasks.map(\.history.taskClass)) }

    /// Whether a task waits for another.
    package var hasWaitingTasks: Bool { tasks.contains { !$0.spec.dependsOn.isEmpty } }

    /// Takes in what the strategy of a task says.
    private func ask(_ task: PlannedTask, _ width: inout TaskWidth, _ areJoined: inout [Int: Bool])
    {
        let one = supposed(task) { _ in Self.supposedItems }
        guard let count = one.flatMap({ $0["subtasks"]?.integerValue }) else { return }
        guard let source = task.inputs.firstIndex(where: Self.isTask) else {
            width.fixed = Int(clamping: count)
            return
        }
        // The first input that a task gives, and that the number depends on.
        for place in task.inputs.indices[source...] where Self.isTask(task.inputs[place]) {
            let other = supposed(task) { $0 == place ? 2 * Self.supposedItems : Self.supposedItems }
            guard let more = other.flatMap({ $0["subtasks"]?.integerValue }) else { return }
            if more == count { continue }
            guard more > count, case .task(let producer) = task.inputs[place],
                isJoined(producer, &areJoined)
            else { return }
            let perItem = Double(more - count) / Double(Self.supposedItems)
            let fixed = Double(count) - perItem * Double(Self.supposedItems)
            width.producer = TaskID(UInt32(producer))
            width.perItem = perItem
            width.fixed = Int(max(0, fixed.rounded()))
            return
        }
        width.fixed = Int(clamping: count)
    }

    private static func isTask(_ source: DataSource) -> Bool {
        if case .task = source { true } else { false }
    }

    /// Whether a task gives the items of all its results and no others: its results are put one after
    /// the other, and none of them goes through stages.
    private func isJoined(_ index: Int, _ known: inout [Int: Bool]) -> Bool {
        if let answer = known[index] { return answer }
        let task = tasks[index]
        var answer = task.strategy.configuration["merge"]?.stringValue == "concat"
        if answer {
            let explanation = supposed(task) { _ in Self.supposedItems }
            answer = explanation.map { ($0["stages"]?.arrayValue ?? []).isEmpty } ?? false
        }
        known[index] = answer
        return answer
    }

    /// What a strategy says that it would do with so many items in the inputs that are not there yet;
    /// `nil` where it says nothing.
    private func supposed(_ task: PlannedTask, items: (Int) -> Int) -> JSON? {
        let inputs = task.inputs.map { source in
            if case .input(let index) = source { self.inputs[index] } else { Dataset.empty }
        }
        var spec = task.beginSpec(inputs: inputs, seed: pipeline.seed)
        let described = spec["inputs"]?.arrayValue ?? []
        spec["inputs"] = .array(
            described.enumerated().map { place, input in
                guard Self.isTask(task.inputs[place]), var members = input.objectValue else {
                    return input
                }
                members["items"] = .integer(Int64(items(place)))
                return .object(members)
            })
        let capacity = EngineCapacity.describe([], needs: task.spec.needs)
        for (key, value) in capacity.objectValue?.members ?? [] { spec[key] = value }
        // Whoever does not answer is asked when the task begins, and says then what is wrong.
        guard
            let instance = try? task.strategy.make(
                callNanoseconds: IsolationLimits.startNanoseconds)
        else { return nil }
        let session = StrategySession(task: TaskID(0), instance: instance, inputs: inputs)
        do throws(PluginFailure) {
            try session.begin(spec: JSON.object(spec).bytes)
        } catch {
            session.discard()
            return nil
        }
        defer { session.end() }
        return try? session.explain()
    }
}
