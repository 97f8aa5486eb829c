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

        /// A wire between the workers' hosts, over which each reaches the other's address.
        func joinWorkers() throws {
            let ends = (0...1).map { "ff\(getpid())c\($0)" }
            try Self.must([
                "link", "add", ends[0], "netns", workers[0], "type", "veth", "peer", "name",
                ends[1], "netns", workers[1],
            ])
            for index in 0...1 {
                let own = workers[index]
                try Self.must([
                    "-n", own, "address", "add", "10.78.0.\(index + 1)/24", "dev", ends[index],
                ])
                try Self.must(["-n", own, "link", "set", ends[index], "up"])
            }
            for index in 0...1 {
                let other = 1 - index
                try Self.must([
                    "-n", workers[index], "route", "add", "10.77.\(other).2", "via",
                    "10.78.0.\(other + 1)",
                ])
            }
        }

        /// Runs another program on a host.
        func run(_ host: String, _ command: [String]) async throws -> Finished {
            try await Child(["ip", "netns", "exec", host] + command).finish(within: 60)
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

        /// The sum of the figures whose name and labels begin so.
        func figure(_ name: String) async throws -> Int {
            let token =
                (try? String(
                    contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)) ?? ""
            let text = try await hosts.run(
                hosts.coordinator,
                [
                    "curl", "-sS", "-H",
                    "Authorization: Bearer \(token.trimmingCharacters(in: .whitespacesAndNewlines))",
                    "http://127.0.0.1:7433/metrics",
                ]
            ).text
            return text.split(separator: "\n").filter { $0.hasPrefix(name) }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
        }

        /// A string with which one worker joins.
        func joinString() async throws -> String {
            let made = try await ask(["token", "create", "--role", "worker", "--output", "quiet"])
            let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
            try #require(string.hasPrefix("fanfold-join:10.77.9.1:7434:"), "\(made.errors)")
            return string
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
        let cluster = try await HostCluster()
        try await cluster.submitFiles(60)
        try await Task.sleep(for: .milliseconds(1_000))
        try cluster.hosts.cut(1, true)
        if cut == "for a moment" {
            try await Task.sleep(for: .milliseconds(1_500))
            try cluster.hosts.cut(1, false)
        }
        // What the silent worker had runs elsewhere once it counts as lost.
        let waited = try await cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        if cut != "for a moment" { try cluster.hosts.cut(1, false) }
        try await cluster.expectFiles(60)
        try await cluster.stop()
    }

    @Test(.enabled(if: Fanfold.has("curl"), "there is no curl: NOTHING WAS RUN"))
    func `workers on other hosts have blobs from each other, and strangers nothing`() async throws {
        let hosts = try Hosts()
        try hosts.joinWorkers()
        let state = try Fanfold.temporaryFolder()
        let serve = try hosts.start(
            hosts.coordinator, ["serve", "--state", state.path, "--workers", "10.77.9.1:7434"])
        let client = Client(hosts: hosts, state: state)
        try await client.waitUntilServed()
        var workers: [Child] = []
        for (index, host) in hosts.workers.enumerated() {
            workers.append(
                try hosts.start(
                    host,
                    [
                        "worker", "--join", try await client.joinString(), "--state",
                        state.appendingPathComponent("worker-\(index)").path, "--name",
                        "w\(index)", "--cpus", "2", "--memory", "1GiB", "--label",
                        "role=\(index == 0 ? "maker" : "user")",
                        // The first at an address that is said, the other one where it may.
                        "--listen", index == 0 ? "0.0.0.0:7500" : "auto",
                    ]))
        }

        let submitted = try await client.ask([
            "submit", try Fanfold.pipeline(PeerFetchTests.handedOn), "--follow",
        ])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let wanted = try await shell("seq 1 1200000 | sha256sum")
        #expect(try await client.ask(["output", "last"]).output == wanted)
        var sent = 0
        for _ in 0..<50 where sent < 8_000_000 {
            sent = try await client.figure("fanfold_blob_bytes_sent_total{by=\"worker\"")
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(sent >= 8_000_000)
        #expect(
            try await client.figure("fanfold_blob_bytes_sent_total{by=\"coordinator\"") < 100_000)

        // Whoever has no certificate of this authority gets no byte, with TLS or without.
        for address in ["https://10.77.0.2:7500/", "http://10.77.0.2:7500/"] {
            let stranger = try await hosts.run(
                hosts.workers[1], ["curl", "-sk", "--max-time", "15", address])
            #expect(stranger.code != 0 && stranger.output.isEmpty, "\(stranger.code)")
        }

        for worker in workers { worker.send(SIGTERM) }
        for worker in workers { #expect(try await worker.finish(within: 30).code == 0) }
        serve.send(SIGTERM)
        #expect(try await serve.finish(within: 30).code == 0)
    }
}

/// Wires that delay, lose, reorder and cut packets; the kernel's TCP makes the best of it.
///
/// They are a process of the tests (Tools/wire.py) between two TUN devices and not `tc netem`, which
/// many kernels do not have; so it is the same everywhere, and it counts what it did.
@Suite(
    .enabled(
        if: NetworkNamespaces.canBeFaulty,
        "no ip netns (root), no /dev/net/tun or no python3: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct FaultyWireTests {
    @Test func `delay, loss, reordering and a narrow wire cost time only`() async throws {
        let cluster = try await HostCluster(.faulty)
        for index in 0...1 {
            try cluster.hosts.set(
                index,
                WireFaults(
                    delay_ms: 50, jitter_ms: 20, loss: 0.05, reorder: 0.05, rate_kbit: 8_000))
        }
        try await cluster.submitFiles(24, bytes: 20_000)
        try await cluster.expectFiles(24, bytes: 20_000)
        let counts = try cluster.hosts.counts()
        #expect(counts["lost"] ?? 0 > 5 && counts["overtook"] ?? 0 > 5, "\(counts)")
        for index in 0...1 { try cluster.hosts.set(index, WireFaults()) }
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }

    @Test(arguments: ["to the worker", "to the coordinator"])
    func `a wire that is cut in one direction costs time and nothing else`(
        _ direction: String
    ) async throws {
        let cluster = try await HostCluster(.faulty)
        try await cluster.submitFiles(40)
        try await Task.sleep(for: .milliseconds(700))
        var faults = WireFaults()
        if direction == "to the worker" { faults.cut_ab = true } else { faults.cut_ba = true }
        try cluster.hosts.set(1, faults)
        try await Task.sleep(for: .milliseconds(4_000))
        #expect(try cluster.hosts.counts()["cut"] ?? 0 > 0)
        try cluster.hosts.set(1, WireFaults())
        try await cluster.expectFiles(40)
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }

    @Test func `wires that come and go cost time and nothing else`() async throws {
        let cluster = try await HostCluster(.faulty)
        try await cluster.submitFiles(60)
        var faults = WireFaults()
        (faults.cut_ab, faults.cut_ba) = (true, true)
        for round in 0..<8 {
            try cluster.hosts.set(round % 2, faults)
            try await Task.sleep(for: .milliseconds(350))
            try cluster.hosts.set(round % 2, WireFaults())
            try await Task.sleep(for: .milliseconds(150))
        }
        #expect(try cluster.hosts.counts()["cut"] ?? 0 > 0)
        try await cluster.expectFiles(60)
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }
}
