import Foundation
import Testing

/// Merges that are a second run, and messages about data, through the whole program.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct MergeRunTests {
    static let strategies = [
        "{ use: data-parallel, with: { shards: 2, merge: MERGE } }",
        "{ use: pipeline-parallel, with: { micro-batches: { count: 2 }, stages: [{}, {}], merge: MERGE } }",
    ]

    private func output(strategy: String, merge: String) async throws -> String {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 4 } }
            tasks:
              all:
                input: ${inputs.numbers}
                strategy: \(strategy.replacingOccurrences(of: "MERGE", with: merge))
                run: { command: [cat] }
            """)
        let finished = try await Fanfold.run(["run", path])
        try #require(finished.code == 0, "\(finished.errors)")
        return finished.text
    }

    @Test(arguments: strategies)
    func `custom runs once over all results in order`(_ strategy: String) async throws {
        let merge = "{ custom: { run: { command: [tac], stdin: lines, stdout: lines } } }"
        #expect(try await output(strategy: strategy, merge: merge) == "3\n2\n1\n0\n")
    }

    @Test func `a stage that is a noop is told nothing that a noop does not know`() async throws {
        let stages = "[{ run: { use: noop } }, { run: { command: [cat] } }]"
        let strategy =
            "{ use: pipeline-parallel, with: { micro-batches: { count: 2 }, stages: \(stages), merge: MERGE } }"
        #expect(try await output(strategy: strategy, merge: "concat") == "")
    }

    @Test func `custom takes results as arguments`() async throws {
        let merge = "{ custom: { run: { command: [echo, \"${items}\"] } } }"
        #expect(try await output(strategy: Self.strategies[0], merge: merge) == "0 1 2 3\n")
    }

    @Test func `a row that does not fit is named with its file and line`() async throws {
        let folder = try Fanfold.temporaryFolder()
        let file = folder.appendingPathComponent("rows.csv")
        try Data("a,b\n1,2\n3\n".utf8).write(to: file)
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { rows: { file: "\(file.path)" } }
            tasks: { copy: { input: "${inputs.rows}", run: { command: [cat] } } }
            """)
        let finished = try await Fanfold.run(["run", path])
        #expect(finished.code == 2)
        #expect(finished.errors.contains("rows.csv:3: the header has 2 fields, this row has 1"))
    }

    @Test func `output that a full disk does not take fails the run`() async throws {
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 5 } }
            tasks: { copy: { input: "${inputs.numbers}", run: { command: [cat] } } }
            """)
        let command = "exec \(Fanfold.program) run \(path) > /dev/full"
        let finished = try await Child(["/bin/sh", "-c", command])
            .finish(within: 60)
        #expect(finished.code == 1)
        #expect(finished.errors.contains("standard output"))
    }

    @Test func `stack gives all results by the names of the members`() async throws {
        let merge = "{ stack: { run: { command: [cat], stdin: json, stdout: json } } }"
        let strategy =
            "{ use: ensemble, with: { members: [{ name: a }, { name: b }], merge: MERGE } }"
        let text = try await output(strategy: strategy, merge: merge)
        #expect(text == #"{"a":["0","1","2","3"],"b":["0","1","2","3"]}"# + "\n")
    }
}
