import EnsembleLogic
import FanfoldJSON
import PluginKit
import PluginMerges
import Testing

@Suite struct EnsembleTests {
    private func player(
        _ more: String = "", members: [String] = ["a", "b", "c"], stdout: String = "lines",
        items: Int = 2, answer: @escaping (String, Call) -> String
    ) throws -> Player<EnsembleStrategy> {
        let list = members.map { #"{"name": "\#($0)", "run": \#(run($0, stdout))}"# }
        return Player(
            configuration: try configured(
                #"{"members": [\#(list.joined(separator: ","))]\#(more)}"#),
            inputs: [TestInput(name: "rows", items: (0..<items).map { "\($0)" })],
            execute: { answer(program($0), $0) })
    }

    @Test func `members vote item by item, whoever answers first`() throws {
        for arrival in 0..<30 {
            let player = try player { name, _ in name == "b" ? "no\nyes\n" : "yes\nyes\n" }
            let played = try player.play(arrival: UInt64(arrival))
            #expect(played.output == "yes\nyes\n")
            #expect(played.format == "lines")
            try player.replay()
        }
    }

    @Test func `the rest is withdrawn as soon as the outcome cannot change`() throws {
        let player = try player(members: ["a", "b", "c", "d", "e"]) { _, _ in "yes\nno\n" }
        let played = try player.play(arrival: 4)
        #expect(played.subtasks.count == 3)
        #expect(played.report?["withdrawn"]?.arrayValue?.count == 2)
        let all = try self.player(#", "quorum": false"#) { _, _ in "yes\nno\n" }
        #expect(try all.play(arrival: 4).subtasks.count == 3)
    }

    @Test func `a quorum never changes the outcome`() throws {
        for seed in 0..<200 {
            var random = Seeded(state: UInt64(seed))
            let members = ["a", "b", "c", "d", "e"]
            let answers = Dictionary(
                uniqueKeysWithValues: members.map {
                    ($0, "\(["x", "y", "z"].randomElement(using: &random) ?? "")\n")
                })
            for rule in [#""majority""#, #""weighted""#, #"{"threshold": 0.6, "ties": "lowest"}"#] {
                let merge = #", "merge": {"vote": \#(rule)}"#
                let early = try player(merge, members: members) { name, _ in answers[name] ?? "" }
                let full = try player(merge + #", "quorum": false"#, members: members) { name, _ in
                    answers[name] ?? ""
                }
                #expect(
                    try early.play(arrival: UInt64(seed)).output == full.play(arrival: 0).output)
            }
        }
    }

    @Test func `first k of n takes the first k and withdraws the others`() throws {
        let player = try player(#", "merge": {"first": 2}"#) { name, _ in name + "\n" }
        let played = try player.play(arrival: 1)
        #expect(played.subtasks.count == 2 && played.withdrawn.count <= 1)
        #expect(played.output.split(separator: "\n").count == 2)
    }

    @Test func `a missing member is reported, too few fail the task`() throws {
        let broken = PluginError(.unavailable, reason: "exit.1", "no")
        let player = try player(#", "quorum": false"#) { _, _ in "yes\n" }
        player.fails = { $0.id == 1 ? broken : nil }
        let played = try player.play(arrival: 1)
        #expect(played.output == "yes\n")
        #expect(played.report?["missing"]?[0]?["member"] == "b")
        let strict = try self.player(#", "min-members": 3"#) { _, _ in "yes\n" }
        strict.fails = player.fails
        #expect(try strict.play(arrival: 1).failed?.reason == "exit.1")
    }

    @Test func `agreement and metrics are reported by member`() throws {
        let player = try player(
            #", "merge": {"best": {"by": "score"}}"#, stdout: "json"
        ) { name, _ in #"{"score": \#(name == "a" ? 1 : name == "b" ? 3 : 5)}"# }
        let report = try #require(try player.play(arrival: 1).report)
        let score = report["metrics"]?["score"]
        #expect(score?["mean"]?.doubleValue == 3 && score?["min"]?.doubleValue == 1)
        #expect(score?["std"]?.doubleValue == (8.0 / 3).squareRoot())
        #expect(score?["members"] == ["a": 1.0, "b": 3.0, "c": 5.0])
        let vote = try self.player(#", "quorum": false"#) { name, _ in name == "c" ? "n\n" : "y\n" }
        let agreement = try #require(try vote.play().report?["agreement"])
        #expect(agreement["items"] == [.number(2.0 / 3)])
    }

    @Test func `a stack is given all results by name`() throws {
        let player = try player(
            #", "merge": {"stack": {"run": \#(run("meta"))}}"#
        ) { name, call in
            guard name == "meta" else { return name + "\n" }
            return "\(call.spec["names"]?.text ?? "") \(call.parts.joined())"
        }
        for arrival in 0..<10 {
            #expect(
                try player.play(arrival: UInt64(arrival)).output == "[\"a\",\"b\",\"c\"] a\nb\nc\n")
            return
        }
    }

    @Test func `an empty input completes at once`() throws {
        let played = try player(items: 0) { _, _ in "x" }.play()
        #expect(played.output == "null" && played.subtasks.isEmpty && played.failed == nil)
    }
}
