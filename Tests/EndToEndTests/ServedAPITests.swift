import FanfoldJSON
import Foundation
import Testing

/// The API of `fanfold serve` itself.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .enabled(if: Fanfold.has("curl"), "curl is missing: THE API OF SERVE WAS NOT ASKED"),
    .serialized, .timeLimit(.minutes(20)))
struct ServedAPITests {
    /// Sleeps as the input says, then writes it.
    static func pipeline(_ items: Int, command: String = "cat", attempts: Int = 1) -> String {
        """
        fanfold: 1
        name: copy
        inputs: { n: { range: \(items) } }
        tasks:
          copy:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 1 } } }
            run: { command: [sh, -c, "\(command)"], stdin: lines, stdout: lines }
            needs: { cpus: 1, memory: 1MiB }
            retry: { attempts: \(attempts) }
        outputs: { all: { from: "${tasks.copy.output}" } }
        """
    }

    /// What is fuzzed last: it takes the credential or the worker away that the others need.
    private static let destructive = ["revokeToken", "drainWorker", "revokeWorker"]

    /// Ids that there are, so that what is asked is more than whether there is such a thing.
    private static let known = """
        [parameters]
        "path.run" = 1
        "path.worker" = 0
        "path.output" = "all"
        "path.task" = "copy"
        "path.queue" = "default"

        [[operations]]
        include-path-regex = "^/api/v1/tasks/"
        parameters = { "path.task" = 3 }
        """

    private static func schemathesis(
        _ program: String, _ coordinator: Coordinator, token: String, _ arguments: [String],
        examples: Int
    ) async throws -> Finished {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(known.utf8).write(to: folder.appendingPathComponent("schemathesis.toml"))
        return try await Child(
            [
                program, "run", coordinator.address + "/api/v1/openapi.json",
                "-H", "Authorization: Bearer \(token)", "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,"
                    + "response_schema_conformance,response_headers_conformance,"
                    + "negative_data_rejection,unsupported_method,ignored_auth",
                "--phases", "examples,coverage,fuzzing", "--max-examples", "\(examples)",
                "--seed", "1", "--request-timeout", "30", "--rate-limit", "150/s", "--no-color",
            ] + arguments, in: folder
        ).finish(within: 900)
    }

    @Test(.enabled(if: Fanfold.has("python3"), "python3 is missing: SERVE WAS NOT FUZZED"))
    func `schemathesis finds no 5xx of serve and no answer that is not described`() async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let environment = folder.path + "/environment"
        _ = try await Child(["python3", "-m", "venv", environment]).finish(within: 120)
        let got = try await Child(
            [environment + "/bin/pip", "install", "-q", "schemathesis==4.32.5"]
        ).finish(within: 400)
        guard got.code == 0 else {
            let text = "pip could not get schemathesis: SERVE WAS NOT FUZZED"
            withKnownIssue(Comment(rawValue: text)) { Issue.record(Comment(rawValue: text)) }
            return
        }
        let all = ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] != nil
        let coordinator = try await Coordinator()
        try coordinator.worker("w")
        try await coordinator.waitForWorkers(["w"])
        for command in ["cat", "echo no such luck >&2; exit 3"] {
            let path = try Fanfold.pipeline(Self.pipeline(3, command: command))
            _ = try await coordinator.run(["submit", path, "--follow"])
        }
        let task: JSON = ["task_data": ["items": [1, 2], "command": ["cat"]]]
        #expect(
            try await coordinator.ask("/api/v1/tasks", "POST", body: task).json["task_id"] == "3")
        #expect(try await coordinator.run(["wait", "3"]).code == 0)
        // One that goes on meanwhile.
        let long = try Fanfold.pipeline(Self.pipeline(3, command: "sleep 600"))
        #expect(try await coordinator.run(["submit", long]).code == 0)
        let made = try await coordinator.run(["token", "create", "--role", "admin"])
        let token = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let program = environment + "/bin/schemathesis"
        let excluded = ["watchEvents"] + Self.destructive
        let first = try await Self.schemathesis(
            program, coordinator, token: token,
            excluded.flatMap { ["--exclude-operation-id", $0] }, examples: all ? 200 : 8)
        #expect(first.code == 0, "\(first.text.suffix(8_000))\n\(first.errors)")
        #expect(!first.text.contains("Authentication failed"))
        let last = try await Self.schemathesis(
            program, coordinator, token: token,
            Self.destructive.flatMap { ["--include-operation-id", $0] }, examples: 8)
        #expect(last.code == 0, "\(last.text.suffix(8_000))\n\(last.errors)")
        #expect(try await coordinator.ask("/readyz").status == 200)
        try await coordinator.stop()
    }

    @Test func `an answer is given again after a restart, a secret is not kept`() async throws {
        let coordinator = try await Coordinator()
        let body: JSON = ["pipeline": .string(Self.pipeline(1))]
        let first = try await coordinator.ask("/api/v1/runs", "POST", body: body, key: "k")
        #expect(first.status == 201)
        let cancelled = try await coordinator.ask("/api/v1/runs/1/cancel", "POST", key: "c")
        #expect(cancelled.json["status"] == "cancelled")
        let retried = try await coordinator.ask("/api/v1/runs/1/retry", "POST", key: "r")
        #expect(retried.json["id"] == 2)
        let secret: JSON = ["name": "ci", "role": "read"]
        let token = try await coordinator.ask("/api/v1/tokens", "POST", body: secret, key: "t")
        let text = try #require(token.json["secret"]?.stringValue)

        try await coordinator.restart()
        let again = try await coordinator.ask("/api/v1/runs", "POST", body: body, key: "k")
        #expect(again.status == 201 && again.bytes == first.bytes)
        let retriedAgain = try await coordinator.ask("/api/v1/runs/1/retry", "POST", key: "r")
        #expect(retriedAgain.bytes == retried.bytes)
        let other = try await coordinator.ask("/api/v1/runs/2/retry", "POST", key: "r")
        #expect(other.status == 422 && other.json["code"] == "idempotency-key-reused")
        #expect(try await coordinator.ask("/api/v1/runs").json["total"] == 2)
        let journal = coordinator.state.appendingPathComponent("journal")
        for name in try FileManager.default.contentsOfDirectory(atPath: journal.path) {
            let bytes = (try? Data(contentsOf: journal.appendingPathComponent(name))) ?? Data()
            #expect(bytes.range(of: Data(text.utf8)) == nil, "the secret is in \(name)")
        }
        try await coordinator.stop()
    }

    @Test func `runs that ended long enough ago go by their age`() async throws {
        let coordinator = try await Coordinator(["--keep-for", "1s"])
        try coordinator.worker("w")
        let path = try Fanfold.pipeline(Self.pipeline(1))
        #expect(try await coordinator.run(["submit", path, "--follow"]).code == 0)
        var total: JSON?
        for _ in 0..<200 where total != 0 {
            total = try await coordinator.ask("/api/v1/runs").json["total"]
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(total == 0)
        #expect(try await coordinator.run(["describe", "1"]).code == 3)
        try await coordinator.stop()
        let wrong = try await Fanfold.run(["serve", "--keep-for", "soon"])
        #expect(wrong.code == 2 && wrong.errors.contains("--keep-for"), "\(wrong.errors)")
    }

    @Test func `a plan says what would be done and does nothing`() async throws {
        let coordinator = try await Coordinator()
        try coordinator.worker("w")
        try await coordinator.waitForWorkers(["w"])
        let text = Self.pipeline(6).replacingOccurrences(of: "1MiB", with: "2MiB")
        let body: JSON = ["pipeline": .string(text)]
        let plan = try await coordinator.ask("/api/v1/plan", "POST", body: body)
        #expect(plan.status == 200, "\(plan.json)")
        let task = plan.json["tasks"]?[0]
        #expect(task?["subtasks"] == 6 && task?["more_follow"] == false)
        #expect(task?["memory_bytes"] == ["least": 2_097_152, "most": 2_097_152])
        #expect(task?["placement"]?[0]?["worker"] == "w")
        #expect(task?["placement"]?[0]?["starting"] == 2)
        let path = try Fanfold.pipeline(text)
        let shown = try await coordinator.run(["submit", path, "--plan"])
        #expect(shown.text.hasPrefix("copy on 1 worker\n  w  2 cores, "), "\(shown.errors)")
        #expect(shown.text.contains("place   w: 2 at once, 0 cores stay free"))
        #expect(try await coordinator.ask("/api/v1/runs").json["total"] == 0)
        let wrong = try await coordinator.ask(
            "/api/v1/plan", "POST", body: ["pipeline": ["fanfold": 1, "tusks": [:]]])
        #expect(wrong.status == 422 && wrong.json["errors"]?.arrayValue?.isEmpty == false)
        let runs = coordinator.state.appendingPathComponent("runs").path
        #expect(try FileManager.default.contentsOfDirectory(atPath: runs) == [])
        try await coordinator.stop()
    }

    @Test func `a worker that is revoked is out for good, and its work goes elsewhere`()
        async throws
    {
        let coordinator = try await Coordinator(["--tls"])
        let made = try await coordinator.run([
            "token", "create", "--role", "worker", "--uses", "2", "--output", "quiet",
        ])
        let join = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let bad = try coordinator.worker("bad", join: join)
        try await coordinator.waitForWorkers(["bad"])
        let path = try Fanfold.pipeline(Self.pipeline(12, command: "sleep 1; cat", attempts: 3))
        let submitted = try await coordinator.run(["submit", path, "--output", "quiet"])
        #expect(submitted.text == "1\n", "\(submitted.errors)")
        for _ in 0..<200 {
            let running = try await coordinator.ask("/api/v1/workers").json["workers"]?[0]
            if (running?["running"]?.integerValue ?? 0) > 0 { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        try coordinator.worker("good", join: join)
        try await coordinator.waitForWorkers(["bad", "good"])
        let before = try await coordinator.ask("/api/v1/workers").json["workers"]?[0]
        #expect((before?["running"]?.integerValue ?? 0) > 0, "nothing was running on it")
        let revoked = try await coordinator.run(["revoke", "bad", "--output", "quiet"])
        #expect(revoked.text == "revoked\n", "\(revoked.errors)")
        let ended = try await bad.finish(within: 60)
        #expect(ended.code == 4, "\(ended.errors)")
        let waited = try await coordinator.run(["wait", "1"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        let wanted = (0..<12).map { "\($0)\n" }.joined()
        #expect(try await coordinator.run(["output", "1"]).text == wanted)

        // Its certificate is refused after a restart as well.
        try await coordinator.restart()
        try await coordinator.waitForWorkers(["good"])
        let again = try coordinator.worker("bad", join: "127.0.0.1:\(coordinator.wire)")
        let refused = try await again.finish(within: 60)
        #expect(refused.code == 4 && refused.errors.contains("not"), "\(refused.errors)")
        try await coordinator.waitForWorkers(["good"])
        let listed = try await coordinator.ask("/api/v1/workers?lost=true").json["workers"]
        #expect(listed?.arrayValue?.contains { $0["status"] == "revoked" } == true)
        #expect(try await coordinator.run(["revoke", "nobody"]).code == 3)
        try await coordinator.stop()
    }
}
