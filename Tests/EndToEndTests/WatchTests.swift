import FanfoldJSON
import Foundation
import Testing

/// Commands that look on: --watch, --follow, top, report.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .enabled(if: Fanfold.has("curl"), "curl is missing: NOTHING WAS WATCHED"),
    .serialized, .timeLimit(.minutes(10)))
struct WatchTests {
    @Test func `watch prints a line for each change, also over a restart of the coordinator`()
        async throws
    {
        let coordinator = try await Coordinator()
        let path = try Fanfold.pipeline(ServedAPITests.pipeline(30, command: "sleep 0.2; cat"))
        #expect(try await coordinator.run(["submit", path]).code == 0)
        let watched = try Child(
            [Fanfold.program, "describe", "1", "--watch"], environment: coordinator.environment)
        let listed = try Child(
            [Fanfold.program, "get", "1", "--watch", "--output", "json"],
            environment: coordinator.environment)
        try coordinator.worker("w")
        try await coordinator.waitForWorkers(["w"])
        try await coordinator.restart()
        let finished = try await watched.finish(within: 60)
        #expect(finished.code == 0, "\(finished.errors)")
        let lines = finished.text.split(separator: "\n").map(String.init)
        let states = lines.filter { $0.hasPrefix("run 1 (copy): ") }
        #expect(states.first?.contains(", 0 of") == true, "\(lines)")
        #expect(states.last == "run 1 (copy): completed, 30 of 30 done, 0 failed", "\(lines)")
        #expect(lines.contains { $0.hasPrefix("1/copy: running, ") }, "\(lines)")
        #expect(Set(lines).count == lines.count, "\(lines)")
        let documents = try await listed.finish(within: 30).text.split(separator: "\n")
        let last = try JSON(parsing: String(documents.last ?? ""))
        #expect(documents.count > 1 && last["version"] == 1)
        #expect(last["runs"]?[0]?["status"] == "completed")
        try await coordinator.stop()
    }

    @Test func `who follows sees lines without a terminal, and nothing with quiet`() async throws {
        let coordinator = try await Coordinator()
        try coordinator.worker("w")
        let path = try Fanfold.pipeline(ServedAPITests.pipeline(28, command: "sleep 0.5; cat"))
        let followed = try await coordinator.run(["submit", path, "--follow"])
        #expect(followed.code == 0)
        let line =
            #/run 1: copy: [0-9]+\/[0-9]+\+? done, [0-9]+ running, [0-9.]+\/s(, ETA .*)?, 1 worker/#
        #expect(followed.errors.contains(line), "\(followed.errors)")
        let failing = try Fanfold.pipeline(ServedAPITests.pipeline(1, command: "exit 3"))
        let quiet = try await coordinator.run(["submit", failing, "--follow", "--output", "quiet"])
        #expect(quiet.code == 1 && quiet.text == "2\n" && quiet.errors.isEmpty, "\(quiet)")
        try await coordinator.stop()
    }

    @Test func `top shows workers and runs, the selectors more than one run`() async throws {
        let coordinator = try await Coordinator()
        try coordinator.worker("w")
        try await coordinator.waitForWorkers(["w"])
        let good = try Fanfold.pipeline(ServedAPITests.pipeline(2))
        let bad = try Fanfold.pipeline(ServedAPITests.pipeline(2, command: "exit 3"))
        for path in [good, bad, bad] {
            _ = try await coordinator.run(["submit", path, "--follow"])
        }
        let top = try await coordinator.run(["top"])
        #expect(top.code == 0 && top.text.contains("1 worker, 0 of 2 cores"), "\(top.text)")
        #expect(top.text.contains("0 runs going on") && top.text.contains("completed"))
        let described = try await coordinator.run(["describe", "1-2"])
        #expect(described.text.contains("run 1 (copy): completed"))
        #expect(described.text.contains("run 2 (copy): failed"))
        let states = try await coordinator.run(["describe", "all", "--output", "quiet"])
        #expect(states.text == "failed\nfailed\ncompleted\n")
        let why = try await coordinator.run(["why", "1-2"])
        #expect(
            why.text
                == "run 1:\nit has completed: nothing waits\n\nrun 2:\nit has failed: nothing waits\n"
        )
        let eff = try await coordinator.run(["eff", "1"])
        #expect(
            eff.text.hasPrefix("run 1\ncopy/copy\n  attempts   2\n"), "\(eff.text)\(eff.errors)")
        let asked = try await coordinator.run(["eff", "1", "--output", "quiet"])
        #expect(asked.text.hasPrefix("copy/copy: needs: { cpus: "), "\(asked.text)")
        #expect(try await coordinator.run(["eff", "99"]).code == 3)
        let retried = try await coordinator.run(["retry", "all", "--failed", "--output", "quiet"])
        #expect(retried.text == "4\n5\n", "\(retried.errors)")
        let drained = try await coordinator.run(["drain", "w", "--output", "quiet"])
        #expect(drained.text == "draining\n", "\(drained.errors)")
        #expect(try await coordinator.run(["drain", "nobody"]).code == 3)
        try await coordinator.stop()
    }

    @Test func `a report is one file, in which nothing of a run is markup`() async throws {
        let coordinator = try await Coordinator()
        try coordinator.worker("<script>w</script>")
        let path = try Fanfold.pipeline(
            ServedAPITests.pipeline(3, command: "echo '<b>no & luck</b>' >&2; exit 3"))
        _ = try await coordinator.run(["submit", path, "--follow"])
        let folder = try Fanfold.temporaryFolder()
        let made = try await coordinator.run(["report", "last"], in: folder)
        #expect(made.code == 0 && made.text == "wrote fanfold-run-1.html\n", "\(made.errors)")
        let page = try String(
            contentsOf: folder.appendingPathComponent("fanfold-run-1.html"), encoding: .utf8)
        #expect(page.contains("&lt;b&gt;no &amp; luck&lt;/b&gt;"))
        #expect(page.contains("&lt;script&gt;w&lt;/scr"))
        #expect(!page.contains("<script") && !page.contains("<b>"))
        #expect(!page.contains("src=") && !page.contains("href=") && !page.contains("url("))
        #expect(page.contains("<svg") && page.contains("failed"))
        let shown = try await coordinator.run(["report", "1", "--file", "-"])
        #expect(shown.text == page + "\n")
        #expect(try await coordinator.run(["report", "7"]).code == 3)

        // Of many attempts it shows how busy the workers were, not each of them.
        let many = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { n: { range: 3000 } }
            tasks:
              none:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 } } }
                run: { use: noop }
            """)
        #expect(try await coordinator.run(["submit", many, "--follow"]).code == 0)
        let busy = try await coordinator.run(["report", "last", "--file", "-"]).text
        let bars = busy.components(separatedBy: "<rect").count - 1
        #expect((1...4_000).contains(bars), "\(bars)")
        #expect(busy.contains("how many attempts ran at a time"))
        let ended = try await coordinator.ask(
            "/api/v1/runs/2/tasks/none/subtasks?first=2990&limit=20"
        ).json
        #expect(ended["total"] == 3_000 && ended["subtasks"]?.arrayValue?.count == 10)
        #expect(ended["subtasks"]?[0]?["status"] == "succeeded")
        let listing = "/api/v1/runs/2/tasks/none/attempts"
        let attempts = try await coordinator.ask(listing + "?first=2999&limit=5000").json
        #expect(attempts["total"] == 3_000 && attempts["attempts"]?.arrayValue?.count == 1)
        #expect(try await coordinator.ask(listing + "?limit=5001").status == 400)
        try await coordinator.stop()
    }
}
