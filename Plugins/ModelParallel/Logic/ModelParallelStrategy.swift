import FanfoldJSON
import PluginKit
import PluginMerges

/// Sends one input through the parts of a model, each on its own device.
///
/// The first part is given the inputs, every other the result of the one before it, which goes
/// from worker to worker.  The result of the last part is the result of the task.
public struct ModelParallelStrategy: Strategy {
    private let task: TaskDescription
    private let list: StageList

    private var handedOut = 0
    private var ended = 0
    private var seconds: [Double] = []
    /// The result that the next part, not handed out yet, will read.
    private var held: Blob?
    private var answer: SubtaskResult?
    private var hasFailed = false

    /// Who the strategy is.
    public static let component = ComponentDescription(
        id: "fanfold.model-parallel", version: "0.1.0",
        summary: "Cuts a model in parts on different devices; one input flows through all.",
        configurationSchema: ModelParallelConfiguration.schema)

    /// Takes on a task; refuses layers that fit on the devices in no way.
    public init(
        task: TaskDescription, configuration: ModelParallelConfiguration
    ) throws(PluginError) {
        self.task = task
        list = try StageList(configuration.parts, key: "parts", cut: configuration.cut, task: task)
    }

    /// Hands out the parts, each reading the result of the one before.
    public mutating func split(
        want: Int, into sink: any StrategySink
    ) throws(PluginError) -> SplitState {
        guard !task.isEmpty, !hasFailed else { return .end }
        var left = want
        while handedOut < list.stages.count, left > 0 {
            let index = handedOut
            let stage = list.stages[index]
            left -= 1
            handedOut += 1
            let spec = SpecBuilder.spec([
                "run": stage.run, "needs": stage.needs,
                "names": index == 0 ? task.inputNames : nil, "stage": .integer(Int64(index)),
                "label": .string(stage.name),
            ])
            let parts = index == 0 ? task.wholeInputs : [.result(of: UInt64(index - 1))]
            try sink.subtask(Subtask(id: UInt64(index), spec: spec, parts: parts))
            held = nil
        }
        return handedOut < list.stages.count ? .more : .end
    }

    /// Keeps the last part's result, and one that is still to be named.
    public mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError) {
        let index = Int(result.subtask)
        guard index == ended, index < handedOut else { return }
        ended += 1
        seconds.append(Double(result.ranNanoseconds) / 1e9)
        if index == list.stages.count - 1 {
            answer = result
        } else if index == handedOut - 1 {
            held = result.parts.first
        }
    }

    /// A part that fails fails the task: nothing behind it can run.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict {
        hasFailed = true
        for index in ended..<max(handedOut, ended) where UInt64(index) != failure.subtask {
            try sink.withdraw(UInt64(index))
        }
        return .failTask
    }

    /// Puts the last part's result, with the time of each part in the report.
    public mutating func finish(into sink: any StrategySink) throws(PluginError) {
        let format = PieceFormat(run: list.stages.last?.run ?? task.run)
        guard let answer else {
            guard task.isEmpty else {
                throw PluginError(
                    .unavailable, reason: "model.parts",
                    "\(ended) of \(list.stages.count) parts gave a result; the last did not.")
            }
            var nothing = Fold(.concat, .whole, format: format)
            try nothing.finish(into: sink)
            return
        }
        let slowest = seconds.max() ?? 0
        let stages = list.stages.indices.map { index -> JSON in
            [
                "name": .string(list.stages[index].name), "ran_seconds": .number(seconds[index]),
                "bottleneck": .bool(seconds[index] == slowest),
            ]
        }
        try sink.output(
            Output(
                format: format.rawValue, parts: answer.parts.map { .blob($0) },
                report: ["stages": .array(stages)]))
    }

    /// The parts, their devices, the bottleneck and what would lift it.
    public func explain() -> Explanation {
        guard !task.isEmpty else {
            return Explanation(
                summary: "The input is empty: the result is empty.", subtasks: 0)
        }
        let names = list.stages.map(\.name).joined(separator: ", ")
        return Explanation(
            summary: "One input flows through \(list.stages.count) parts: \(names).",
            why: list.why.isEmpty ? ["The pipeline gives the parts."] : list.why,
            subtasks: list.stages.count, stages: list.described)
    }
}
