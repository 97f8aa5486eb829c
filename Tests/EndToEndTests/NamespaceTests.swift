import Foundation
import Testing

/// Three hosts as network namespaces: what crosses a network, and what happens when it does not.
@Suite(
    .enabled(
        if: NetworkNamespaces.canBeMade,
        "ip netns add does not work here (iproute2, root): NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct NamespaceTests {
    /// A coordinator's host and two workers' hosts, each with one wire to the first.
    private final class Hosts {
        let coordinator = "fanfold-\(getpid())-c"
        let workers = ["fanfold-\(getpid())-1", "fanfold-\(getpid())-2"]

        init() throws {
            for name in [coordinator] + workers {
                try Self.must(["netns", "add", name])
                try Self.must(["-n", name, "link", "set", "lo", "up"])
            }
            for (index, worker) in workers.enumerated() {
                let (inner, outer) = ("ff\(getpid())a\(index)", "ff\(getpid())b\(index)")
                try Self.must([
                    "link", "add", outer, "netns", coordinator, "type", "veth", "peer", "name",
                    inner, "netns", worker,
                ])
                try Self.must([
                    "-n", coordinator, "address", "add", "10.77.\(index).1/24", "dev", outer,
                ])
                try Self.must([
                    "-n", worker, "address", "add", "10.77.\(index).2/24", "dev", inner,
                ])
                try Self.must(["-n", coordinator, "link", "set", outer, "up"])
                try Self.must(["-n", worker, "link", "set", inner, "up"])
            }
            // One address of the coordinator that both reach.
            try Self.must(["-n", coordinator, "address", "add", "10.77.9.1/32", "dev", "lo"])
            for (index, worker) in workers.enumerated() {
                try Self.must([
                    "-n", worker, "route", "add", "10.77.9.1", "via", "10.77.\(index).1",
                ])
            }
        }

        private static func must(_ arguments: [String]) throws {
            try #require(NetworkNamespaces.ip(arguments), "ip \(arguments.joined(separator: " "))")
        }

        func cut(_ index: Int, _ isCut: Bool) throws {
            try Self.must([
                "-n", workers[index], "link", "set", "ff\(getpid())a\(index)",
                isCut ? "down" : "up",
            ])
            if !isCut {
                try Self.must([
                    "-n", workers[index], "route", "replace", "10.77.9.1", "via",
                    "10.77.\(index).1",
                ])
            }
        }

        func start(
            _ host: String, _ arguments: [String], environment: [String: String] = [:]
        ) throws -> Child {
            try Child(
                ["ip", "netns", "exec", host, Fanfold.program] + arguments,
                environment: environment)
        }

        deinit {
            for name in [coordinator] + workers {
                _ = NetworkNamespaces.ip(["netns", "delete", name])
            }
        }
    }

    /// Commands on the coordinator's host.
    private struct Client {
        let hosts: Hosts
        let state: URL

        func ask(_ arguments: [String]) async throws -> Finished {
            let token =
                (try? String(
                    contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)) ?? ""
            return try await hosts.start(
                hosts.coordinator, arguments,
                environment: [
                    "FANFOLD_ADDRESS": "http://127.0.0.1:7433",
                    "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
                ]
            ).finish(within: 120)
        }

        func waitUntilServed() async throws {
            for _ in 0..<400 {
                if try await ask(["get", "workers"]).code == 0 { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("the coordinator never answered")
        }
    }

    /// Sixty files in a folder, and a pipeline that reads them wherever they are not there.
    private static func filesPipeline() throws -> String {
        let folder = try Fanfold.temporaryFolder()
        for index in 0..<60 {
            try Data("file \(index)\n".utf8).write(
                to: folder.appendingPathComponent("f\(index).txt"))
        }
        let path = folder.appendingPathComponent("pipeline.yaml")
        try Data(
            """
            fanfold: 1
            name: files
            inputs: { texts: { file: "*.txt", format: files } }
            tasks:
              read:
                input: ${inputs.texts}
                strategy: { use: data-parallel, with: { size: { items: 1 }, merge: concat } }
                run: { command: [sh, -c, 'sleep 0.2; read path; test "$${path#\(folder.path)}" = "$path" && cat "$path"'], stdin: lines, stdout: lines }
                needs: { cpus: 0.5, memory: 1MiB }
                retry: { attempts: 5 }
            outputs: { all: { from: "${tasks.read.output}" } }
            """.utf8
        ).write(to: path)
        return path.path
    }

    @Test(arguments: ["for a moment", "until its worker is given up"])
    func `workers on other hosts get files, and a cut wire costs time and nothing else`(
        _ cut: String
    ) async throws {
        let hosts = try Hosts()
        let state = try Fanfold.temporaryFolder()
        let serve = try hosts.start(
            hosts.coordinator, ["serve", "--state", state.path, "--workers", "10.77.9.1:7434"])
        let client = Client(hosts: hosts, state: state)
        try await client.waitUntilServed()

        var workers: [Child] = []
        for (index, host) in hosts.workers.enumerated() {
            let made = try await client.ask([
                "token", "create", "--role", "worker", "--output", "quiet",
            ])
            let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
            try #require(string.hasPrefix("fanfold-join:10.77.9.1:7434:"), "\(made.errors)")
            workers.append(
                try hosts.start(
                    host,
                    [
                        "worker", "--join", string, "--state",
                        state.appendingPathComponent("worker-\(index)").path, "--name",
                        "w\(index)", "--cpus", "2", "--memory", "1GiB",
                    ]))
        }

        let path = try Self.filesPipeline()
        let submitted = try await client.ask(["submit", path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await Task.sleep(for: .milliseconds(1_000))
        try hosts.cut(1, true)
        if cut == "for a moment" {
            try await Task.sleep(for: .milliseconds(1_500))
            try hosts.cut(1, false)
        }
        // What the silent worker had runs elsewhere once it counts as lost.
        let waited = try await client.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        if cut != "for a moment" { try hosts.cut(1, false) }
        let output = try await client.ask(["output", "last"])
        let wanted = (0..<60).map { "f\($0).txt" }.sorted()
            .map { "file \($0.dropFirst().dropLast(4))\n" }.joined()
        #expect(output.text == wanted, "\(output.text) \(output.errors)")

        for worker in workers { worker.send(SIGTERM) }
        for worker in workers { #expect(try await worker.finish(within: 30).code == 0) }
        serve.send(SIGTERM)
        #expect(try await serve.finish(within: 30).code == 0)
    }
}

/// What `ip netns` can do here.
enum NetworkNamespaces {
    /// Whether this process may make network namespaces.
    static let canBeMade: Bool = {
        guard Fanfold.hasCommands, Fanfold.has("ip") else { return false }
        let name = "fanfold-probe-\(getpid())"
        guard ip(["netns", "add", name]) else { return false }
        return ip(["netns", "delete", name])
    }()

    static func ip(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ip"] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
