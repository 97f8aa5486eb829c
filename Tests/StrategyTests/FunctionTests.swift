import FanfoldJSON
import FunctionParallelLogic
import PluginKit
import PluginMerges
import Testing

@Suite struct FunctionParallelTests {
    private func player(
        _ functions: String, _ more: String = "", items: Int = 1, slots: Int = 2,
        execute: @escaping (Call) -> String = {
            #""\#(program($0))(\#($0.parts.joined(separator: ",")))""#
        }
    ) throws -> Player<FunctionParallelStrategy> {
        Player(
            configuration: try configured(#"{"functions": {\#(functions)}\#(more)}"#),
            inputs: [TestInput(name: "table", items: (0..<items).map { "\($0)" })],
            slots: slots, execute: execute)
    }

    private func function(_ name: String, _ more: String = "") -> String {
        #""\#(name)": {"run": \#(run(name, "json"))\#(more)}"#
    }

    private let diamond = [
        #""a": {"run": \#(run("a", "json"))}"#,
        #""b": {"run": \#(run("b", "json")), "inputs": ["a"], "weight": 5}"#,
        #""c": {"run": \#(run("c", "json")), "inputs": ["a"]}"#,
        #""d": {"run": \#(run("d", "json")), "inputs": {"left": "b", "right": "c"}}"#,
    ].joined(separator: ",")

    @Test func `a mistake in a function is reported where it stands`() throws {
        let text = #"{"functions": {"left": {}, "right": {"after": [[]]}}}"#
        let error = #expect(throws: DecodingError.self) {
            try JSON(parsing: text).decode(FunctionParallelConfiguration.self)
        }
        guard case .typeMismatch(_, let context)? = error else {
            Issue.record("wanted a mismatch of types, found \(String(describing: error))")
            return
        }
        let place = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        #expect(place == ["functions", "right", "after", "0"])
    }

    @Test func `results are handed on by name and put out by name`() throws {
        let expected = #"{"a":1,"b":"a","c":"a","d":{"left":"b","right":"c"}}"#
        for slots in [1, 2, 7] {
            for arrival in 0..<20 {
                let player = try player(diamond, slots: slots) { call in
                    switch program(call) {
                    case "a": "1"
                    case "d": #"{"left":"b","right":"c"}"#
                    default: #""a""#
                    }
                }
                let played = try player.play(arrival: UInt64(arrival))
                #expect(played.failed == nil && played.output == expected)
                let last = try #require(played.subtasks.last)
                #expect(last.spec["names"] == ["left", "right"])
                #expect(last.parts == [#""a""#, #""a""#])
                try player.replay()
            }
        }
    }

    @Test func `the longest path has priority`() throws {
        let strategy = try FunctionParallelStrategy(
            task: try player(diamond).task, configuration: try player(diamond).configuration)
        #expect(strategy.explain().why[0].hasSuffix("a, b, c, d."))
        #expect(strategy.explain().why[1].contains("weighs 7.0 of 8.0"))
    }

    @Test func `chosen outputs come in their order`() throws {
        let played = try player(diamond, #", "outputs": ["c", "a"]"#) { _ in "1" }.play()
        #expect(played.output == #"{"c":1,"a":1}"#)
    }

    @Test func `a circle and unknown names are refused with their place`() throws {
        let cases = [
            (
                function("a", #", "after": ["b"]"#) + "," + function("b", #", "inputs": ["a"]"#),
                "config./functions/a"
            ),
            (function("a", #", "inputs": ["tabel"]"#), "config./functions/a/inputs/0"),
            (function("a", #", "after": ["z"]"#), "config./functions/a/after/0"),
            (function("table"), "config./functions/table"),
        ]
        for (text, reason) in cases {
            let error = #expect(throws: PluginError.self) { try self.player(text).play() }
            #expect(error?.reason == reason)
        }
    }

    @Test func `a function that fails fails the task, an optional one is left out`() throws {
        let broken = PluginError(.unavailable, reason: "exit.1", "no")
        let player = try player(diamond) { _ in "1" }
        player.fails = { program($0) == "b" ? broken : nil }
        #expect(try player.play(arrival: 2).failed?.reason == "exit.1")
        let optional = try self.player(
            function("a") + "," + function("b", #", "optional": true"#)
        ) { _ in "1" }
        optional.fails = player.fails
        let played = try optional.play(arrival: 2)
        #expect(played.output == #"{"a":1}"#)
        #expect(played.report?["missing"]?[0]?["function"] == "b")
    }

    @Test func `an empty input completes at once`() throws {
        let played = try player(diamond, items: 0).play()
        #expect(played.output == "{}" && played.subtasks.isEmpty && played.failed == nil)
    }
}
