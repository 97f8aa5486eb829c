import FanfoldJSON
import Foundation
import Testing

/// A coordinator and workers as processes of their own, asked over the API.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct ClusterTests {
    /// How much is killed during a run.
    struct Storm: CustomTestStringConvertible {
        var subtasks: Int
        var coordinatorKills: Int
        var workerKills: Int
        /// The command of a subtask, which is given a mark.
        var command: @Sendable (String) -> String = { "sleep 0.02; : \($0); awk '{print $1 * 2}'" }
        /// How long the run may take, in seconds.
        var patience = 300.0

        var testDescription: String {
            "\(subtasks) subtasks, \(coordinatorKills) and \(workerKills) kills"
        }

        /// What `FANFOLD_STORM=100000,10,50` says: subtasks, kills of the coordinator and of workers.
        static let asked: Storm = {
            let said = ProcessInfo.processInfo.environment["FANFOLD_STORM"] ?? ""
            let numbers = said.split(separator: ",").compactMap { Int($0) }
            if numbers.count == 3 {
                return Storm(
                    subtasks: numbers[0], coordinatorKills: numbers[1], workerKills: numbers[2],
                    command: { ": \($0); exec awk '{print $1 * 2}'" }, patience: 3_000)
            }
            let kills = ProcessInfo.processInfo.environment["FANFOLD_KILLS"].flatMap { Int($0) }
            guard let kills, kills >= 100 else {
                return Storm(subtasks: 300, coordinatorKills: 2, workerKills: 2)
            }
            return Storm(subtasks: 10_000, coordinatorKills: kills / 2, workerKills: kills / 2)
        }()

        /// The kills, spread over the run: of the coordinator or not.
        var kills: [Bool] {
            let all = coordinatorKills + workerKills
            return (0..<all).map { place in
                (place + 1) * coordinatorKills / all > place * coordinatorKills / all
            }
        }
    }

    @Test func `what is submitted runs on workers, and its output can be had`() async throws {
        let cluster = try await Cluster(workers: 2)
        let path = try Fanfold.pipeline(cluster.doubling(100, sleep: "0"))
        let submitted = try await cluster.ask(["submit", path, "--follow"])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let wanted = (0..<100).map { "\($0 * 2)\n" }.joined()
        #expect(try await cluster.output("all", of: "last") == wanted)
        try await cluster.stop()
    }

    @Test func `runs beyond those that are kept go, also over a restart`() async throws {
        let cluster = try await Cluster(workers: 1)
        let path = try Fanfold.pipeline(cluster.doubling(2, sleep: "0"))
        for _ in 0..<4 {
            let submitted = try await cluster.ask(["submit", path, "--follow"])
            #expect(submitted.code == 0, "\(submitted.errors)")
        }
        try await cluster.killCoordinator()
        try await cluster.waitUntilReady()
        var listed = ""
        for _ in 0..<100 where listed != "4 3" {
            listed = try await cluster.ask(["get", "--output", "quiet"]).text
                .split(separator: "\n").joined(separator: " ")
        }
        #expect(listed == "4 3")
        #expect(try await cluster.ask(["describe", "1"]).code == 3)
        let runs = cluster.state.appendingPathComponent("runs").path
        var folders: [String] = []
        for _ in 0..<100 where folders != ["3", "4"] {
            folders = try FileManager.default.contentsOfDirectory(atPath: runs).sorted()
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(folders == ["3", "4"])
        try await cluster.stop()
    }

    @Test func `what was decided is gone through once more, and is what snapshots hold`()
        async throws
    {
        let cluster = try await Cluster(workers: 1)
        let path = try Fanfold.pipeline(cluster.doubling(60, sleep: "0"))
        for _ in 0..<2 {
            let submitted = try await cluster.ask(["submit", path, "--follow"])
            #expect(submitted.code == 0, "\(submitted.errors)")
        }
        try await cluster.killCoordinator()
        try await cluster.waitUntilReady()
        let submitted = try await cluster.ask(["submit", path, "--follow"])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await cluster.stop()
        let state = cluster.state.path
        let replayed = try await Fanfold.run(["replay", state, "--check"])
        #expect(replayed.code == 0, "\(replayed.errors)")
        #expect(replayed.text.contains("run 3 (doubling) completed"), "\(replayed.text)")
        #expect(replayed.text.contains("holds the same"), "\(replayed.text.suffix(200))")

        let one = try await Fanfold.run([
            "replay", state + "/journal", "--run", "3", "--output", "json",
        ])
        let steps = try one.text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        #expect(steps.allSatisfy { $0["runs"]?.arrayValue?.contains(3) ?? false })
        let last = steps.last { !($0["decisions"]?.arrayValue ?? []).isEmpty }
        #expect(last?["decisions"]?.arrayValue?.last == "run 3 (doubling) completed")
        let numbers = steps.compactMap { $0["record"]?.integerValue }
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
    }

    @Test(.timeLimit(.minutes(60)), arguments: [Storm.asked])
    func `a coordinator and workers that are killed cost time and nothing else`(
        _ storm: Storm
    ) async throws {
        var plan = Cluster.Plan()
        // All records are kept, so that the results that were taken can be counted in them.
        plan.snapshotAfter = "16GiB"
        let cluster = try await Cluster(workers: 2, plan)
        let began = Date()
        try await cluster.submit(
            Cluster.doubling(2 * storm.subtasks, perSubtask: 2, storm.command(cluster.mark)))
        var killed = (coordinator: 0, workers: 0)
        for (place, isCoordinator) in storm.kills.enumerated() {
            try await reach(
                storm.subtasks * (place + 1) / (storm.kills.count + 1), on: cluster,
                before: began.addingTimeInterval(storm.patience))
            if isCoordinator {
                try await cluster.killCoordinator()
                killed.coordinator += 1
            } else {
                try await cluster.killWorker(killed.workers)
                killed.workers += 1
            }
        }
        try await cluster.waitUntilReady()
        try await cluster.expectDoubled(2 * storm.subtasks, seconds: storm.patience)
        let seconds = Int(Date().timeIntervalSince(began))
        print(
            "\(storm.subtasks) subtasks in \(seconds) s, \(killed.coordinator) coordinators and "
                + "\(killed.workers) workers killed")
        #expect(killed == (storm.coordinatorKills, storm.workerKills))
        try await cluster.stop()
        let told = try await ToldResults(
            journal: cluster.state.appendingPathComponent("journal").path)
        told.expectOnce(storm.subtasks)
    }

    /// Waits until so many subtasks of the last run have succeeded.
    private func reach(_ subtasks: Int, on cluster: Cluster, before end: Date) async throws {
        while Date() < end {
            let asked = try await cluster.ask(["get", "last", "--output", "json"])
            let object = try? JSONSerialization.jsonObject(with: asked.output) as? [String: Any]
            let run = (object?["runs"] as? [[String: Any]])?.first
            if asked.code == 0, run?["succeeded"] as? Int ?? 0 >= subtasks { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the run never had \(subtasks) results")
    }

    @Test func `a join string is good once, and the certificate after it for good`() async throws {
        let cluster = try await Cluster(workers: 0, usesTLS: true)
        let made = try await cluster.ask([
            "token", "create", "--role", "worker", "--output", "quiet",
        ])
        let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(string.hasPrefix("fanfold-join:"), "\(made.text) \(made.errors)")
        let first = try cluster.join("a", string)
        try await cluster.waitForWorkers(1)

        let second = try await cluster.join("b", string).finish(within: 30)
        #expect(second.code == 2)
        #expect(second.errors.contains("did not let this worker in"), "\(second.errors)")

        // A drained worker goes; with its certificate it comes back.
        first.send(SIGTERM)
        #expect(try await first.finish(within: 30).code == 0)
        try await cluster.waitForWorkers(0)
        let again = try cluster.join("a", "127.0.0.1:\(cluster.wire)")
        try await cluster.waitForWorkers(1)
        let path = try Fanfold.pipeline(cluster.doubling(20, sleep: "0"))
        let submitted = try await cluster.ask(["submit", path, "--follow"])
        #expect(submitted.code == 0, "\(submitted.errors)")
        again.send(SIGTERM)
        _ = try await again.finish(within: 30)
        try await cluster.stop()
    }

    @Test func `nobody comes in without the token`() async throws {
        let cluster = try await Cluster(workers: 0)
        let wrong = try Fanfold.temporaryFolder().appendingPathComponent("token")
        try Data(repeating: 7, count: 32).write(to: wrong)
        let worker = try Child([
            Fanfold.program, "worker", "--join", "127.0.0.1:\(cluster.wire)", "--token-file",
            wrong.path, "--state", try Fanfold.temporaryFolder().appendingPathComponent("w").path,
        ])
        let finished = try await worker.finish(within: 30)
        #expect(finished.errors.contains("not"), "\(finished.errors)")
        let listed = try await cluster.ask(["get", "workers", "--output", "quiet"])
        #expect(listed.text.isEmpty, "\(listed.text)")
        try await cluster.stop()
    }
}
