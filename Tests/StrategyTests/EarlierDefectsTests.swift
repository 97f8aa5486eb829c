import DataParallelLogic
import EnsembleLogic
import FanfoldJSON
import FunctionParallelLogic
import ModelParallelLogic
import PipelineParallelLogic
import PluginKit
import PluginMerges
import Testing

/// What earlier systems of this kind got wrong: each defect is a test that would have caught it.
@Suite struct EarlierDefectsTests {
    private let rows = TestInput(name: "rows", items: (0..<20).map { "\($0)" })
    private let broken = PluginError(.unavailable, reason: "exit.1", "it broke")

    private func data(
        _ text: String, run: JSON = lines, execute: @escaping (Call) -> String
    ) throws -> Player<DataParallelStrategy> {
        Player(run: run, configuration: try configured(text), inputs: [rows], execute: execute)
    }

    private func ensemble(
        _ members: String, _ more: String, execute: @escaping (Call) -> String
    ) throws -> Player<EnsembleStrategy> {
        Player(
            configuration: try configured(#"{"members": [\#(members)]\#(more)}"#),
            inputs: [rows], execute: execute)
    }

    @Test func `item order lost after a split`() throws {
        for arrival in 0..<50 {
            let player = try data(#"{"size": {"items": 3}}"#) { $0.parts[0] }
            let played = try player.play(arrival: UInt64(arrival))
            #expect(played.output == rows.items.map { $0 + "\n" }.joined())
            #expect(played.streamed > 0, "concat is streamed")
        }
    }

    @Test func `a mean folded pairwise`() throws {
        #expect(try merged(.mean, ["10", "20", "60"]) == "30.0")
    }

    @Test func `unweighted means over unequal shards`() throws {
        let player = try data(#"{"size": {"items": 7}, "merge": "mean"}"#, run: json) { call in
            let numbers = call.lines.compactMap(Double.init)
            return "\(numbers.reduce(0, +) / Double(numbers.count))"
        }
        #expect(try player.play().output == "9.5")
    }

    @Test func `all members of an ensemble run with the last one's configuration`() throws {
        let members =
            #"{"run": \#(run("a"))}, {"run": \#(run("b")), "needs": {"cpus": 2}}, {"run": \#(run("c"))}"#
        let player = try ensemble(members, #", "merge": "dictionary""#) { program($0) + "\n" }
        let played = try player.play(arrival: 3)
        #expect(
            played.output == #"{"member-1":["a"],"member-2":["b"],"member-3":["c"]}"#)
        #expect(played.subtasks.filter { $0.spec["needs"] == ["cpus": 2] }.map(\.id) == [1])
    }

    @Test func `results keyed by a name looked up at the wrong level, so all but the last vanish`()
        throws
    {
        let functions = (0..<9).map { #""f\#($0)": {"run": \#(run("f\($0)", "json"))}"# }
        let player = Player<FunctionParallelStrategy>(
            configuration: try configured(
                #"{"functions": {\#(functions.joined(separator: ","))}}"#),
            inputs: [rows], execute: { #""\#(program($0))""# })
        let output = try JSON(parsing: try player.play(arrival: 9).output)
        #expect(output.objectValue?.count == 9)
        #expect(output["f3"] == "f3")
    }

    @Test func `pipeline stages started together with no hand-over`() throws {
        let player = Player<PipelineParallelStrategy>(
            configuration: try configured(
                #"{"stages": [{"run": \#(run("x"))}, {"run": \#(run("y"))}]}"#),
            inputs: [rows],
            execute: { call in call.lines.map { $0 + program(call) + "\n" }.joined() })
        let played = try player.play(arrival: 8)
        #expect(played.output == rows.items.map { $0 + "xy\n" }.joined())
    }

    @Test func `empty input hangs for ever`() throws {
        let empty = TestInput(name: "rows", items: [])
        let never: (Call) -> String = { _ in "must not run" }
        let two = #"{"run": \#(run("x"))}, {"run": \#(run("y"))}"#
        #expect(
            try Player<DataParallelStrategy>(
                configuration: try configured(#"{"merge": "sum"}"#), inputs: [empty],
                execute: never
            ).play().output == "0")
        #expect(
            try Player<ModelParallelStrategy>(
                configuration: try configured(#"{"parts": [\#(two)]}"#), inputs: [empty],
                execute: never
            ).play().output == "")
        #expect(
            try Player<PipelineParallelStrategy>(
                configuration: try configured(#"{"stages": [\#(two)]}"#), inputs: [empty],
                execute: never
            ).play().output == "")
        #expect(
            try Player<EnsembleStrategy>(
                configuration: try configured(#"{"members": [\#(two)], "merge": "average"}"#),
                inputs: [empty], execute: never
            ).play().output == "null")
        #expect(
            try Player<FunctionParallelStrategy>(
                configuration: try configured(#"{"functions": {"f": {"run": \#(run("x"))}}}"#),
                inputs: [empty], execute: never
            ).play().output == "{}")
    }

    @Test func `a result that arrives before the assignment is recorded hangs`() throws {
        // The host stops taking subtasks in the middle of a split; those it has may end at once.
        final class FullSink: StrategySink {
            var taken: [UInt64] = []
            var outputs = 0
            func subtask(_ subtask: Subtask) throws(PluginError) {
                taken.append(subtask.id)
                throw PluginError(.cancelled, reason: "test.full", "full")
            }
            func withdraw(_ id: UInt64) {}
            func output(_ output: Output) { outputs += output.parts.count }
        }
        var strategy = try DataParallelStrategy(
            task: TaskDescription(name: "t", run: lines, inputs: [rows.description]),
            configuration: try configured(#"{"shards": 2}"#))
        let sink = FullSink()
        #expect(throws: PluginError.self) { try strategy.split(want: 2, into: sink) }
        try strategy.onResult(
            SubtaskResult(subtask: 0, parts: [Blob(Array("x\n".utf8))]), into: sink)
        #expect(sink.taken == [0] && sink.outputs == 1)
    }

    @Test func `all subtasks failed reported as completed`() throws {
        let player = try data(#"{"shards": 4}"#) { _ in "" }
        player.fails = { [broken] _ in broken }
        #expect(try player.play().failed?.reason == "task.all-failed")
        let members = try ensemble(
            #"{"run": \#(run("a"))}, {"run": \#(run("b"))}"#, ""
        ) { _ in "" }
        members.fails = player.fails
        #expect(try members.play().failed?.reason == "exit.1")
    }

    @Test func `siblings not cancelled after the deciding failure`() throws {
        var strategy = try EnsembleStrategy(
            task: TaskDescription(name: "t", run: lines, inputs: [rows.description]),
            configuration: try configured(#"{"members": [{}, {}, {}], "min-members": 3}"#))
        let sink = RecordingSink()
        #expect(try strategy.split(want: 9, into: sink) == .end)
        let failure = SubtaskFailure(subtask: 1, attempts: 1, error: broken)
        #expect(try strategy.onFailure(failure, into: sink) == .failTask)
        #expect(sink.withdrawn == [0, 2])
        var model = try ModelParallelStrategy(
            task: TaskDescription(name: "t", run: lines, inputs: [rows.description]),
            configuration: try configured(#"{"parts": [{}, {}, {}]}"#))
        let other = RecordingSink()
        #expect(try model.split(want: 9, into: other) == .end)
        let first = SubtaskFailure(subtask: 0, attempts: 1, error: broken)
        #expect(try model.onFailure(first, into: other) == .failTask)
        #expect(other.withdrawn == [1, 2])
        #expect(try model.split(want: 9, into: other) == .end)
        #expect(other.subtasks.count == 3)
    }

    @Test func `booleans averaged as numbers`() {
        #expect(
            refusal(.average, ["true", "false"]).contains("A boolean is not a number"))
        #expect(refusal(.mean, ["[1, true]"]).contains("at /1: wanted a number, found true"))
    }

    @Test func `ties broken by hash order`() throws {
        for arrival in 0..<40 {
            func vote(_ ties: Merge.Ties, _ texts: [String]) throws -> String {
                try merged(
                    .vote(.init(ties: ties)), texts, reading: .whole, arrival: UInt64(arrival))
            }
            let texts = ["\"pear\"", "\"fig\"", "\"pear\"", "\"fig\"", "\"apple\""]
            #expect(try vote(.firstMember, texts) == "\"pear\"")
            #expect(try vote(.lowest, texts) == "\"fig\"")
            #expect(throws: PluginError.self) { try vote(.error, texts) }
        }
    }

    @Test func `lists zipped to the shortest without a word`() {
        for merge in [Merge.vote(.init()), .average, .sum, .median] {
            let message = refusal(merge, ["[1,2,3]", "[1,2]"], reading: .whole)
            #expect(message.contains("3") && message.contains("2"), "\(merge.name)")
            #expect(message.contains("piece-0") && message.contains("piece-1"), "\(merge.name)")
        }
    }

    @Test func `metrics of the same name overwriting each other`() throws {
        let texts = [
            #"{"throughput": 10, "peak_memory": 7, "loss": 1}"#,
            #"{"throughput": 5, "peak_memory": 9, "loss": 2}"#,
        ]
        let merge = try JSON(
            parsing: #"{"metrics": {"throughput": "sum", "peak_memory": "max"}}"#
        ).decode(Merge.self)
        #expect(
            try merged(merge, texts) == #"{"loss":[1,2],"peak_memory":9,"throughput":15}"#)
    }

    @Test func `bookkeeping that grows with the square of the subtasks`() throws {
        // A hundred thousand subtasks whose results arrive backwards: at any square it never ends.
        let count = 100_000
        var strategy = try DataParallelStrategy(
            task: TaskDescription(
                name: "t", run: lines,
                inputs: [InputDescription(name: "rows", format: "lines", items: count)]),
            configuration: try configured(#"{"size": {"items": 1}}"#))
        let sink = RecordingSink()
        #expect(try strategy.split(want: count, into: sink) == .end)
        for id in (0..<count).reversed() {
            try strategy.onResult(
                SubtaskResult(subtask: UInt64(id), parts: [Blob([UInt8(ascii: "\n")])]), into: sink)
        }
        try strategy.finish(into: sink)
        #expect(sink.outputs.reduce(0) { $0 + $1.parts.count } == count)
        #expect(sink.outputs.allSatisfy { $0.parts.count <= 65_536 })
    }
}
