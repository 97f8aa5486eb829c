import DataParallelLogic
import FanfoldJSON
import PluginKit
import PluginMerges
import Testing

@Suite struct DataParallelTests {
    static let primes = [0, 1, 2, 3, 5, 7, 97, 101, 499]
    static let sizes = [
        #"{}"#, #"{"size": {"items": 1}}"#, #"{"size": {"items": 7}}"#,
        #"{"size": {"shards": 5}}"#, #"{"shards": 3}"#, #"{"size": {"bytes": 10}}"#,
    ]

    private func player(
        _ text: String, items: Int, run: JSON = lines,
        execute: @escaping (Call) -> String = { $0.parts[0] }
    ) throws -> Player<DataParallelStrategy> {
        Player(
            run: run, configuration: try configured(text),
            inputs: [TestInput(name: "rows", items: (0..<items).map { "\($0)" })],
            execute: execute)
    }

    @Test(arguments: primes, sizes)
    func `every item is handed out exactly once and stays in order`(
        items: Int, size: String
    ) throws {
        let expected = (0..<items).map { "\($0)\n" }.joined()
        for arrival in 0..<20 {
            let player = try player(size, items: items)
            let played = try player.play(arrival: UInt64(arrival))
            #expect(played.failed == nil)
            #expect(played.output == expected)
            try player.replay()
        }
    }

    @Test func `ten million items are handed out by reference and never listed`() throws {
        for text in [#"{}"#, #"{"size": {"items": 1000}}"#, #"{"shards": 1009}"#] {
            let items = 10_000_000
            let task = TaskDescription(
                name: "big", slots: 8,
                inputs: [InputDescription(name: "rows", format: "lines", items: items)])
            var strategy = try DataParallelStrategy(
                task: task, configuration: try configured(text))
            var next = 0
            var state = SplitState.more
            while state != .end {
                let sink = RecordingSink()
                state = try strategy.split(want: 16, into: sink)
                for subtask in sink.subtasks {
                    guard case .items(0, let from, let count)? = subtask.parts.first else {
                        Issue.record("not by reference")
                        return
                    }
                    #expect(from == next && count > 0)
                    next += count
                    try strategy.onResult(
                        SubtaskResult(
                            subtask: subtask.id, worker: "w", ranNanoseconds: UInt64(count) * 100,
                            parts: []), into: sink)
                }
            }
            #expect(next == items)
        }
    }

    @Test func `slow workers get less than fast ones`() throws {
        var strategy = try DataParallelStrategy(
            task: TaskDescription(
                name: "t", slots: 2,
                inputs: [InputDescription(name: "rows", format: "lines", items: 100_000)]),
            configuration: DataParallelConfiguration())
        let sink = RecordingSink()
        #expect(try strategy.split(want: 2, into: sink) == .more)
        for (id, nanoseconds) in [(0, 4_000_000_000), (1, 1_000_000_000)] {
            try strategy.onResult(
                SubtaskResult(
                    subtask: UInt64(id), worker: "w\(id)", ranNanoseconds: UInt64(nanoseconds),
                    parts: []), into: sink)
        }
        _ = try strategy.split(want: 2, into: sink)
        let counts = sink.subtasks.map { subtask -> Int in
            guard case .items(_, _, let count)? = subtask.parts.first else { return 0 }
            return count
        }
        #expect(counts[0] == 3_125 && counts[1] == 3_125)
        #expect(counts[3] == 4 * counts[2] || abs(counts[3] - 4 * counts[2]) <= 4)
        #expect(counts[2] + counts[3] <= (100_000 - 6_250) / 2 + 2)
    }

    @Test func `the first round probes and does not take all the work`() throws {
        var strategy = try DataParallelStrategy(
            task: TaskDescription(
                name: "t", slots: 4,
                inputs: [InputDescription(name: "rows", format: "lines", items: 64_000)]),
            configuration: DataParallelConfiguration())
        let sink = RecordingSink()
        #expect(try strategy.split(want: 1_000, into: sink) == .wait)
        #expect(sink.subtasks.count == 8)
    }

    @Test func `other inputs go whole to every subtask, by name`() throws {
        let player = Player<DataParallelStrategy>(
            run: lines, configuration: try configured(#"{"over": "rows", "shards": 2}"#),
            inputs: [
                TestInput(name: "words", items: ["a", "b"]),
                TestInput(name: "rows", items: ["1", "2", "3"]),
            ], execute: { $0.parts[1] })
        let played = try player.play()
        #expect(played.output == "1\n2\n3\n")
        #expect(played.subtasks.allSatisfy { $0.parts[0] == "a\nb\n" })
        #expect(played.subtasks.allSatisfy { $0.spec["names"] == ["words", "rows"] })
    }

    @Test func `an unknown input is named together with those there are`() throws {
        let task = TaskDescription(
            name: "t", inputs: [InputDescription(name: "rows", format: "lines", items: 1)])
        let error = #expect(throws: PluginError.self) {
            _ = try DataParallelStrategy(
                task: task, configuration: DataParallelConfiguration(over: "row"))
        }
        #expect(error?.reason == "config./over")
        #expect(error?.message == "There is no input \"row\"; there are: rows.")
    }

    @Test func `a missing slice is left out and reported`() throws {
        let player = try player(#"{"size": {"items": 2}}"#, items: 6)
        player.fails = { $0.id == 1 ? PluginError(.unavailable, reason: "exit.1", "no") : nil }
        for arrival in 0..<10 {
            let again = try self.player(#"{"size": {"items": 2}}"#, items: 6)
            again.fails = player.fails
            let played = try again.play(arrival: UInt64(arrival))
            #expect(played.output == "0\n1\n4\n5\n")
            #expect(played.report?["missing"]?[0]?["from"] == 2)
            #expect(played.report?["missing"]?[0]?["items"] == 2)
        }
    }

    @Test func `a custom merge runs once over all results in order`() throws {
        let text =
            #"{"shards": 3, "merge": {"custom": {"run": {"command": ["wc"], "stdout": "lines"}}}}"#
        for arrival in 0..<20 {
            let player = try player(text, items: 6) { call in
                call.spec["run"] == nil
                    ? call.parts[0] : call.parts.joined(separator: "+") + "\n"
            }
            let played = try player.play(arrival: UInt64(arrival))
            #expect(played.output == "0\n1\n+2\n3\n+4\n5\n\n")
            try player.replay()
        }
        #expect(try player(text, items: 0).play().output == "")
    }

    @Test func `the plan says how many subtasks and why`() throws {
        let task = TaskDescription(
            name: "t", slots: 4,
            inputs: [InputDescription(name: "rows", format: "lines", items: 10)])
        let plan = try DataParallelStrategy(
            task: task, configuration: try configured(#"{"size": {"items": 4}}"#)
        ).explain()
        #expect(plan.summary == "10 items of rows in 3 subtasks on 4 slots.")
        #expect(plan.subtasks == 3)
    }

    @Test func `the schema is JSON`() throws {
        let schema = try JSON(
            parsing: DataParallelStrategy.component.configurationSchema)
        #expect(schema["additionalProperties"] == false)
    }
}
