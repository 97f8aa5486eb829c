import FanfoldJSON
import Foundation
import Testing

/// A coordinator as a process, on ports and with a state of its own.
final class Coordinator {
    let state: URL
    let api: Int
    let wire: Int
    private let arguments: [String]
    private(set) var process: Child
    private var workers: [Child] = []

    /// Starts one, with `arguments` beside those that say where.
    init(_ arguments: [String] = []) async throws {
        state = try Fanfold.temporaryFolder()
        (api, wire) = (try Self.freePort(), try Self.freePort())
        self.arguments = arguments
        process = try Self.start(state, api, wire, arguments)
        try await waitUntilReady()
    }

    private static func start(
        _ state: URL, _ api: Int, _ wire: Int, _ arguments: [String]
    ) throws -> Child {
        try Child(
            [
                Fanfold.program, "serve", "--state", state.path, "--listen", "127.0.0.1:\(api)",
                "--workers", "127.0.0.1:\(wire)",
            ] + arguments)
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

    /// Kills it and starts it again on the same state.
    func restart(_ signal: Int32 = SIGKILL) async throws {
        process.send(signal)
        _ = try await process.finish(within: 30)
        process = try Self.start(state, api, wire, arguments)
        try await waitUntilReady()
    }

    var address: String { "http://127.0.0.1:\(api)" }

    /// The token of an admin.
    var token: String {
        let text = try? String(
            contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)
        return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    var environment: [String: String] {
        ["FANFOLD_ADDRESS": address, "FANFOLD_TOKEN": token]
    }

    private func waitUntilReady() async throws {
        for _ in 0..<600 {
            if try await ask("/readyz").status == 200 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the coordinator never answered")
    }

    /// Starts a worker; `join` is a join string, or nothing for one of this machine.
    @discardableResult
    func worker(_ name: String, join: String? = nil) throws -> Child {
        var command = [
            Fanfold.program, "worker", "--join", join ?? "127.0.0.1:\(wire)", "--state",
            state.appendingPathComponent("worker-\(name)").path, "--name", name, "--cpus", "2",
        ]
        if join == nil {
            command += ["--token-file", state.appendingPathComponent("worker.token").path]
        }
        let child = try Child(command)
        workers.append(child)
        return child
    }

    /// Waits until the workers that are active have these names.
    func waitForWorkers(_ names: [String]) async throws {
        var active: [String] = []
        for _ in 0..<400 {
            let workers = try await ask("/api/v1/workers").json["workers"]?.arrayValue ?? []
            active = workers.filter { $0["status"] == "active" }
                .compactMap { $0["name"]?.stringValue }.sorted()
            if active == names { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("wanted the workers \(names), found \(active)")
    }

    /// What the API answers.
    struct Answer {
        var status: Int
        var json: JSON
        var bytes: Data
    }

    /// Asks the API, as an admin unless another token is given.
    func ask(
        _ path: String, _ method: String = "GET", body: JSON? = nil, key: String? = nil,
        token: String? = nil
    ) async throws -> Answer {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("body")
        var command = [
            "curl", "-s", "-o", file.path, "-w", "%{http_code}", "--max-time", "60", "-X", method,
            "-H", "Authorization: Bearer \(token ?? self.token)", address + path,
        ]
        if let body {
            command += ["-H", "Content-Type: application/json", "--data-binary", body.text]
        }
        if let key { command += ["-H", "Idempotency-Key: \(key)"] }
        let status = try await Child(command).finish(within: 90).text
        let bytes = (try? Data(contentsOf: file)) ?? Data()
        return Answer(
            status: Int(status) ?? 0, json: (try? JSON(parsing: Array(bytes))) ?? .null,
            bytes: bytes)
    }

    /// Runs a client command.
    func run(_ arguments: [String], in folder: URL? = nil, seconds: Double = 120)
        async throws -> Finished
    {
        try await Child(
            [Fanfold.program] + arguments, in: folder ?? Fanfold.root, environment: environment
        ).finish(within: seconds)
    }

    /// Stops everything.
    func stop() async throws {
        for child in workers { child.send(SIGKILL) }
        process.send(SIGTERM)
        let finished = try await process.finish(within: 30)
        #expect(finished.code == 0, "\(finished.errors)")
        for child in workers { _ = try await child.finish(within: 10) }
        try? FileManager.default.removeItem(at: state)
    }
}
