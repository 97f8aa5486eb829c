import Foundation
import Testing

/// A coordinator and two workers, each on a host of its own, over TLS.
final class HostCluster {
    let hosts: Hosts
    let state: URL
    let coordinator: Child
    private(set) var workers: [Child] = []
    /// Kept until the end: the coordinator copies them when a run is submitted.
    private let files: URL

    init(_ wires: Hosts.Wires = .plain) async throws {
        hosts = try Hosts(wires)
        state = try Fanfold.temporaryFolder()
        files = try Fanfold.temporaryFolder()
        coordinator = try hosts.start(
            hosts.coordinator,
            [Fanfold.program, "serve", "--state", state.path, "--workers", "10.77.9.1:7434"])
        try await waitUntilServed()
        for (index, host) in hosts.workers.enumerated() { try await join(index, host) }
    }

    private func join(_ index: Int, _ host: String) async throws {
        let made = try await ask(["token", "create", "--role", "worker", "--output", "quiet"])
        let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(string.hasPrefix("fanfold-join:10.77.9.1:7434:"), "\(made.errors)")
        workers.append(
            try hosts.start(
                host,
                [
                    Fanfold.program, "worker", "--join", string, "--state",
                    state.appendingPathComponent("worker-\(index)").path, "--name", "w\(index)",
                    "--cpus", "2", "--memory", "1GiB",
                ]))
    }

    private func waitUntilServed() async throws {
        for _ in 0..<400 {
            if try await ask(["get", "workers"]).code == 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the coordinator never answered: \(coordinator.errorsSoFar)")
    }

    /// Runs a client command on the coordinator's host.
    func ask(_ arguments: [String]) async throws -> Finished {
        let token =
            (try? String(contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8))
            ?? ""
        return try await hosts.start(
            hosts.coordinator, [Fanfold.program] + arguments,
            environment: [
                "FANFOLD_ADDRESS": "http://127.0.0.1:7433",
                "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
            ]
        ).finish(within: 120)
    }

    func waitForWorkers(_ count: Int) async throws {
        for _ in 0..<200 {
            let listed = try await ask(["get", "workers"])
            let active = listed.text.split(separator: "\n").filter { $0.contains("active") }
            if active.count == count { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("there never were \(count) workers")
    }

    /// The content of a file.
    private static func content(_ index: Int, _ bytes: Int) -> String {
        "file \(index)\n" + String(repeating: "\(index) ", count: bytes / 4) + "\n"
    }

    /// Submits a pipeline that reads files, which must come from the coordinator.
    func submitFiles(_ count: Int, bytes: Int = 0) async throws {
        for index in 0..<count {
            try Data(Self.content(index, bytes).utf8).write(
                to: files.appendingPathComponent("f\(index).txt"))
        }
        let path = files.appendingPathComponent("pipeline.yaml")
        try Data(
            """
            fanfold: 1
            name: files
            inputs: { texts: { file: "*.txt", format: files } }
            tasks:
              read:
                input: ${inputs.texts}
                strategy: { use: data-parallel, with: { size: { items: 1 }, merge: concat } }
                run: { command: [sh, -c, 'sleep 0.2; read path; test "$${path#\(files.path)}" = "$path" && cat "$path"'], stdin: lines, stdout: lines }
                needs: { cpus: 0.5, memory: 1MiB }
                retry: { attempts: 5 }
            outputs: { all: { from: "${tasks.read.output}" } }
            """.utf8
        ).write(to: path)
        let submitted = try await ask(["submit", path.path])
        try #require(submitted.code == 0, "\(submitted.errors)")
    }

    /// Waits for the run of ``submitFiles(_:bytes:)`` and expects what an undisturbed one gives.
    func expectFiles(_ count: Int, bytes: Int = 0) async throws {
        let waited = try await ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        let output = try await ask(["output", "last"])
        let wanted = (0..<count).sorted { "f\($0).txt" < "f\($1).txt" }
            .map { Self.content($0, bytes) }.joined()
        #expect(output.text == wanted, "\(output.text.count) bytes, \(output.errors)")
    }

    /// Drains the workers and ends the coordinator: nothing is reserved, nothing runs, the journal
    /// is whole.
    func stop() async throws {
        var listed = ""
        for _ in 0..<100 where !Cluster.reservesNothing(listed) {
            listed = try await ask(["get", "workers", "--output", "json"]).text
        }
        #expect(Cluster.reservesNothing(listed), "something is reserved still: \(listed)")
        for worker in workers { worker.send(SIGTERM) }
        for worker in workers { #expect(try await worker.finish(within: 30).code == 0) }
        coordinator.send(SIGTERM)
        #expect(try await coordinator.finish(within: 30).code == 0)
        let verified = try await Fanfold.run([
            "journal", "verify", state.appendingPathComponent("journal").path,
        ])
        #expect(verified.code == 0, "\(verified.text) \(verified.errors)")
        try await Leftovers.expectNone(marked: state.lastPathComponent)
        try? FileManager.default.removeItem(at: files)
    }
}
