import Foundation
import Testing

/// docs/quickstart-cluster.md, typed as it stands, each terminal on its machine.
@Suite(
    .enabled(if: NetworkNamespaces.canBeMade, "no ip netns (root): NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct QuickstartTests {
    private let scripts: [String: String]
    private let hosts: Hosts
    /// One home for each machine.
    private let homes: [String: URL]

    init() throws {
        let page = Fanfold.root.appendingPathComponent("docs/quickstart-cluster.md")
        let found = PageScript.scripts(
            in: try String(contentsOf: page, encoding: .utf8), of: "quickstart-cluster")
        scripts = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.text) })
        let hosts = try Hosts()
        self.hosts = hosts
        homes = Dictionary(
            uniqueKeysWithValues: try ([hosts.coordinator] + hosts.workers).map {
                ($0, try Fanfold.temporaryFolder())
            })
    }

    /// Opens a terminal on a machine and types what the page says.
    private func type(
        _ name: String, on host: String, _ changes: [String: String] = [:]
    ) throws -> Child {
        var text = try #require(scripts[name], "the page has no block run:\(name)")
        for (placeholder, value) in changes {
            try #require(text.contains(placeholder), "\(text) holds no \(placeholder)")
            text = text.replacingOccurrences(of: placeholder, with: value)
        }
        let home = try #require(homes[host])
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        // The last command in place of the shell, so that a signal reaches it.
        let isOne = text.split(separator: "\n").count == 1
        return try hosts.start(
            host, ["bash", "-euo", "pipefail", "-c", (isOne ? "exec " : "") + text],
            environment: [
                "HOME": home.path, "PATH": "\(Fanfold.products.path):\(path)",
                "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "", "FANFOLD_ADDRESS": "",
                "FANFOLD_TOKEN": "",
            ], in: home)
    }

    private func wait(for words: String, from child: Child) async throws {
        for _ in 0..<600 {
            if (child.outputSoFar + child.errorsSoFar).contains(words) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("nobody said \"\(words)\": \(child.outputSoFar) \(child.errorsSoFar)")
    }

    private func waitForWorkers(_ count: Int) async throws {
        var listed = ""
        for _ in 0..<200 {
            listed = try await type("workers", on: hosts.coordinator).finish(within: 30).text
            if listed.split(separator: "\n").filter({ $0.contains(" active") }).count == count {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("wanted \(count) active workers: \(listed)")
    }

    private func end(_ children: [Child]) async throws {
        for child in children {
            child.send(SIGTERM)
            let finished = try await child.finish(within: 30)
            #expect(finished.code == 0, "\(finished.errors)")
        }
        for home in homes.values { try FileManager.default.removeItem(at: home) }
    }

    @Test func `the page works on one machine`() async throws {
        let serve = try type("serve", on: hosts.coordinator)
        try await wait(for: "7434", from: serve)
        let worker = try type("worker", on: hosts.coordinator)
        let client = try type("submit", on: hosts.coordinator)
        let finished = try await client.finish(within: 120)
        #expect(finished.code == 0, "\(finished.text) \(finished.errors)")
        #expect(finished.text.contains("active") && finished.text.contains("completed"))
        try await end([worker, serve])
    }

    @Test func `the page works on three machines`() async throws {
        let serve = try type("serve-many", on: hosts.coordinator)
        try await wait(for: "7434", from: serve)
        var workers: [Child] = []
        for host in hosts.workers {
            let made = try await type("token", on: hosts.coordinator).finish(within: 30)
            let string = try #require(
                made.text.firstMatch(of: /fanfold-join:\S+/), "\(made.text) \(made.errors)")
            workers.append(
                try type(
                    "join", on: host, ["fanfold-join:10.0.0.1:7434:…:…": String(string.output)]))
        }
        try await waitForWorkers(2)
        let finished = try await type("submit", on: hosts.coordinator).finish(within: 120)
        #expect(finished.code == 0, "\(finished.text) \(finished.errors)")
        let active = finished.text.split(separator: "\n").filter { $0.contains(" active") }
        #expect(active.count == 2, "\(finished.text)")

        // The certificate in the worker's folder is enough the next time.
        workers[0].send(SIGTERM)
        #expect(try await workers[0].finish(within: 30).code == 0)
        try await waitForWorkers(1)
        workers[0] = try type("again", on: hosts.workers[0])
        try await waitForWorkers(2)
        try await end(workers + [serve])
    }
}
