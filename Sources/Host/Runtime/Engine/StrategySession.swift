import CPluginABI
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// The strategy of one task, with all that only its lane may touch.
///
/// Turns the calls of the contract into values for the loop: ids into indices, specifications
/// into numbers, blobs into references.  Every method but `init` runs on the lane.
final class StrategySession: @unchecked Sendable {
    // Unchecked: all state belongs to the lane, which runs one job at a time.
    let task: TaskID
    private let instance: any StrategyCalls
    let inputs: [Dataset]
    var specs = SpecTable()
    var keys = SubtaskKeys()
    var keyOfIndex: [UInt64] = []
    var answer = StrategyAnswer()
    private(set) var kept = KeptResults()
    private var resultText: [UInt8] = []
    var refusal: PluginFailure?

    /// Takes on a strategy that was made and has not begun.
    init(task: TaskID, instance: any StrategyCalls, inputs: [Dataset]) {
        self.task = task
        self.instance = instance
        self.inputs = inputs
    }

    /// `begin`: hands the task to the strategy.
    func begin(spec: [UInt8]) throws(PluginFailure) {
        try instance.begin(
            task: UInt64(task.index), spec: spec,
            inputs: inputs.enumerated().map { index, input in
                guard let text = input.smallText else {
                    return HostBlob.reference(handle: Int64(index), size: input.byteCount)
                }
                return LentPayload(text, format: .json).lend()
            })
    }

    /// `split`: asks for up to `want` subtasks.
    func split(want: Int) throws(PluginFailure) -> (StrategyAnswer, SplitState) {
        let state = try instance.split(
            task: UInt64(task.index), want: UInt32(clamping: want), sink: self)
        var answer = takeAnswer()
        // The answer to a split tells the coordinator of nothing withdrawn: the next reply does.
        self.answer.withdrawn = answer.withdrawn
        answer.withdrawn = []
        return (answer, SplitState(state))
    }

    /// `on_result`: hands over one result.
    func tell(_ result: SubtaskOutcome) throws(PluginFailure) {
        resultText.removeAll(keepingCapacity: true)
        result.write(to: &resultText)
        var part = result.payload.lend()
        let loan = part.owner
        let failure: PluginFailure? = resultText.withUnsafeBytes { text in
            withUnsafeMutablePointer(to: &part) { parts -> PluginFailure? in
                var message = fan_result()
                message.struct_size = UInt32(MemoryLayout<fan_result>.size)
                message.part_count = 1
                message.subtask = keyOfIndex[Int(result.index)]
                message.json = fan_view(data: text.baseAddress, size: UInt64(text.count))
                message.parts = parts
                do throws(PluginFailure) {
                    try instance.onResult(task: UInt64(task.index), &message, sink: self)
                    return nil
                } catch {
                    return error
                }
            }
        }
        kept.remember(result.index, loan: loan)
        if let failure { throw failure }
    }

    /// `on_failure`: asks what becomes of a subtask.
    func tell(
        failure: Failure, of index: UInt32, attempts: Int
    ) throws(PluginFailure) -> FailureVerdict {
        FailureVerdict(
            try instance.onFailure(
                task: UInt64(task.index), subtask: keyOfIndex[Int(index)],
                why: PluginFailure(failure), attempts: UInt32(clamping: attempts), sink: self))
    }

    /// `on_capacity`: the workers there are now.
    func tell(capacity: [UInt8]) throws(PluginFailure) {
        try instance.onCapacity(task: UInt64(task.index), capacity: capacity, sink: self)
    }

    /// `finish`: the rest of the output.
    func finish() throws(PluginFailure) {
        try instance.finish(task: UInt64(task.index), sink: self)
    }

    /// `explain`, if the strategy can.
    func explain() throws(PluginFailure) -> JSON? {
        let before = answer.output
        answer.output = OutputPieces()
        defer { answer.output = before }
        guard try instance.explain(task: UInt64(task.index), sink: self) else { return nil }
        return answer.output.explanation
    }

    /// `end`, exactly once after a `begin` that succeeded; then the instance goes.
    func end() {
        instance.end(task: UInt64(task.index))
        instance.destroy()
    }

    /// Ends an instance whose `begin` did not succeed.
    func discard() {
        instance.destroy()
    }

    /// What was put into the sink since the last call of this.
    func takeAnswer() -> StrategyAnswer {
        defer { answer = StrategyAnswer() }
        return answer
    }

    /// Why the host refused something that the strategy put into the sink, if it did.
    func takeRefusal() -> PluginFailure? {
        defer { refusal = nil }
        return refusal
    }
}
