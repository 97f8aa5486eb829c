import Foundation
import Testing

/// A coordinator and workers of this machine, as processes, for tests of what goes between them.
final class Served {
    let state: URL
    private let api: Int
    private let wire: Int
    let coordinator: Child
    private(set) var workers: [Child] = []
    private var isStopped = false

    deinit {
        // A test that failed before its end leaves nothing running.
        guard !isStopped else { return }
        for child in workers + [coordinator] { child.send(SIGKILL) }
    }

    /// Starts a coordinator.
    ///
    /// - Parameter settings: the file of settings, in full; none unless said.
    init(settings: String? = nil) async throws {
        state = try Fanfold.temporaryFolder()
        (api, wire) = (try Self.freePort(), try Self.freePort())
        coordinator = try Child(
            [
                Fanfold.program, "serve", "--state", state.path, "--listen", "127.0.0.1:\(api)",
                "--workers", "127.0.0.1:\(wire)",
            ] + (settings.map { ["--config", $0] } ?? []))
        for _ in 0..<600 {
            if try await ask(["get", "workers"]).code == 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the coordinator never answered")
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
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Starts a worker with the label `role`, and waits until it is there.
    @discardableResult
    func startWorker(role: String, listen: String = "auto") async throws -> Child {
        let child = try Child([
            Fanfold.program, "worker", "--join", "127.0.0.1:\(wire)", "--token-file",
            state.appendingPathComponent("worker.token").path, "--state", folder(of: role).path,
            "--name", role, "--cpus", "2", "--memory", "1GiB", "--label", "role=\(role)",
            "--listen", listen,
        ])
        workers.append(child)
        for _ in 0..<400 {
            let listed = try await ask(["get", "workers"]).text
            if listed.split(separator: "\n").contains(where: {
                $0.contains(role) && $0.contains("active")
            }) {
                return child
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the worker \(role) never came")
        return child
    }

    func folder(of role: String) -> URL { state.appendingPathComponent("worker-\(role)") }

    private var token: String {
        let text = try? String(
            contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)
        return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a client command.
    func ask(_ arguments: [String], seconds: Double = 120) async throws -> Finished {
        try await Child(
            [Fanfold.program] + arguments,
            environment: [
                "FANFOLD_ADDRESS": "http://127.0.0.1:\(api)", "FANFOLD_TOKEN": token,
            ]
        ).finish(within: seconds)
    }

    /// Runs a pipeline to its end.
    ///
    /// - Returns: the only output.
    func run(_ pipeline: String, seconds: Double = 120) async throws -> Finished {
        let submitted = try await ask(["submit", pipeline, "--follow"], seconds: seconds)
        try #require(submitted.code == 0, "\(submitted.text) \(submitted.errors)")
        return try await ask(["output", "last"], seconds: seconds)
    }

    /// The sum of the figures of a name whose labels begin so.
    func figure(_ name: String) async throws -> Int {
        let text = try await shell(
            "curl -sS -H 'Authorization: Bearer \(token)' http://127.0.0.1:\(api)/metrics")
        return String(bytes: text, encoding: .utf8).map { text in
            text.split(separator: "\n").filter { $0.hasPrefix(name) }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
        } ?? 0
    }

    /// Waits until a figure, which comes with heartbeats, is at least so much.
    func waitForFigure(_ name: String, atLeast wanted: Int) async throws -> Int {
        var found = 0
        for _ in 0..<100 {
            found = try await figure(name)
            if found >= wanted { return found }
            try await Task.sleep(for: .milliseconds(100))
        }
        return found
    }

    /// Ends everything.
    ///
    /// - Returns: how the coordinator ended.
    @discardableResult
    func stop() async throws -> Finished {
        isStopped = true
        for worker in workers { worker.send(SIGKILL) }
        coordinator.send(SIGTERM)
        let finished = try await coordinator.finish(within: 30)
        #expect(finished.code == 0, "\(finished.errors)")
        for worker in workers { _ = try? await worker.finish(within: 10) }
        return finished
    }

    /// The most memory that a process had at a time, in bytes: pages of mapped files count as well.
    static func peakBytes(of child: Child) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(child.identifier)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { " \t".contains($0) })[1]).flatMap { Int($0) }
            .map { $0 << 10 } ?? 0
    }
}
