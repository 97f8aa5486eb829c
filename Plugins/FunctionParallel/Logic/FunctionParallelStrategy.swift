import FanfoldJSON
import PluginKit
import PluginMerges

/// Runs a graph of different functions; each starts when what it reads is there.
public struct FunctionParallelStrategy: Strategy {
    private enum Standing {
        case waiting, underWay, answered, missing
    }

    private let task: TaskDescription
    private let configuration: FunctionParallelConfiguration
    private let graph: FunctionGraph
    /// The functions whose results are the output, in order.
    private let outputs: [Int]

    private var fold: Fold
    private var standings: [Standing]
    private var next = 0
    private var missing = MissingList()
    private var closing: UInt64?
    private var busyNanoseconds: UInt64 = 0
    /// Results that functions not handed out yet will read: who keeps a result may name it.
    private var held: [Int: Blob] = [:]

    /// Who the strategy is.
    public static let component = ComponentDescription(
        id: "fanfold.function-parallel", version: "0.1.0",
        summary: "Runs a graph of different functions, handing results on by name.",
        configurationSchema: FunctionParallelConfiguration.schema)

    /// Takes on a task; refuses unknown names and circles, with their place.
    public init(
        task: TaskDescription, configuration: FunctionParallelConfiguration
    ) throws(PluginError) {
        self.task = task
        self.configuration = configuration
        graph = try FunctionGraph(configuration, inputs: task.inputs)
        let names = graph.nodes.map(\.name)
        var outputs: [Int] = []
        for (position, name) in configuration.outputs.enumerated() {
            guard let index = names.firstIndex(of: name) else {
                throw .configuration(
                    JSONPointer(["outputs", String(position)]),
                    "There is no function \"\(name)\"; there are: "
                        + names.joined(separator: ", ") + ".")
            }
            outputs.append(index)
        }
        self.outputs = outputs.isEmpty ? Array(names.indices) : outputs
        for (name, function) in configuration.functions {
            guard function.run != nil || task.run != nil else {
                throw .configuration(
                    JSONPointer(["functions", name]),
                    "The function has no `run`, and the task has none either.")
            }
        }
        standings = Array(repeating: .waiting, count: names.count)
        fold = Fold(configuration.merge, .whole, format: task.outputFormat)
    }

    /// Hands out the functions by falling rank, so that the longest path is never kept waiting.
    public mutating func split(
        want: Int, into sink: any StrategySink
    ) throws(PluginError) -> SplitState {
        guard !task.isEmpty else { return .end }
        var left = want
        while next < graph.order.count {
            let index = graph.order[next]
            guard standings[index] == .waiting else {
                next += 1
                continue
            }
            guard left > 0 else { return .more }
            left -= 1
            next += 1
            standings[index] = .underWay
            try sink.subtask(subtask(index))
        }
        held = [:]
        return .end
    }

    /// Keeps the result if it is an output.
    public mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError) {
        if result.subtask == closing {
            fold.close(result)
            return
        }
        let index = Int(result.subtask)
        guard standings.indices.contains(index), standings[index] == .underWay else { return }
        standings[index] = .answered
        busyNanoseconds &+= result.ranNanoseconds
        if graph.nodes[index].behind.contains(where: { standings[$0] == .waiting }) {
            held[index] = result.parts.first
        }
        if let place = outputs.firstIndex(of: index) {
            let node = graph.nodes[index]
            let run = configuration.functions[index].function.run ?? task.run
            try fold.add(
                Piece(
                    result, index: place, name: node.name, format: PieceFormat(run: run),
                    weight: node.weight),
                into: sink)
        }
        try closeIfComplete(into: sink)
    }

    /// Does without an optional function and those that wait for it; any other fails the task.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict {
        let index = Int(failure.subtask)
        guard standings.indices.contains(index), standings[index] == .underWay else {
            return failure.subtask == closing ? .failTask : .skip
        }
        standings[index] = .missing
        let lost = graph.downstream(of: index)
        let canDoWithout =
            lost.allSatisfy { graph.nodes[$0].optional }
            && configuration.merge.algebra.partialOK
        guard canDoWithout else {
            for other in standings.indices { try drop(other, into: sink) }
            return .failTask
        }
        for other in lost {
            try drop(other, into: sink)
            missing.add(
                JSONObject([("function", .string(graph.nodes[other].name))]),
                because: failure.error)
            if let place = outputs.firstIndex(of: other) { try fold.miss(place, into: sink) }
        }
        try closeIfComplete(into: sink)
        return .skip
    }

    /// Puts the results by name.
    public mutating func finish(into sink: any StrategySink) throws(PluginError) {
        let answered = standings.filter { $0 == .answered }.count
        guard task.isEmpty || answered > 0 || graph.nodes.isEmpty else {
            throw PluginError(
                .unavailable, reason: "task.all-failed",
                "All functions failed. The last said: \(missing.lastMessage)")
        }
        var report = JSONObject([
            ("functions", .integer(Int64(graph.nodes.count))),
            ("answered", .integer(Int64(answered))),
            ("busy_seconds", .number(Double(busyNanoseconds) / 1e9)),
        ])
        missing.write(to: &report)
        try fold.finish(report: .object(report), into: sink)
    }

    /// The order by rank, and how much of it can run at a time.
    public func explain() -> Explanation {
        guard !task.isEmpty else {
            return Explanation(
                summary: "The inputs are empty: the result is the merge of nothing.", subtasks: 0)
        }
        let total = graph.nodes.reduce(0) { $0 + $1.weight }
        let order = graph.order.map { graph.nodes[$0].name }.joined(separator: ", ")
        var why = ["By rank, the longest path to an end first: \(order)."]
        if graph.criticalPath > 0 {
            why.append(
                "The longest path weighs \(graph.criticalPath) of \(total), so more workers can "
                    + "make it at most \(total / graph.criticalPath) times as fast.")
        }
        return Explanation(
            summary: "\(graph.nodes.count) functions, handed on by name.", why: why,
            subtasks: graph.nodes.count)
    }
}

extension FunctionParallelStrategy {
    private func subtask(_ index: Int) -> Subtask {
        let node = graph.nodes[index]
        let function = configuration.functions[index].function
        var parts: [Part] = []
        var read: Set<Int> = []
        for source in node.sources {
            switch source {
            case .input(let input): parts.append(task.wholeInput(input))
            case .function(let other):
                parts.append(.result(of: UInt64(other)))
                read.insert(other)
            }
        }
        // One that has answered may be forgotten by now; it need not be waited for.
        let after = node.before.filter { !read.contains($0) && standings[$0] != .answered }
        let spec = SpecBuilder.spec([
            "run": function.run, "needs": function.needs,
            "names": node.parameters.map { .array($0.map { .string($0) }) },
            "after": after.isEmpty ? nil : .array(after.map { .integer(Int64($0)) }),
            "label": .string(node.name), "priority": .number(node.rank),
        ])
        return Subtask(id: UInt64(index), spec: spec, parts: parts)
    }

    private mutating func drop(_ index: Int, into sink: any StrategySink) throws(PluginError) {
        if standings[index] == .underWay { try sink.withdraw(UInt64(index)) }
        if standings[index] != .answered { standings[index] = .missing }
    }

    private mutating func closeIfComplete(into sink: any StrategySink) throws(PluginError) {
        let isComplete = standings.allSatisfy { $0 == .answered || $0 == .missing }
        guard isComplete, closing == nil,
            let subtask = try fold.closingSubtask(id: UInt64(graph.nodes.count))
        else { return }
        closing = subtask.id
        try sink.subtask(subtask)
    }
}
