import FanfoldJSON
import Foundation
import Testing

/// Queues, quotas, priorities and pauses through the built program.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .enabled(if: Fanfold.has("curl"), "curl is missing: THE API OF SERVE WAS NOT ASKED"),
    .serialized, .timeLimit(.minutes(5)))
struct SharingServeTests {
    @Test func `two queues of weights 3 and 1 share a full pool three to one`() async throws {
        let pool = try await Pool(workers: 4, "big: { weight: 3 }", "small: { weight: 1 }")
        let big = try await pool.submit(Work(items: 400, seconds: 0.25, queue: "big"))
        let small = try await pool.submit(Work(items: 400, seconds: 0.25, queue: "small"))
        try await pool.waitUntilHeld(["big": 6, "small": 2])
        let before = try await pool.succeeded([big, small])
        var after = before
        for _ in 0..<400 where after[1] < before[1] + 30 {
            try await Task.sleep(for: .milliseconds(50))
            after = try await pool.succeeded([big, small])
        }
        let ratio = Double(after[0] - before[0]) / Double(after[1] - before[1])
        #expect((2.25...3.75).contains(ratio), "\(before) \(after)")
        try await pool.stop()
    }

    @Test func `what a queue has borrowed goes back when it is wanted, and comes again`()
        async throws
    {
        let pool = try await Pool(
            workers: 4, "owner: { weight: 1 }", "guest: { quota: { cpus: 2, borrow: true } }",
            "strict: { quota: { cpus: 2 } }",
            "lent: { quota: { cpus: 2, borrow: { cpus: 3 } } }")
        let guest = try await pool.submit(Work(items: 400, seconds: 0.3, queue: "guest"))
        try await pool.waitUntilHeld(["guest": 8])
        #expect(try await pool.queue("guest")["borrowed"]?["milli_cores"] == 6_000)
        let owner = try await pool.submit(Work(items: 400, seconds: 0.3, queue: "owner"))
        try await pool.waitUntilHeld(["guest": 2, "owner": 6])
        #expect(try await pool.queue("guest")["borrowed"]?["milli_cores"] == 0)
        try await pool.run(["cancel", owner])
        try await pool.waitUntilHeld(["guest": 8, "owner": 0])
        try await pool.run(["cancel", guest])

        let strict = try await pool.submit(Work(items: 40, seconds: 1, queue: "strict"))
        try await pool.waitUntilHeld(["strict": 2, "guest": 0])
        #expect(try await pool.why("\(strict)/step/30") == ["waiting-for-quota"])
        for _ in 0..<10 {
            #expect((try await pool.held()["strict"] ?? 0) <= 2)
        }
        try await pool.run(["cancel", strict])

        let lent = try await pool.submit(Work(items: 40, seconds: 1, queue: "lent"))
        try await pool.waitUntilHeld(["lent": 5, "strict": 0])
        #expect(try await pool.why("\(lent)/step/30") == ["waiting-for-quota"])
        let why = try await pool.run(["why", "\(lent)/step/30"])
        #expect(
            why.contains("holds 5 cores of 2 cores and the 3 cores that it may borrow"),
            "\(why)")
        try await pool.stop()
    }

    @Test func `ten points of priority end the attempt with the least work, and nothing is lost`()
        async throws
    {
        let pool = try await Pool(workers: 2)
        let old = try await pool.submit(Work(items: 2, seconds: 5, priority: -10))
        try await pool.waitUntilHeld(["default": 2])
        try await Task.sleep(for: .seconds(1))
        let young = try await pool.submit(Work(items: 2, seconds: 4, priority: -10))
        try await pool.waitUntilHeld(["default": 4])
        // Nine points wait.
        let patient = try await pool.submit(Work(items: 1, seconds: 0.1, priority: -1))
        #expect(try await pool.why("\(patient)/step/0") == ["waiting-for-capacity"])
        let urgent = try await pool.submit(Work(items: 1, seconds: 0.1, priority: 0))
        try await pool.expectDone(urgent, items: 1)
        #expect(try await pool.succeeded([old]) == [0], "the urgent run waited for another to end")
        #expect(try await pool.attempts(old) == [1, 1])
        #expect(try await pool.attempts(young).sorted().first == 1)
        // No attempt is charged: one is all that a subtask has.
        for (run, items) in [(patient, 1), (old, 2), (young, 2)] {
            try await pool.expectDone(run, items: items)
        }
        #expect(try await pool.attempts(old) == [1, 1])
        let tries = try await pool.attempts(young).sorted()
        #expect(tries.first == 1 && tries.last ?? 0 > 1, "\(tries)")
        try await pool.stop()
    }

    @Test func `SIGHUP has the queues read again, and settings that are wrong change nothing`()
        async throws
    {
        let pool = try await Pool(workers: 2, "a: { weight: 1 }", "b: { weight: 1 }")
        for queue in ["a", "b"] {
            _ = try await pool.submit(Work(items: 400, seconds: 0.3, queue: queue))
        }
        try await pool.waitUntilHeld(["a": 2, "b": 2])
        try await pool.reload("queues: default, a, c", "a: { weight: 3 }", "c: { weight: 7 }")
        #expect(try await pool.queue("a")["weight"] == 3)
        #expect(try await pool.queue("b")["is_configured"] == false)
        try await pool.waitUntilHeld(["a": 3, "b": 1])
        let refused = try await pool.coordinator.run([
            "submit", try Work(items: 1, seconds: 0, queue: "b").file(),
        ])
        #expect(refused.code == 2 && refused.errors.contains("default, a, c"), "\(refused.errors)")
        try await pool.reload("the queues stay as they were", "a: { weight: 0 }")
        #expect(try await pool.queue("a")["weight"] == 3)
        try await pool.stop()
    }

    @Test func `a queue with users takes runs of them and of admins, and says so to others`()
        async throws
    {
        let pool = try await Pool(workers: 1, "team: { users: [alice] }")
        func token(_ name: String) async throws -> String {
            try await pool.run(["token", "create", "--role", "submit", "--name", name])
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let (alice, carol) = (try await token("alice"), try await token("carol"))
        func submit(_ token: String?, _ path: String = "/api/v1/runs") async throws
            -> Coordinator.Answer
        {
            let pipeline: JSON = [
                "fanfold": 1, "inputs": ["n": ["range": 1]],
                "tasks": ["step": ["input": "${inputs.n}", "run": ["command": ["false"]]]],
            ]
            return try await pool.coordinator.ask(
                path, "POST", body: ["pipeline": pipeline, "queue": "team"], token: token)
        }
        let taken = try await submit(alice)
        #expect(taken.status == 201)
        #expect(try await submit(nil).status == 201)
        let plan = try await submit(carol, "/api/v1/plan")
        for refused in [try await submit(carol), plan] {
            #expect(refused.status == 403)
            #expect(refused.json["code"] == "forbidden")
            let detail = refused.json["detail"]?.stringValue ?? ""
            #expect(detail.hasPrefix("queue team is for alice and admins"), "\(detail)")
            #expect(detail.contains("\"carol\""))
        }
        // Who may not use it may not repeat what is there under his own name either.
        let run = taken.json["id"]?.integerValue ?? 0
        _ = try await pool.coordinator.run(["wait", "\(run)"])
        let again = "/api/v1/runs/\(run)/retry"
        #expect(try await pool.coordinator.ask(again, "POST", token: carol).status == 403)
        #expect(try await pool.coordinator.ask(again, "POST", token: alice).status == 201)
        #expect(try await pool.queue("team")["users"] == ["alice"])
        #expect(try await pool.run(["queues"]).contains("queue team is for alice, admins"))

        try await pool.reload("queues: default, team", "team: { users: [carol] }")
        #expect(try await submit(carol).status == 201)
        #expect(try await submit(alice).status == 403)
        try await pool.stop()
    }

    @Test func `a worker is described with what runs on it, and drained, and gone`() async throws {
        let pool = try await Pool(workers: 1)
        let run = try await pool.submit(Work(items: 3, seconds: 60))
        try await pool.waitUntilHeld(["default": 2])
        let account = try await pool.coordinator.ask("/api/v1/workers/0").json
        #expect(account["is_connected"] == true && account["trust"] == "trusted")
        #expect(account["free"]?["milli_cores"] == 0)
        let attempts = account["attempts"]?.arrayValue ?? []
        #expect(attempts.filter { $0["status"] == "running" }.count == 2)
        #expect(attempts.first?["run"]?.integerValue == Int64(run))
        #expect(attempts.first?["task"] == "step" && attempts.first?["attempt"] == 1)
        #expect(attempts.first?["reserved"]?["milli_cores"] == 1_000)
        #expect(attempts.first?["since"] != nil)
        let shown = try await pool.run(["describe", "worker", "w0"])
        #expect(shown.contains("worker 0 (w0): active"), "\(shown)")
        try await pool.run(["drain", "w0"])
        let draining = try await pool.run(["describe", "worker", "w0"])
        #expect(draining.contains("it gets nothing new, and goes when"), "\(draining)")
        try await pool.run(["cancel", run])
        for _ in 0..<200 {
            let status = try await pool.run([
                "describe", "worker", "0", "--output", "quiet",
            ])
            if status == "lost" { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        let gone = try await pool.run(["describe", "worker", "w0"])
        #expect(gone.hasPrefix("worker 0 (w0): lost"), "\(gone)")
        try await pool.stop()
    }

    @Test func `why gives the reason of each that waits, and a pause holds until it is ended`()
        async throws
    {
        let pool = try await Pool(
            workers: 1, "strict: { quota: { cpus: 1 } }", "tiny: { quota: { memory: 64MiB } }")
        let strict = try await pool.submit(Work(items: 3, seconds: 60, queue: "strict"))
        try await pool.waitUntilHeld(["strict": 1])
        let after = """
              after:
                input: ${tasks.step.output}
                strategy: { use: data-parallel, with: { shards: 1, merge: concat } }
                run: { command: [cat], stdin: lines, stdout: lines }
            """
        let usual = try await pool.submit(Work(items: 4, seconds: 60, after: after))
        try await pool.waitUntilHeld(["default": 1])
        let tiny = try await pool.submit(
            Work(items: 1, seconds: 0, queue: "tiny", needs: "memory: 128MiB"))
        let huge = try await pool.submit(Work(items: 1, seconds: 0, needs: "cpus: 64"))
        let labelled = try await pool.submit(
            Work(items: 1, seconds: 0, needs: "cpus: 1, labels: { tier: gold }"))
        for (subject, code) in [
            ("\(strict)/step/2", "waiting-for-quota"), ("\(usual)/step/3", "waiting-for-capacity"),
            ("\(tiny)/step/0", "exceeds-quota"), ("\(huge)/step/0", "exceeds-max-worker"),
            ("\(labelled)/step/0", "no-worker-type"), ("\(usual)/after", "dependency-waiting"),
        ] {
            #expect(try await pool.why(subject) == [code], "\(subject)")
        }

        try await pool.run(["pause", "--queue", "tiny"])
        #expect(try await pool.why("\(tiny)/step/0") == ["paused"])
        try await pool.run(["resume", "--queue", "tiny"])
        #expect(try await pool.why("\(tiny)/step/0") == ["exceeds-quota"])
        try await pool.run(["pause", usual])
        #expect(try await pool.why("\(usual)/step/3") == ["paused"])
        try await pool.run(["resume", usual])
        #expect(try await pool.why("\(usual)/step/3") == ["waiting-for-capacity"])

        // Nothing of a paused queue begins, though there is room.
        try await pool.run(["pause", "--queue", "default"])
        try await pool.run(["cancel", strict])
        #expect(try await pool.why("\(strict)/step/2") == ["deactivated"])
        try await pool.waitUntilHeld(["strict": 0, "default": 1])
        try await pool.run(["resume", "--queue", "default"])
        try await pool.waitUntilHeld(["default": 2])
        try await pool.stop()
    }
}

/// A run of one task, whose subtasks sleep and give their numbers back.
private struct Work {
    var items: Int
    var seconds: Double
    var queue = "default"
    var priority = 0
    var needs = "cpus: 1, memory: 1MiB"
    /// A further task.
    var after = ""

    /// The pipeline's file.
    func file() throws -> String {
        try Fanfold.pipeline(
            """
            fanfold: 1
            name: sharing
            queue: \(queue)
            priority: \(priority)
            inputs: { n: { range: \(items) } }
            tasks:
              step:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 }, merge: concat } }
                run: { command: [sh, -c, 'sleep \(seconds); cat'], stdin: lines, stdout: lines }
                needs: { \(needs) }
                retry: { attempts: 1 }
            \(after)
            outputs: { all: { from: "${tasks.step.output}" } }
            """)
    }
}

/// A coordinator with queues, and workers of two cores each.
private final class Pool {
    let coordinator: Coordinator
    private let settings: URL

    init(workers count: Int, _ queues: String...) async throws {
        settings = try Fanfold.temporaryFolder().appendingPathComponent("fanfold.yaml")
        try Self.write(queues, to: settings)
        coordinator = try await Coordinator(["--config", settings.path])
        let names = (0..<count).map { "w\($0)" }
        for name in names { try coordinator.worker(name) }
        try await coordinator.waitForWorkers(names)
    }

    private static func write(_ queues: [String], to file: URL) throws {
        let lines = queues.isEmpty ? ["queues: {}"] : ["queues:"] + queues.map { "  " + $0 }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    }

    /// Replaces the settings, and waits until the coordinator has said `words` about them.
    func reload(_ words: String, _ queues: String...) async throws {
        try Self.write(queues, to: settings)
        coordinator.process.send(SIGHUP)
        for _ in 0..<200 {
            if coordinator.process.errorsSoFar.contains(words) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it never said \"\(words)\": \(coordinator.process.errorsSoFar)")
    }

    /// Runs a client command, which must succeed.
    @discardableResult
    func run(_ arguments: [String]) async throws -> String {
        let finished = try await coordinator.run(arguments)
        try #require(finished.code == 0, "\(arguments): \(finished.errors)")
        return finished.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Hands work in.
    ///
    /// - Returns: The number of its run.
    func submit(_ work: Work) async throws -> String {
        try await run(["submit", try work.file(), "--output", "quiet"])
    }

    func queue(_ name: String) async throws -> JSON {
        try await coordinator.ask("/api/v1/queues/\(name)").json
    }

    /// Slots that each queue holds.
    func held() async throws -> [String: Int64] {
        let listed = try await coordinator.ask("/api/v1/queues").json["queues"]?.arrayValue ?? []
        return listed.reduce(into: [:]) { held, queue in
            held[queue["name"]?.stringValue ?? ""] = queue["running"]?.integerValue
        }
    }

    /// Waits until the queues hold so many slots.
    func waitUntilHeld(_ wanted: [String: Int64]) async throws {
        var last: [String: Int64] = [:]
        for _ in 0..<200 {
            last = try await held()
            if wanted.allSatisfy({ last[$0.key] == $0.value }) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("wanted \(wanted) slots, and there were \(last)")
    }

    /// What of each run has succeeded at one moment.
    func succeeded(_ runs: [String]) async throws -> [Int64] {
        let listed = try await coordinator.ask("/api/v1/runs").json["runs"]?.arrayValue ?? []
        return runs.map { id in
            let run = listed.first { $0["id"]?.integerValue == Int64(id) }
            return run?["succeeded"]?.integerValue ?? 0
        }
    }

    /// How often each subtask of a run was tried.
    func attempts(_ run: String) async throws -> [Int64] {
        let page = try await coordinator.ask("/api/v1/runs/\(run)/tasks/step/subtasks").json
        return (page["subtasks"]?.arrayValue ?? []).map { $0["attempts"]?.integerValue ?? 0 }
    }

    /// Why something waits, once it has been put: the codes of the reasons.
    func why(_ subject: String) async throws -> [String] {
        for _ in 0..<100 {
            let asked = try await coordinator.run(["why", subject, "--output", "quiet"])
            if asked.code == 0 { return asked.text.split(separator: "\n").map(String.init) }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("there never was \(subject)")
        return []
    }

    /// Waits for a run, which must give its numbers in order.
    func expectDone(_ run: String, items: Int) async throws {
        try await self.run(["wait", run])
        let wanted = (0..<items).map { "\($0)" }.joined(separator: "\n")
        #expect(try await self.run(["output", run]) == wanted)
    }

    /// Cancels what goes on and ends everything.
    func stop() async throws {
        try await run(["cancel", "all"])
        try await coordinator.stop()
    }
}
