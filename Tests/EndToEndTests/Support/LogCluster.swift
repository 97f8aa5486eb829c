import Foundation
import Testing

/// A coordinator on ports of its own, with its state in a folder of its own.
final class LogCluster {
    let state: URL
    let api: Int
    let wire: Int
    private let options: [String]
    private let serveOptions: [String]
    private(set) var coordinator: Child
    private(set) var workers: [(name: String, child: Child)] = []

    init(workers count: Int, settings: String? = nil, serve: [String] = []) async throws {
        options = settings.map { ["--config", $0] } ?? []
        serveOptions = options + serve
        state = try Fanfold.temporaryFolder()
        (api, wire) = (try Self.freePort(), try Self.freePort())
        coordinator = try Self.serve(state, api, wire, serveOptions)
        try await waitUntilReady()
        for index in 0..<count { try startWorker("w\(index)") }
    }

    private static func serve(
        _ state: URL, _ api: Int, _ wire: Int, _ options: [String]
    ) throws -> Child {
        try Child(
            [
                Fanfold.program, "serve", "--state", state.path, "--listen",
                "127.0.0.1:\(api)", "--workers", "127.0.0.1:\(wire)",
                // So small that snapshots are written, and recovered from, all the time.
                "--snapshot-after", "2KiB", "--keep-runs", "2",
            ] + options)
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
        let child = try Child(
            [
                Fanfold.program, "worker", "--join", "127.0.0.1:\(wire)", "--token-file",
                state.appendingPathComponent("worker.token").path, "--state", folder, "--name",
                name, "--cpus", "2", "--memory", "1GiB",
            ] + options)
        workers.removeAll { $0.name == name }
        workers.append((name, child))
    }

    /// Waits until so many workers are connected.
    func waitForWorkers(_ count: Int, seconds: Int = 10) async throws {
        for _ in 0..<(seconds * 20) {
            let listed = try await ask(["get", "workers"])
            let active = listed.text.split(separator: "\n").filter { $0.contains("active") }
            if active.count == count { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("there never were \(count) workers")
    }

    func killWorker(_ index: Int) async throws {
        let (name, child) = workers[index % workers.count]
        child.send(SIGKILL)
        _ = try await child.finish(within: 10)
        try startWorker(name)
    }

    /// Takes the coordinator away without a word.
    func killCoordinator() async throws {
        coordinator.send(SIGKILL)
        _ = try await coordinator.finish(within: 10)
    }

    /// Starts it again on the same state.
    func restartCoordinator() async throws {
        coordinator = try Self.serve(state, api, wire, serveOptions)
        try await waitUntilReady()
    }

    func waitUntilReady() async throws {
        for _ in 0..<600 {
            if try await ask(["get", "workers", "--output", "json"]).code == 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let finished = try await coordinator.finish(within: 1)
        Issue.record("the coordinator never answered: \(finished.errors)")
    }

    /// Runs a client command to its end.
    func ask(_ arguments: [String], seconds: Double = 120) async throws -> Finished {
        try await child(arguments).finish(within: seconds)
    }

    /// Starts a client command.
    func child(_ arguments: [String]) throws -> Child {
        let token =
            (try? String(
                contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)) ?? ""
        return try Child(
            [Fanfold.program] + arguments,
            environment: [
                "FANFOLD_ADDRESS": "http://127.0.0.1:\(api)",
                "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
            ])
    }

    /// What `/metrics` says.
    func figures() async throws -> String {
        try await String(bytes: fetch("/metrics", seconds: 10), encoding: .utf8) ?? ""
    }

    /// Events of so many seconds from now on.
    func events(seconds: Int) async throws -> String {
        try await String(bytes: fetch("/api/v1/events", seconds: seconds), encoding: .utf8) ?? ""
    }

    private func fetch(_ path: String, seconds: Int) async throws -> Data {
        let token = try String(
            contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        return try await shell(
            "curl -s -m \(seconds) -H 'Authorization: Bearer \(token)' "
                + "http://127.0.0.1:\(api)\(path) || true")
    }

    func stop() async throws {
        for (_, child) in workers { child.send(SIGKILL) }
        coordinator.send(SIGTERM)
        let finished = try await coordinator.finish(within: 30)
        #expect(finished.code == 0, "\(finished.errors)")
        for (_, child) in workers { _ = try await child.finish(within: 10) }
    }
}
