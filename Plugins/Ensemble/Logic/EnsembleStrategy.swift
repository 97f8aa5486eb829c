import FanfoldJSON
import PluginKit
import PluginMerges

/// Gives the whole input to every member, each with a run, needs and weight of its own, and
/// merges what they answer.
public struct EnsembleStrategy: Strategy {
    /// Results up to this many bytes are searched for metrics.
    static let maximumMetricsBytes = 65_536

    private enum Standing {
        case waiting, underWay, answered, failed, withdrawn
    }

    private let task: TaskDescription
    private let configuration: EnsembleConfiguration
    private let names: [String]

    private var fold: Fold
    private var standings: [Standing]
    private var metrics = MemberMetrics()
    private var missing = MissingList()
    private var isDecided = false
    private var closing: UInt64?

    /// Who the strategy is.
    public static let component = ComponentDescription(
        id: "fanfold.ensemble", version: "0.1.0",
        summary: "Gives the same input to several members and merges or votes on their answers.",
        configurationSchema: EnsembleConfiguration.schema)

    /// Takes on a task; refuses two members of one name, and a quorum larger than the ensemble.
    public init(
        task: TaskDescription, configuration: EnsembleConfiguration
    ) throws(PluginError) {
        self.task = task
        self.configuration = configuration
        var names: [String] = []
        for (index, member) in configuration.members.enumerated() {
            let name = member.name.isEmpty ? "member-\(index + 1)" : member.name
            guard !names.contains(name) else {
                throw .configuration(
                    JSONPointer(["members", String(index), "name"]),
                    "Two members are called \"\(name)\"; give every member a name of its own.")
            }
            names.append(name)
            guard member.run != nil || task.run != nil else {
                throw .configuration(
                    JSONPointer(["members", String(index)]),
                    "The member \"\(name)\" has no `run`, and the task has none either.")
            }
        }
        self.names = names
        try Self.checkNumbers(configuration)
        standings = Array(repeating: .waiting, count: names.count)
        let format = PieceFormat(run: configuration.members.first?.run ?? task.run)
        fold = Fold(configuration.merge, .whole, format: format)
    }

    private static func checkNumbers(
        _ configuration: EnsembleConfiguration
    ) throws(PluginError) {
        let count = configuration.members.count
        guard configuration.minMembers <= count else {
            throw .configuration(
                JSONPointer(["min-members"]),
                "min-members is \(configuration.minMembers), and there are \(count) members.")
        }
        if case .first(let k) = configuration.merge, k > count {
            throw .configuration(
                JSONPointer(["merge", "first"]),
                "The merge waits for the first \(k) results, and there are \(count) members.")
        }
    }

    /// Hands out the members in order; none if the input is empty or the outcome is certain.
    public mutating func split(
        want: Int, into sink: any StrategySink
    ) throws(PluginError) -> SplitState {
        guard !task.isEmpty, !isDecided else { return .end }
        var left = want
        for index in names.indices where standings[index] == .waiting {
            guard left > 0 else { return .more }
            left -= 1
            standings[index] = .underWay
            let member = configuration.members[index]
            let spec = SpecBuilder.spec([
                "run": member.run, "needs": member.needs, "names": task.inputNames,
                "label": .string(names[index]),
            ])
            try sink.subtask(
                Subtask(id: UInt64(index), spec: spec, parts: task.wholeInputs))
        }
        return .end
    }

    /// Takes in a member's answer, and withdraws the others once they can change nothing.
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
        let member = configuration.members[index]
        let piece = Piece(
            result, index: index, name: names[index],
            format: PieceFormat(run: member.run ?? task.run), weight: member.weight)
        note(piece, result)
        try fold.add(piece, into: sink)
        try settle(into: sink)
    }

    /// Goes on without the member while enough others are left.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict {
        let index = Int(failure.subtask)
        guard standings.indices.contains(index), standings[index] == .underWay else {
            return failure.subtask == closing ? .failTask : .skip
        }
        standings[index] = .failed
        missing.add(JSONObject([("member", .string(names[index]))]), because: failure.error)
        let possible = standings.filter { $0 != .failed }.count
        guard possible >= needed, configuration.merge.algebra.partialOK else {
            try withdrawRest(into: sink)
            return .failTask
        }
        try fold.miss(index, into: sink)
        try settle(into: sink)
        return .skip
    }

    /// Puts the merged answer, with agreement, metrics and missing members in the report.
    public mutating func finish(into sink: any StrategySink) throws(PluginError) {
        let answered = standings.filter { $0 == .answered }.count
        guard task.isEmpty || answered >= needed else {
            throw PluginError(
                .unavailable, reason: "ensemble.members",
                "\(answered) of \(names.count) members answered, \(needed) are needed. The last "
                    + "failure said: \(missing.lastMessage)")
        }
        var report = JSONObject([
            ("members", .integer(Int64(names.count))), ("answered", .integer(Int64(answered))),
        ])
        let withdrawn = names.indices.filter { standings[$0] == .withdrawn }
        if !withdrawn.isEmpty {
            report["withdrawn"] = .array(withdrawn.map { .string(names[$0]) })
        }
        missing.write(to: &report)
        report["metrics"] = metrics.report
        try fold.finish(report: .object(report), into: sink)
    }

    /// Who the members are, and when the rest of them is withdrawn.
    public func explain() -> Explanation {
        guard !task.isEmpty else {
            return Explanation(
                summary: "The input is empty: the result is the merge of nothing.", subtasks: 0)
        }
        var why = ["The answers are merged by \(configuration.merge.name)."]
        if configuration.quorum, canDecideEarly {
            why.append("Members that can change nothing any more are withdrawn.")
        }
        why.append("At least \(needed) of \(names.count) members must answer.")
        return Explanation(
            summary: "The whole input goes to \(names.count) members: "
                + names.joined(separator: ", ") + ".", why: why, subtasks: names.count)
    }
}

extension EnsembleStrategy {
    private var needed: Int {
        if case .first(let k) = configuration.merge { return max(k, configuration.minMembers) }
        return configuration.minMembers
    }

    private var canDecideEarly: Bool {
        switch configuration.merge {
        case .vote, .first: true
        default: false
        }
    }

    private mutating func note(_ piece: Piece, _ result: SubtaskResult) {
        metrics.add(
            "ran_seconds", Double(result.ranNanoseconds) / 1e9, member: piece.name,
            index: piece.index)
        if piece.format == .json, piece.blob.count <= Self.maximumMetricsBytes,
            let value = try? piece.blob.json()
        {
            metrics.add(result: value, member: piece.name, index: piece.index)
        }
    }

    /// Ends early if the outcome is certain, or runs the second level once all are in.
    private mutating func settle(into sink: any StrategySink) throws(PluginError) {
        let open = standings.indices.filter {
            standings[$0] == .waiting || standings[$0] == .underWay
        }
        let answered = standings.filter { $0 == .answered }.count
        if configuration.quorum, !open.isEmpty, answered >= needed,
            fold.isDecided(remaining: open.map { configuration.members[$0].weight })
        {
            try withdrawRest(into: sink)
        } else if open.isEmpty, closing == nil {
            let id = UInt64(names.count)
            if let subtask = try fold.closingSubtask(id: id) {
                closing = id
                try sink.subtask(subtask)
            }
        }
    }

    private mutating func withdrawRest(into sink: any StrategySink) throws(PluginError) {
        isDecided = true
        for index in standings.indices {
            if standings[index] == .underWay { try sink.withdraw(UInt64(index)) }
            if standings[index] == .underWay || standings[index] == .waiting {
                standings[index] = .withdrawn
            }
        }
    }
}
