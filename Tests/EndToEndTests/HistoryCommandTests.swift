import Foundation
import Testing

/// What attempts used, from one run to the next.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct HistoryCommandTests {
    /// A folder with settings whose state lies in it, and a pipeline that uses some 40 MB.
    private func world(_ needs: String) throws -> (settings: String, pipeline: String) {
        let folder = try Fanfold.temporaryFolder()
        let settings = folder.appendingPathComponent("fanfold.yaml")
        try Data("state: \(folder.path)/state\n".utf8).write(to: settings)
        let pipeline = folder.appendingPathComponent("pipeline.yaml")
        try Data(
            """
            fanfold: 1
            name: demo
            inputs: { numbers: { range: 12 } }
            tasks:
              eat:
                input: "${inputs.numbers}"
                strategy: { use: data-parallel, with: { shards: 12 } }
                run: { command: [sh, -c, "head -c 40000000 /dev/zero | tail -c 39000000 | wc -c"] }
                needs: \(needs)
            """.utf8
        ).write(to: pipeline)
        return (settings.path, pipeline.path)
    }

    @Test func `a second run asks for what the first used, and eff says so`() async throws {
        let (settings, pipeline) = try world("{ auto: { max-memory: 1GiB } }")
        let config = ["--config", settings]
        for _ in 0..<2 {
            let run = try await Fanfold.run(["run", pipeline] + config)
            #expect(run.code == 0, "\(run.errors)")
        }
        let eff = try await Fanfold.run(["eff"] + config)
        #expect(eff.code == 0, "\(eff.errors)")
        #expect(eff.text.contains("demo/eat\n  attempts   12\n"), "\(eff.text)")
        #expect(eff.text.contains("covered"))
        #expect(!eff.text.contains("given 1.0 GiB"), "the cap is not what it needs: \(eff.text)")
        #expect(eff.text.contains("ask for    needs: { cpus: "))
    }

    @Test func `what runs out of memory is tried again with more, below the cap`() async throws {
        let (settings, _) = try world("auto")
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            name: hungry
            inputs: { numbers: { range: 6 } }
            tasks:
              eat:
                input: "${inputs.numbers}"
                strategy: { use: data-parallel, with: { shards: 6 } }
                run:
                  command: [sh, -c, "head -c 1000000 /dev/zero | tail -c 1 | wc -c; \
                    test $FANFOLD_ATTEMPT -ge 3 || { echo MemoryError >&2; exit 1; }"]
                  stdin: none
                needs: { auto: { max-memory: 64MiB } }
            defaults: { needs: { memory: 16MiB } }
            """)
        let run = try await Fanfold.run(["run", path, "--config", settings])
        #expect(run.code == 0, "\(run.errors)")
        let text = try await Fanfold.output(["history", "export", "--config", settings])
        let lines = (String(bytes: text, encoding: .utf8) ?? "").split(separator: "\n")
        #expect(lines.count { $0.contains(",out-of-memory,") } == 12)
        #expect(lines.count { $0.contains(",succeeded,") } == 6)
        // Where the memory is stated it is not tried again: more of the same would not help.
        let stated = try await Fanfold.run([
            "run", path, "--config", settings, "--set", "tasks.eat.needs={memory: 16MiB}",
        ])
        #expect(stated.code == 1)
        #expect(stated.errors.contains("more memory was wanted than there is"))
    }

    @Test func `a history goes out as CSV and comes back elsewhere`() async throws {
        let (settings, pipeline) = try world("{ memory: 512MiB }")
        #expect(try await Fanfold.run(["run", pipeline, "--config", settings]).code == 0)
        let text = try await Fanfold.output(["history", "export", "--config", settings])
        let lines = (String(bytes: text, encoding: .utf8) ?? "").split(separator: "\n")
        #expect(lines.count == 13)
        #expect(lines[0].hasPrefix("class,run,ended_ms,outcome,numbers,words,"))
        let (other, _) = try world("auto")
        let file = other + ".csv"
        try text.write(to: URL(fileURLWithPath: file))
        let added = try await Fanfold.run(["history", "import", file, "--config", other])
        #expect(added.code == 0)
        #expect(added.errors == "12 attempts were added\n")
        let back = try await Fanfold.output(["history", "export", "--config", other])
        #expect(back == text)
        let list = try await Fanfold.output(["history", "list", "--config", other])
        #expect(String(bytes: list, encoding: .utf8)?.hasPrefix("demo/eat: 12 attempts, ") == true)
    }

    @Test func `what is not there, and what is no history, is said with the right exit code`()
        async throws
    {
        let (settings, pipeline) = try world("auto")
        let config = ["--config", settings]
        #expect(try await Fanfold.run(["eff"] + config).code == 3)
        #expect(try await Fanfold.run(["history", "import", "/nowhere.csv"] + config).code == 3)
        let wrong = try await Fanfold.run(["history", "import", pipeline] + config)
        #expect(wrong.code == 2)
        #expect(wrong.errors.contains("line 1: wanted a header with the column `class`"))
    }
}
