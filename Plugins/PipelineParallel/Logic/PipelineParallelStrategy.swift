import FanfoldJSON
import PluginKit
import PluginMerges

/// Sends many micro-batches through a chain of stages: stage s works on micro-batch m while stage
/// s + 1 works on m - 1.
///
/// Subtask `m * stages + s` is stage s of micro-batch m.  A stage works on as many micro-batches
/// as it has replicas, and as many may wait in front of it as its queue holds; both are written
/// into the subtasks as what must have ended before.
public struct PipelineParallelStrategy: Strategy {
    private struct Batch {
        var from: Int
        var count: Int
        var endedStages = 0
        var seconds: [Double] = []
    }

    private let task: TaskDescription
    private let list: StageList
    private let merge: Merge
    private let input: Int
    private let items: Int
    private let batchCount: Int
    private let batchItems: Int?
    private let specs: [JSONObject]
    private let shared: [SubtaskSpec]
    private let credits: Int

    private var fold: Fold
    /// Micro-batches begun and not yet counted by the clock.
    private var batches: [Int: Batch] = [:]
    private var begun = 0
    private var completed = 0
    private var clocked = 0
    private var nextStage = 0
    private var nextItem = 0
    private var held: Blob?
    private var clock: StageClock
    private var closing: UInt64?
    private var hasFailed = false

    /// Who the strategy is.
    public static let component = ComponentDescription(
        id: "fanfold.pipeline-parallel", version: "0.1.0",
        summary: "Sends micro-batches through a chain of stages that work at the same time.",
        configurationSchema: PipelineParallelConfiguration.schema)

    /// Takes on a task; refuses layers that fit on the devices in no way.
    public init(
        task: TaskDescription, configuration: PipelineParallelConfiguration
    ) throws(PluginError) {
        self.task = task
        merge = configuration.merge
        input = try task.inputIndex(over: configuration.over)
        items = task.inputs[input].items
        list = try StageList(
            configuration.stages, key: "stages", cut: configuration.cut, task: task)
        let stages = list.stages
        let wanted: Int
        switch configuration.microBatches {
        case .auto: (wanted, batchItems) = (4 * stages.count, nil)
        case .count(let count): (wanted, batchItems) = (count, nil)
        case .items(let size): (wanted, batchItems) = ((items + size - 1) / size, size)
        }
        batchCount = min(wanted, items)
        specs = stages.enumerated().map { index, stage in
            var spec = JSONObject([
                ("stage", .integer(Int64(index))), ("label", .string(stage.name)),
            ])
            if let run = stage.run { spec["run"] = run }
            if let needs = stage.needs { spec["needs"] = needs }
            if index == 0, let names = task.inputNames { spec["names"] = names }
            return spec
        }
        shared = specs.map { SubtaskSpec(.object($0)) }
        credits = stages.reduce(0) { $0 + $1.replicas + $1.queue }
        clock = StageClock(replicas: stages.map(\.replicas))
        fold = Fold(
            configuration.merge, .each, format: PieceFormat(run: stages.last?.run ?? task.run))
    }

    /// Hands out micro-batch after micro-batch, all stages of one together, while there are
    /// credits.
    public mutating func split(
        want: Int, into sink: any StrategySink
    ) throws(PluginError) -> SplitState {
        guard !hasFailed else { return .end }
        var left = want
        while left > 0 {
            if nextStage == 0 {
                guard begun < batchCount else { return .end }
                guard begun - completed < credits else { return .wait }
                begin()
            }
            left -= 1
            try sink.subtask(nextSubtask())
            held = nil
        }
        return begun < batchCount || nextStage > 0 ? .more : .end
    }

    /// Notes the time; a result of the last stage is folded.
    public mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError) {
        if result.subtask == closing {
            fold.close(result)
            return
        }
        let (index, stage) = place(of: result.subtask)
        guard var batch = batches[index], batch.endedStages == stage else { return }
        batch.endedStages += 1
        batch.seconds.append(Double(result.ranNanoseconds) / 1e9)
        batches[index] = batch
        if nextStage > 0, index == begun - 1, stage == nextStage - 1 {
            held = result.parts.first
        }
        guard stage == list.stages.count - 1 else { return }
        completed += 1
        let run = list.stages[stage].run ?? task.run
        try fold.add(
            Piece(
                result, index: index,
                name: "items \(batch.from) to \(batch.from + batch.count - 1)",
                format: PieceFormat(run: run), weight: Double(batch.count)),
            into: sink)
        while let next = batches[clocked], next.endedStages == list.stages.count {
            clock.add(next.seconds)
            batches[clocked] = nil
            clocked += 1
        }
        try closeIfComplete(into: sink)
    }

    /// A stage that fails fails the task: the micro-batch cannot go on.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict {
        hasFailed = true
        for index in batches.keys.sorted() {
            guard let batch = batches[index] else { continue }
            let handedOut = index == begun - 1 && nextStage > 0 ? nextStage : list.stages.count
            for stage in batch.endedStages..<max(handedOut, batch.endedStages) {
                let id = id(index, stage)
                if id != failure.subtask { try sink.withdraw(id) }
            }
        }
        return .failTask
    }

    /// Puts the rest of the output, with the utilisation of every stage in the report.
    public mutating func finish(into sink: any StrategySink) throws(PluginError) {
        try fold.finish(report: .object(clock.report(list.stages)), into: sink)
    }

    /// The stages, the micro-batches, and how much of the time stages would be idle.
    public func explain() -> Explanation {
        guard items > 0 else {
            return Explanation(
                summary: "The input is empty: the result is the merge of nothing.", subtasks: 0)
        }
        let stages = list.stages.count
        let bubble = StageClock.bubble(stages: stages, microBatches: batchCount)
        var why = list.why
        why.append(
            "With equal stages they would be idle for \((bubble * 1000).rounded() / 10) % of the "
                + "time: (p - 1) / (m + p - 1).")
        if let slowest = list.seconds.max() {
            let each = list.seconds.reduce(0, +)
            let total = each + Double(batchCount - 1) * slowest
            why.append("Predicted: \(total) s, sum t + (m - 1) max t.")
        }
        why.append("At most \(credits) micro-batches are under way at a time.")
        return Explanation(
            summary: "\(batchCount) micro-batches of \(items) items through \(stages) stages.",
            why: why, subtasks: batchCount * stages, stages: list.described)
    }
}

extension PipelineParallelStrategy {
    private func id(_ batch: Int, _ stage: Int) -> UInt64 {
        UInt64(batch * list.stages.count + stage)
    }

    private func place(of id: UInt64) -> (batch: Int, stage: Int) {
        let (batch, stage) = Int(id).quotientAndRemainder(dividingBy: list.stages.count)
        return (batch, stage)
    }

    private mutating func begin() {
        let count =
            batchItems.map { min($0, items - nextItem) }
            ?? items / batchCount + (begun < items % batchCount ? 1 : 0)
        batches[begun] = Batch(from: nextItem, count: count)
        nextItem += count
        begun += 1
    }

    /// The next stage of the newest micro-batch.
    private mutating func nextSubtask() -> Subtask {
        let index = begun - 1
        let stage = nextStage
        var after: [JSON] = []
        // A replica must be free, and the queue of the next stage must have room.
        if isOpen(index - list.stages[stage].replicas, stage) {
            after.append(.integer(Int64(id(index - list.stages[stage].replicas, stage))))
        }
        if stage + 1 < list.stages.count {
            let ahead = list.stages[stage + 1].replicas + list.stages[stage + 1].queue
            if isOpen(index - ahead, stage + 1) {
                after.append(.integer(Int64(id(index - ahead, stage + 1))))
            }
        }
        var spec = shared[stage]
        if !after.isEmpty {
            var members = specs[stage]
            members["after"] = .array(after)
            spec = SubtaskSpec(.object(members))
        }
        nextStage = (stage + 1) % list.stages.count
        return Subtask(id: id(index, stage), spec: spec, parts: parts(index, stage))
    }

    private func parts(_ index: Int, _ stage: Int) -> [Part] {
        guard stage == 0, let batch = batches[index] else {
            return [.result(of: id(index, stage - 1))]
        }
        return task.inputs.indices.map { other in
            other == input
                ? .items(input: other, from: batch.from, count: batch.count)
                : task.wholeInput(other)
        }
    }

    /// Whether a stage of a micro-batch has been begun and has not ended.
    private func isOpen(_ batch: Int, _ stage: Int) -> Bool {
        batches[batch].map { $0.endedStages <= stage } ?? false
    }

    private mutating func closeIfComplete(into sink: any StrategySink) throws(PluginError) {
        guard completed == batchCount, closing == nil,
            let subtask = try fold.closingSubtask(id: id(batchCount, 0))
        else { return }
        closing = subtask.id
        try sink.subtask(subtask)
    }
}
