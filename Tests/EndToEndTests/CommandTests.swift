import FanfoldJSON
import Foundation
import Testing

/// The commands as a stranger meets them: exit codes, help, messages.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct CommandTests {
    static let commands = [
        "run", "validate", "plan", "plugin", "provider", "init", "completion", "doctor", "schema",
        "simulate",
        "bench", "journal", "serve", "worker", "output", "submit", "get", "describe", "wait",
        "logs", "scale", "cost", "why", "cancel", "retry", "drain", "token", "revoke", "top",
        "report", "replay", "eff",
        "history", "queues", "pause", "resume", "pardon",
    ]

    /// Commands below these whose help is kept too.
    static let nested = [
        ["bench", "own"], ["bench", "prediction"], ["bench", "placement"],
        ["bench", "placements"], ["bench", "queues"], ["bench", "spot"],
        ["bench", "autoscale"], ["bench", "scaling"],
        ["history", "export"], ["history", "import"],
        ["history", "list"],
    ]

    /// The broken documents, each wrong in its own way.
    static let broken: [String] = {
        let folder = Fanfold.root.appendingPathComponent("Tests/EndToEndTests/Broken")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test func `a run that succeeds ends with 0 and prints only data`() async throws {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 5 } }
            tasks: { copy: { input: "${inputs.numbers}", run: { command: [cat] } } }
            outputs: { numbers: { from: "${tasks.copy.output}" } }
            """)
        let finished = try await Fanfold.run(["run", path])
        #expect(finished.code == 0)
        #expect(finished.text == "0\n1\n2\n3\n4\n")
    }

    @Test func `a run that fails ends with 1 and says what the program said`() async throws {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 1 } }
            tasks:
              bad:
                input: ${inputs.numbers}
                run: { command: [sh, -c, "echo no such luck >&2; exit 7"], stdin: none }
            """)
        let finished = try await Fanfold.run(["run", path])
        #expect(finished.code == 1)
        #expect(finished.errors.contains("no such luck"))
        #expect(finished.output.isEmpty)
    }

    @Test(arguments: [
        ["frobnicate"], ["run"], ["run", "a.yaml", "--workers", "none"], ["--unknown"],
    ])
    func `wrong usage ends with 2`(_ arguments: [String]) async throws {
        let finished = try await Fanfold.run(arguments)
        #expect(finished.code == 2, "\(finished.errors)")
        #expect(!finished.errors.isEmpty)
    }

    @Test(arguments: ["run", "validate", "plan"])
    func `a pipeline that is not there ends with 3`(_ command: String) async throws {
        let finished = try await Fanfold.run([command, "/nowhere/at-all.yaml"])
        #expect(finished.code == 3, "\(finished.errors)")
        #expect(finished.errors.contains("/nowhere/at-all.yaml"))
    }

    @Test(arguments: broken)
    func `a broken document is refused with place, line and caret`(_ name: String) async throws {
        let path = "Tests/EndToEndTests/Broken/\(name)"
        let finished = try await Fanfold.run(["validate", path])
        #expect(finished.code == 2)
        let said = finished.errors.split(separator: "\n", omittingEmptySubsequences: false)
        let places = said.filter { $0.contains(": error: ") }
        #expect(!places.isEmpty, "\(finished.errors)")
        for place in places {
            let parts = place.split(separator: ":", maxSplits: 4)
            try #require(parts.count > 3, "\(place)")
            #expect(parts[0].hasSuffix(name))
            #expect(Int(parts[1]) != nil && Int(parts[2]) != nil, "\(place)")
        }
        #expect(
            said.contains { line in line.contains("^") && line.allSatisfy { " ^~|".contains($0) } })
    }

    @Test func `there are at least ten broken documents`() {
        #expect(Self.broken.count >= 10)
    }

    @Test(arguments: [[]] + commands.map { [$0] } + nested)
    func `the help is as it was`(_ command: [String]) async throws {
        let finished = try await Fanfold.run(command + ["--help"])
        #expect(finished.code == 0)
        let name = command.isEmpty ? "fanfold" : command.joined(separator: "-")
        let file = Fanfold.root
            .appendingPathComponent("Tests/EndToEndTests/Snapshots/\(name).txt")
        if ProcessInfo.processInfo.environment["FANFOLD_UPDATE_SNAPSHOTS"] != nil {
            try finished.output.write(to: file)
        }
        let kept = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        #expect(
            finished.text == kept,
            "if the change is meant: FANFOLD_UPDATE_SNAPSHOTS=1 swift test --filter 'the help'")
    }

    @Test func `every setting of config/fanfold.yaml loads`() async throws {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 3 } }
            tasks: { count: { input: "${inputs.numbers}", run: { use: noop } } }
            """)
        let finished = try await Fanfold.run(["run", path, "--config", "config/fanfold.yaml"])
        #expect(finished.code == 0, "\(finished.errors)")
    }

    @Test func `one seed gives one transcript in two processes`() async throws {
        let first = try await Fanfold.output(["simulate", "--seed", "7"])
        let second = try await Fanfold.output(["simulate", "--seed", "7"])
        #expect(first == second)
        #expect(!first.isEmpty)
        #expect(try await Fanfold.output(["simulate", "--seed", "8"]) != first)
    }

    @Test func `settings on the command line win over the document`() async throws {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { word: { value: [one] } }
            tasks: { say: { input: "${inputs.word}", run: { command: [cat], stdin: lines } } }
            """)
        let said = try await Fanfold.output(["run", path, "--set", "inputs.word.value=[two]"])
        #expect(String(bytes: said, encoding: .utf8)?.contains("two") == true)
    }
}
