import FanfoldJSON
import PluginKit
import PluginMerges

/// Splits an input in contiguous slices, runs the same on each, and merges in order.
///
/// Bookkeeping: one entry for each subtask under way; nothing for items not handed out.
public struct DataParallelStrategy: Strategy {
    private struct Chunk {
        var from: Int
        var count: Int
    }

    private let task: TaskDescription
    private let configuration: DataParallelConfiguration
    private let input: Int
    private let spec: SubtaskSpec
    private let items: Int
    private let shards: Int
    private let fixedSize: Int?
    private let format: PieceFormat

    private var chunker: Chunker
    private var fold: Fold
    private var underWay: [UInt64: Chunk] = [:]
    private var nextItem = 0
    private var nextID: UInt64 = 0
    private var closing: UInt64?
    private var succeeded = 0
    private var missing = MissingList()

    /// Who the strategy is.
    public static let component = ComponentDescription(
        id: "fanfold.data-parallel", version: "0.1.0",
        summary: "Splits records in slices, runs the same on each, and merges in order.",
        configurationSchema: DataParallelConfiguration.schema)

    /// Takes on a task; refuses to split an input that there is not.
    public init(
        task: TaskDescription, configuration: DataParallelConfiguration
    ) throws(PluginError) {
        self.task = task
        self.configuration = configuration
        let split: InputDescription
        if task.inputs.isEmpty, configuration.over.isEmpty {
            // Nothing to split and something to run: one subtask, which is given nothing.
            input = 0
            split = InputDescription(name: "nothing", format: "json", items: 1)
        } else {
            input = try task.inputIndex(over: configuration.over)
            split = task.inputs[input]
        }
        items = split.items
        spec = SpecBuilder.spec(["names": task.inputNames])
        switch configuration.size {
        case .auto: (fixedSize, shards) = (nil, 0)
        case .items(let count): (fixedSize, shards) = (count, 0)
        case .shards(let count): (fixedSize, shards) = (nil, min(count, max(split.items, 1)))
        case .bytes(let bytes):
            let perItem = Double(max(split.bytes, 1)) / Double(max(split.items, 1))
            (fixedSize, shards) = (max(1, Int(min(bytes / perItem, 1e15))), 0)
        }
        chunker = Chunker(
            items: split.items, bytes: split.bytes, slots: task.slots, workers: task.workers)
        format = task.outputFormat
        fold = Fold(configuration.merge, .each, format: format)
    }

    /// Hands out the next slices; waits while the first ones measure.
    public mutating func split(
        want: Int, into sink: any StrategySink
    ) throws(PluginError) -> SplitState {
        var left = want
        while nextItem < items, left > 0 {
            if isProbing, underWay.count >= chunker.slots * Chunker.probesPerSlot { return .wait }
            try handOut(nextSize(), into: sink)
            left -= 1
        }
        return nextItem < items ? .more : .end
    }

    /// Learns the speed of the worker and folds the result.
    public mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError) {
        if result.subtask == closing {
            fold.close(result)
            return
        }
        guard let chunk = underWay.removeValue(forKey: result.subtask) else { return }
        succeeded += 1
        if isAdaptive {
            chunker.measured(
                items: chunk.count, seconds: Double(result.ranNanoseconds) / 1e9,
                worker: result.worker)
        }
        try fold.add(
            Piece(
                result, index: Int(result.subtask), name: name(chunk), format: format,
                weight: Double(chunk.count)),
            into: sink)
        try closeIfComplete(into: sink)
    }

    /// Goes on without the slice, if the merge can; it is listed in the report.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict {
        guard let chunk = underWay.removeValue(forKey: failure.subtask) else {
            return failure.subtask == closing ? .failTask : .skip
        }
        guard configuration.merge.algebra.partialOK else { return .failTask }
        missing.add(
            JSONObject([
                ("subtask", .integer(Int64(failure.subtask))),
                ("from", .integer(Int64(chunk.from))), ("items", .integer(Int64(chunk.count))),
            ]), because: failure.error)
        try fold.miss(Int(failure.subtask), into: sink)
        try closeIfComplete(into: sink)
        return .skip
    }

    /// Sizes what is handed out from now on for the workers there are now.
    public mutating func onCapacity(
        _ capacity: Capacity, into sink: any StrategySink
    ) throws(PluginError) {
        chunker.adapt(slots: capacity.slots, workers: capacity.workers)
    }

    /// Puts the rest of the output; fails if there were subtasks and all failed.
    public mutating func finish(into sink: any StrategySink) throws(PluginError) {
        guard succeeded > 0 || missing.count == 0 else {
            throw PluginError(
                .unavailable, reason: "task.all-failed",
                "All \(missing.count) subtasks failed. The last said: \(missing.lastMessage)")
        }
        var report = JSONObject([
            ("items", .integer(Int64(items))), ("subtasks", .integer(Int64(nextID))),
        ])
        missing.write(to: &report)
        try fold.finish(report: .object(report), into: sink)
    }

    /// How many subtasks there would be, and why that size.
    public func explain() -> Explanation {
        guard !task.inputs.isEmpty else {
            return Explanation(summary: "One subtask: the task has no input.", subtasks: 1)
        }
        let name = task.inputs[input].name
        guard items > 0 else {
            return Explanation(
                summary: "\(name) holds no items: the result is the merge of nothing.",
                subtasks: 0)
        }
        let count = plannedSubtasks
        var why = [sizeReason, "Results are merged by \(configuration.merge.name)."]
        if task.inputs.count > 1 {
            why.append("\(task.inputs.count - 1) other inputs go whole to every subtask.")
        }
        let pieces = count.map { "\($0) subtasks" } ?? "subtasks sized while it runs"
        return Explanation(
            summary: "\(items) items of \(name) in \(pieces) on \(task.slots) slots.", why: why,
            subtasks: count)
    }
}

extension DataParallelStrategy {
    /// Whether sizes follow from what was measured.
    private var isAdaptive: Bool { fixedSize == nil && shards == 0 }

    private var isProbing: Bool { isAdaptive && !chunker.hasMeasured }

    private mutating func nextSize() -> Int {
        if let fixedSize { return min(fixedSize, items - nextItem) }
        if shards > 0 {
            // The first `items % shards` shards hold one item more.
            return items / shards + (Int(nextID) < items % shards ? 1 : 0)
        }
        return chunker.next(remaining: items - nextItem)
    }

    /// Everything is noted before the sink learns of it, so that a result can come at once.
    private mutating func handOut(_ count: Int, into sink: any StrategySink) throws(PluginError) {
        let id = nextID
        let from = nextItem
        underWay[id] = Chunk(from: from, count: count)
        nextID += 1
        nextItem += count
        let parts = task.inputs.indices.map { index in
            index == input
                ? Part.items(input: index, from: from, count: count) : task.wholeInput(index)
        }
        try sink.subtask(Subtask(id: id, spec: spec, parts: parts))
    }

    private mutating func closeIfComplete(into sink: any StrategySink) throws(PluginError) {
        guard nextItem == items, underWay.isEmpty, closing == nil,
            let subtask = try fold.closingSubtask(id: nextID)
        else { return }
        closing = nextID
        nextID += 1
        try sink.subtask(subtask)
    }

    private func name(_ chunk: Chunk) -> String {
        "items \(chunk.from) to \(chunk.from + chunk.count - 1)"
    }

    private var plannedSubtasks: Int? {
        if let fixedSize { return (items + fixedSize - 1) / fixedSize }
        return shards > 0 ? shards : nil
    }

    private var sizeReason: String {
        switch configuration.size {
        case .auto:
            "Small subtasks measure the workers first; then each round hands out half of what is "
                + "left, by measured speed."
        case .items(let count): "The pipeline asks for \(count) items a subtask."
        case .bytes(let bytes):
            "The pipeline asks for about \(Int(bytes)) bytes a subtask: \(fixedSize ?? 1) items."
        case .shards(let count): "The pipeline asks for \(count) shards of equal size."
        }
    }
}
