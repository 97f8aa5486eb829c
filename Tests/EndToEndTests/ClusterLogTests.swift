import Foundation
import Testing

/// What attempts write and say while they run, asked for through the coordinator; and what is left of
/// them when they are cancelled, drained or killed: nothing.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct ClusterLogTests {
    private static func pipeline(_ script: String, items: Int = 1, extra: String = "") -> String {
        """
        fanfold: 1
        name: writer
        inputs: { n: { range: \(items) } }
        tasks:
          write:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 1 } } }
            run: { command: [sh, -c, '\(script)'], stdin: none, stdout: lines }
            needs: { cpus: 0.5, memory: 1MiB }
            \(extra)
        """
    }

    /// Submits a pipeline and waits until what its only subtask wrote first can be read.
    private func start(
        _ cluster: LogCluster, _ script: String, items: Int = 1, until text: String
    ) async throws {
        let path = try Fanfold.pipeline(Self.pipeline(script, items: items))
        let submitted = try await cluster.ask(["submit", path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await wait(for: text, in: cluster)
    }

    private func wait(for text: String, in cluster: LogCluster) async throws {
        var seen = ""
        for _ in 0..<200 {
            seen = try await cluster.ask(["logs", "last"]).text
            if seen.contains(text) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("\(text) never was in the logs: \(seen)")
    }

    @Test func `what runs is read, followed to its end, and read again afterwards`() async throws {
        let cluster = try await LogCluster(workers: 1)
        let gate = try Fanfold.temporaryFolder().appendingPathComponent("gate").path
        try await start(
            cluster,
            "echo first >&2; while [ ! -e \(gate) ]; do sleep 0.05; done; echo second >&2; "
                + "printf \"red\\033[31m\\rback\" >&2",
            until: "first")
        let follow = try cluster.child(["logs", "last", "write/0", "--follow"])
        try await Task.sleep(for: .milliseconds(700))
        FileManager.default.createFile(atPath: gate, contents: nil)
        let followed = try await follow.finish(within: 30)
        #expect(followed.code == 0, "\(followed.errors)")
        #expect(followed.text == "first\nsecond\nred\\u{1b}[31m\nback\n")

        #expect(try await cluster.ask(["wait", "last"]).code == 0)
        let kept = try await cluster.ask(["logs", "last", "write/0", "--tail", "2"])
        #expect(kept.text.hasSuffix("second\nred\\u{1b}[31m\nback\n"), "\(kept.text)")
        #expect(!kept.text.contains("first"))
        // Another process of the worker knows nothing of it.
        try await cluster.killWorker(0)
        try await cluster.waitForWorkers(1)
        let gone = try await cluster.ask(["logs", "last", "write/0"])
        #expect(gone.code == 0)
        #expect(gone.errors.contains("nothing is kept"), "\(gone.text) \(gone.errors)")
        try await cluster.stop()
    }

    @Test func `lines of several say whose they are`() async throws {
        let cluster = try await LogCluster(workers: 2)
        let path = try Fanfold.pipeline(
            Self.pipeline("sleep 1; echo from $FANFOLD_SUBTASK >&2", items: 4))
        #expect(try await cluster.ask(["submit", path]).code == 0)
        let followed = try await cluster.ask(["logs", "last", "--follow"])
        let lines = followed.text.split(separator: "\n").sorted()
        try #require(lines.count == 4, "\(followed.text) \(followed.errors)")
        for index in 0..<4 {
            #expect(lines[index].hasPrefix("write/\(index)@"))
            #expect(lines[index].hasSuffix(": from \(index)"))
        }
        try await cluster.stop()
    }

    @Test func `a program that writes without end keeps nothing from going on`() async throws {
        let cluster = try await LogCluster(workers: 1)
        let gate = try Fanfold.temporaryFolder().appendingPathComponent("gate").path
        try await start(
            cluster, "yes chatter >&2 & while [ ! -e \(gate) ]; do sleep 0.05; done; kill $!",
            until: "chatter")
        // One who follows and takes nothing.
        let slow = try cluster.child(["logs", "last", "--follow"])
        slow.send(SIGSTOP)
        try await Task.sleep(for: .seconds(3))
        let workers = try await cluster.ask(["get", "workers"])
        #expect(workers.text.contains("active"), "\(workers.text)")
        let folder = cluster.state.appendingPathComponent("worker-w0/logs").path
        // Files come and go while they are listed.
        let sizes = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            try? FileManager.default.attributesOfItem(atPath: "\(folder)/\($0)")[.size] as? Int
        }
        #expect(sizes.count <= 3 && sizes.allSatisfy { $0 <= 512 << 10 }, "\(sizes)")
        FileManager.default.createFile(atPath: gate, contents: nil)
        #expect(try await cluster.ask(["wait", "last"], seconds: 30).code == 0)
        slow.send(SIGKILL)
        _ = try await slow.finish(within: 10)
        try await cluster.stop()
    }

    @Test func `a cancelled attempt ends with all that it has started`() async throws {
        let cluster = try await LogCluster(workers: 1)
        let mark = Marked()
        // Neither the program nor what it starts wants to end.
        try await start(
            cluster,
            "trap : TERM INT; (trap \"\" TERM; while :; do sleep \(mark.seconds); done) & "
                + "echo begun >&2; while :; do sleep \(mark.seconds); done",
            until: "begun")
        #expect(try await mark.become { $0 > 1 }, "it never ran")
        #expect(try await cluster.ask(["cancel", "last"]).code == 0)
        #expect(try await mark.become { $0 == 0 }, "something was left")
        #expect(try await cluster.ask(["wait", "last"]).code == 1)
        let workers = try await cluster.ask(["get", "workers"])
        #expect(workers.text.contains("active"), "\(workers.text)")
        try await cluster.stop()
    }

    @Test func `a worker that is killed leaves nothing of what its commands started`() async throws
    {
        let cluster = try await LogCluster(workers: 1)
        let mark = Marked()
        try await start(
            cluster,
            "(trap \"\" TERM HUP; sleep \(mark.seconds) & sleep \(mark.seconds)) & "
                + "echo begun >&2; wait",
            until: "begun")
        #expect(try await mark.become { $0 == 2 }, "it never ran")
        cluster.workers[0].child.send(SIGKILL)
        _ = try await cluster.workers[0].child.finish(within: 10)
        #expect(try await mark.become { $0 == 0 }, "something was left")
        #expect(try await cluster.ask(["cancel", "last"]).code == 0)
        try await cluster.stop()
    }

    @Test func `a drained worker ends what it runs, gives back what it has not begun, and goes`()
        async throws
    {
        let cluster = try await LogCluster(workers: 1)
        let gate = try Fanfold.temporaryFolder().appendingPathComponent("gate").path
        let script =
            "echo begun >&2; while [ ! -e \(gate) ]; do sleep 0.05; done; "
            + "echo $FANFOLD_SUBTASK"
        // Four run at a time, the others are queued on the worker.
        try await start(cluster, script, items: 12, until: "begun")
        #expect(try await cluster.ask(["drain", "0"]).code == 0)
        try await Task.sleep(for: .milliseconds(500))
        FileManager.default.createFile(atPath: gate, contents: nil)
        let ended = try await cluster.workers[0].child.finish(within: 30)
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(ended.errors.contains("drained"), "\(ended.errors)")
        let run = try await cluster.ask(["get", "last", "--output", "json"])
        let left = try JSONSerialization.jsonObject(with: run.output) as? [String: Any]
        let runs = left?["runs"] as? [[String: Any]]
        let done = runs?.first?["succeeded"] as? Int ?? -1
        #expect((1...4).contains(done), "\(run.text)")
        #expect(runs?.first?["failed"] as? Int == 0, "\(run.text)")

        try cluster.startWorker("w1")
        #expect(try await cluster.ask(["wait", "last"]).code == 0)
        let attempts = try await cluster.ask(["get", "last", "--output", "json"])
        #expect(attempts.text.contains("\"succeeded\": 12"), "\(attempts.text)")
        try await cluster.stop()
    }
}

/// Processes that sleep for a time that nobody else sleeps for.
private struct Marked {
    let seconds = "85\(UInt32.random(in: 100...999)).\(getpid())"

    var count: Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.count { process in
            guard Int(process) != nil,
                let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
            else { return false }
            return words.split(separator: 0).map(Array.init) == [
                Array("sleep".utf8), Array(seconds.utf8),
            ]
        }
    }

    /// Waits until the number of them is as wanted.
    func become(_ isWanted: (Int) -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if isWanted(count) { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}
