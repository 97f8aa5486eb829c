import FanfoldJSON
import ModelParallelLogic
import PipelineParallelLogic
import PluginKit
import PluginMerges
import Testing

/// A run whose name the closure of a test can tell.
func run(_ name: String, _ stdout: String = "lines") -> String {
    #"{"command": ["\#(name)"], "stdout": "\#(stdout)"}"#
}

/// The name that `run(_:)` gave.
func program(_ call: Call) -> String {
    call.spec["run"]?["command"]?[0]?.stringValue ?? "task"
}

@Suite struct ModelParallelTests {
    private func player(items: Int = 2) throws -> Player<ModelParallelStrategy> {
        Player(
            configuration: try configured(
                #"{"parts": [{"name": "a", "run": \#(run("x"))}, {"run": \#(run("y"))}, {"run": \#(run("z"))}]}"#
            ),
            inputs: [TestInput(name: "rows", items: (0..<items).map { "\($0)" })],
            execute: { call in call.lines.map { $0 + program(call) + "\n" }.joined() })
    }

    @Test func `one input flows through all parts in order`() throws {
        for arrival in 0..<20 {
            let player = try player()
            let played = try player.play(arrival: UInt64(arrival))
            #expect(played.output == "0xyz\n1xyz\n")
            #expect(played.subtasks.map(\.id) == [0, 1, 2])
            try player.replay()
        }
    }

    @Test func `a part that fails fails the task and withdraws those behind it`() throws {
        let player = try player()
        player.fails = { $0.id == 1 ? PluginError(.unavailable, reason: "exit.1", "no") : nil }
        let played = try player.play(arrival: 3)
        #expect(played.failed?.reason == "exit.1")
        #expect(!played.subtasks.contains { $0.id == 2 })
    }

    @Test func `an empty input completes at once`() throws {
        let played = try player(items: 0).play()
        #expect(played.failed == nil && played.output == "" && played.subtasks.isEmpty)
    }

    @Test func `layers are cut for the devices and their numbers filled in`() throws {
        let layers = (0..<48).map {
            #"{"name": "l\#($0)", "compute": 1, "parameter_bytes": "1.5GB"}"#
        }
        .joined(separator: ",")
        let text = #"""
            {"layers": [\#(layers)], "devices": [
              {"name": "A", "speed": 4, "memory": "24GB"}, {"name": "B", "memory": "64GB"},
              {"name": "C", "memory": "64GB"}],
             "run": {"command": ["part", "${stage.first}", "${stage.last}", "on-${stage.device}"]}}
            """#
        let task = TaskDescription(
            name: "t", inputs: [InputDescription(name: "rows", format: "lines", items: 1)])
        var strategy = try ModelParallelStrategy(task: task, configuration: try configured(text))
        let sink = RecordingSink()
        #expect(try strategy.split(want: 9, into: sink) == .end)
        let commands = try sink.subtasks.map { try JSON(parsing: $0.spec.bytes)["run"]?["command"] }
        #expect(commands.map { $0?[1] } == ["0", "16", "32"])
        #expect(commands.map { $0?[2] } == ["15", "31", "47"])
        let plan = strategy.explain()
        #expect(plan.stages.count == 3 && plan.subtasks == 3)
        #expect(plan.why.contains { $0.contains("8/20/20") })
    }
}

@Suite struct PipelineParallelTests {
    private func player(
        items: Int, _ more: String = "", slots: Int = 4
    ) throws -> Player<PipelineParallelStrategy> {
        Player(
            configuration: try configured(
                #"{"stages": [{"name": "a", "run": \#(run("x"))}, {"name": "b", "run": \#(run("y"))}, {"name": "c", "run": \#(run("z"))}]\#(more)}"#
            ),
            inputs: [TestInput(name: "rows", items: (0..<items).map { "\($0)" })], slots: slots,
            execute: { call in call.lines.map { $0 + program(call) + "\n" }.joined() })
    }

    @Test(arguments: [0, 1, 2, 3, 13, 97])
    func `every item goes through every stage once, and outputs stay in order`(items: Int) throws {
        let expected = (0..<items).map { "\($0)xyz\n" }.joined()
        for more in ["", #", "micro-batches": {"items": 1}"#, #", "micro-batches": {"count": 5}"#] {
            for arrival in 0..<15 {
                let player = try player(items: items, more)
                let played = try player.play(arrival: UInt64(arrival))
                #expect(played.failed == nil && played.output == expected)
                try player.replay()
            }
        }
    }

    @Test func `stages overlap on different micro-batches`() throws {
        let player = try player(items: 20, #", "micro-batches": {"items": 1}"#)
        var firstEndOfLast: Int?
        var lastStartOfFirst = 0
        for (position, call) in try player.play(arrival: 5).subtasks.enumerated() {
            if call.id % 3 == 2, firstEndOfLast == nil { firstEndOfLast = position }
            if call.id % 3 == 0 { lastStartOfFirst = position }
        }
        #expect(try #require(firstEndOfLast) < lastStartOfFirst)
    }

    @Test func `credits bound what is under way`() throws {
        var strategy = try PipelineParallelStrategy(
            task: TaskDescription(
                name: "t", run: lines,
                inputs: [InputDescription(name: "rows", format: "lines", items: 10_000_000)]),
            configuration: try configured(
                #"{"stages": [{"queue": 1}, {"queue": 0}], "micro-batches": {"items": 1}}"#))
        let sink = RecordingSink()
        #expect(try strategy.split(want: 1_000, into: sink) == .wait)
        #expect(sink.subtasks.count == 3 * 2)
        let specs = try sink.subtasks.map { try JSON(parsing: $0.spec.bytes) }
        #expect(specs[2]["after"] == [0, 1])
        #expect(specs[3]["after"] == [1])
    }

    @Test func `utilisation comes from the measured times`() throws {
        let player = try player(items: 4, #", "micro-batches": {"items": 1}"#)
        player.seconds = { $0.id % 3 == 1 ? 2 : 1 }
        let report = try #require(try player.play(arrival: 2).report)
        // Fill 1 + drain 1 beside 4 micro-batches of 2 s in the slowest stage.
        #expect(report["stages"]?[1]?["utilisation"]?.doubleValue == 0.8)
        #expect(report["stages"]?[0]?["utilisation"]?.doubleValue == 0.4)
        #expect(report["bubble_of_equal_stages"]?.doubleValue == 2.0 / 6)
    }

    @Test func `a stage that fails fails the task`() throws {
        let player = try player(items: 9)
        player.fails = { $0.id == 4 ? PluginError(.unavailable, reason: "exit.1", "no") : nil }
        let played = try player.play(arrival: 1)
        #expect(played.failed?.reason == "exit.1")
        try player.replay()
    }

    @Test func `the plan shows the bubble`() throws {
        let plan = try player(items: 100).task
        let strategy = try PipelineParallelStrategy(
            task: plan, configuration: try player(items: 100).configuration)
        #expect(strategy.explain().summary == "12 micro-batches of 100 items through 3 stages.")
        #expect(strategy.explain().why[0].contains("14.3 %"))
    }
}
