import Foundation
import Testing

/// A coordinator and workers as processes of their own, asked over the API.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct ClusterTests {
    /// Coordinator and worker kills of the long test; `FANFOLD_KILLS=100` is for longer.
    static let kills =
        ProcessInfo.processInfo.environment["FANFOLD_KILLS"].flatMap { Int($0) } ?? 4

    /// A coordinator on ports of its own, with its state in a folder of its own.
    private final class Cluster {
        let state: URL
        let api: Int
        let wire: Int
        let usesTLS: Bool
        private(set) var coordinator: Child
        private(set) var workers: [(name: String, child: Child)] = []

        init(workers count: Int, usesTLS: Bool = false) async throws {
            state = try Fanfold.temporaryFolder()
            self.usesTLS = usesTLS
            (api, wire) = (try Self.freePort(), try Self.freePort())
            coordinator = try Self.serve(state, api, wire, usesTLS)
            try await waitUntilReady()
            for index in 0..<count { try startWorker("w\(index)") }
        }

        private static func serve(
            _ state: URL, _ api: Int, _ wire: Int, _ usesTLS: Bool
        ) throws -> Child {
            try Child(
                [
                    Fanfold.program, "serve", "--state", state.path, "--listen",
                    "127.0.0.1:\(api)", "--workers", "127.0.0.1:\(wire)",
                    // So small that snapshots are written, and recovered from, all the time.
                    "--snapshot-after", "2KiB", "--keep-runs", "2",
                ] + (usesTLS ? ["--tls"] : []))
        }

        /// A port that nobody listens on now.
        private static func freePort() throws -> Int {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0
                        && getsockname(descriptor, $0, &length) == 0
                }
            }
            try #require(isBound)
            return Int(UInt16(bigEndian: address.sin_port))
        }

        func startWorker(_ name: String) throws {
            let folder = state.appendingPathComponent("worker-\(name)").path
            let child = try Child([
                Fanfold.program, "worker", "--join", "127.0.0.1:\(wire)", "--token-file",
                state.appendingPathComponent("worker.token").path, "--state", folder, "--name",
                name, "--cpus", "2", "--memory", "1GiB",
            ])
            workers.removeAll { $0.name == name }
            workers.append((name, child))
        }

        /// Starts a worker with a join string, or with the certificate that it has.
        func join(_ name: String, _ entrance: String) throws -> Child {
            try Child([
                Fanfold.program, "worker", "--join", entrance, "--state",
                state.appendingPathComponent("worker-\(name)").path, "--name", name,
            ])
        }

        /// Waits until so many workers are connected.
        func waitForWorkers(_ count: Int) async throws {
            for _ in 0..<200 {
                let listed = try await ask(["get", "workers"])
                let active = listed.text.split(separator: "\n").filter { $0.contains("active") }
                if active.count == count { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("there never were \(count) workers")
        }

        func killCoordinator() async throws {
            coordinator.send(SIGKILL)
            _ = try await coordinator.finish(within: 10)
            coordinator = try Self.serve(state, api, wire, usesTLS)
        }

        func killWorker(_ index: Int) async throws {
            let (name, child) = workers[index % workers.count]
            child.send(SIGKILL)
            _ = try await child.finish(within: 10)
            try startWorker(name)
        }

        func waitUntilReady() async throws {
            for _ in 0..<600 {
                if try await ask(["get", "workers", "--output", "json"]).code == 0 { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            let finished = try await coordinator.finish(within: 1)
            Issue.record("the coordinator never answered: \(finished.errors)")
        }

        /// Runs a client command.
        func ask(_ arguments: [String], seconds: Double = 120) async throws -> Finished {
            let token =
                (try? String(
                    contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)) ?? ""
            return try await Child(
                [Fanfold.program] + arguments,
                environment: [
                    "FANFOLD_ADDRESS": "http://127.0.0.1:\(api)",
                    "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
                ]
            ).finish(within: seconds)
        }

        func output(_ name: String, of run: String) async throws -> String {
            let finished = try await ask(["output", run, name])
            #expect(finished.code == 0, "\(finished.errors)")
            return finished.text
        }

        func stop() async throws {
            for (_, child) in workers { child.send(SIGKILL) }
            coordinator.send(SIGTERM)
            let finished = try await coordinator.finish(within: 30)
            #expect(finished.code == 0, "\(finished.errors)")
            for (_, child) in workers { _ = try await child.finish(within: 10) }
        }
    }

    private static func doubling(_ items: Int, sleep: String) -> String {
        """
        fanfold: 1
        name: doubling
        inputs: { n: { range: \(items) } }
        tasks:
          double:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 2 }, merge: concat } }
            run: { command: [sh, -c, "sleep \(sleep); awk '{print $1 * 2}'"], stdin: lines, stdout: lines }
            needs: { cpus: 0.5, memory: 1MiB }
            retry: { attempts: 5 }
        outputs: { all: { from: "${tasks.double.output}" } }
        """
    }

    @Test func `what is submitted runs on workers, and its output can be had`() async throws {
        let cluster = try await Cluster(workers: 2)
        let path = try Fanfold.pipeline(Self.doubling(100, sleep: "0"))
        let submitted = try await cluster.ask(["submit", path, "--follow"])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let wanted = (0..<100).map { "\($0 * 2)\n" }.joined()
        #expect(try await cluster.output("all", of: "last") == wanted)
        try await cluster.stop()
    }

    @Test func `runs beyond those that are kept go, also over a restart`() async throws {
        let cluster = try await Cluster(workers: 1)
        let path = try Fanfold.pipeline(Self.doubling(2, sleep: "0"))
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

    @Test func `a coordinator and workers that are killed cost time and nothing else`() async throws
    {
        let cluster = try await Cluster(workers: 2)
        let items = Self.kills >= 100 ? 20_000 : 600
        let path = try Fanfold.pipeline(Self.doubling(items, sleep: "0.02"))
        let submitted = try await cluster.ask(["submit", path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        for round in 0..<Self.kills {
            try await Task.sleep(for: .milliseconds(700))
            if round.isMultiple(of: 2) {
                try await cluster.killCoordinator()
            } else {
                try await cluster.killWorker(round / 2)
            }
        }
        try await cluster.waitUntilReady()
        let waited = try await cluster.ask(["wait", "last"], seconds: 300)
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        let wanted = (0..<items).map { "\($0 * 2)\n" }.joined()
        #expect(try await cluster.output("all", of: "last") == wanted)
        try await cluster.stop()
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
        let path = try Fanfold.pipeline(Self.doubling(20, sleep: "0"))
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
