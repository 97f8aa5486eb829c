import CFanfoldSystem
import FanfoldClient
import FanfoldJSON
import FanfoldRuntime
@preconcurrency import Glibc

/// A coordinator and its workers as processes of their own on this machine, for measurements.
///
/// Belongs to the main thread.
final class BenchCluster {
    /// Milliseconds that a coordinator or a worker may take to be there.
    private static let startMilliseconds = 60_000

    let folder: String
    private let config: String?
    private let usesTLS: Bool
    private let serveArguments: [String]
    private(set) var coordinator: BenchProcess?
    private var workers: [BenchProcess] = []
    private(set) var client: FanfoldClient?

    /// Nothing is started yet.
    ///
    /// - Parameter serving: more arguments for `fanfold serve`.
    init(
        _ context: HostContext, _ name: String, config: String?, usesTLS: Bool = false,
        serving: [String] = []
    ) throws {
        folder = context.scratchDirectory + "/" + name
        self.config = config
        self.usesTLS = usesTLS
        serveArguments = serving
        guard mkdir(folder, 0o700) == 0 else {
            throw BenchProblem("\(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    var stateFolder: String { folder + "/state" }

    /// Starts the coordinator, and waits until it takes work.
    ///
    /// - Returns: seconds from the start of the process until `/readyz` said so.
    @discardableResult
    func serve() throws -> Double {
        unlink(stateFolder + "/api-address")
        let begin = monotonicNanoseconds()
        let arguments = [
            "serve", "--state", stateFolder, "--listen", "127.0.0.1:0", "--workers", "127.0.0.1:0",
        ]
        let process = try BenchProcess(
            arguments + (usesTLS ? ["--tls"] : []) + serveArguments + settings, name: "serve",
            in: folder)
        coordinator = process
        let client = try FanfoldClient(context: try address(of: process))
        self.client = client
        while true {
            let isReady = Blocking.wait { () async -> Bool in
                (try? await client.isReady()) ?? false
            }
            if isReady { return Double(monotonicNanoseconds() - begin) / 1e9 }
            try pause(since: begin, for: process)
        }
    }

    private func address(of process: BenchProcess) throws -> ClientContext {
        let begin = monotonicNanoseconds()
        while true {
            let found = try? ClientContext.find(
                name: nil, configurationFolder: folder, stateFolder: stateFolder,
                environment: { _ in nil })
            if let found { return found }
            try pause(since: begin, for: process)
        }
    }

    private func pause(since begin: UInt64, for process: BenchProcess) throws {
        usleep(2_000)
        let waited = (monotonicNanoseconds() - begin) / 1_000_000
        guard !process.hasEnded, waited < Self.startMilliseconds else {
            throw BenchProblem(
                "\(process.log): wanted it to be there within \(Self.startMilliseconds) ms; it said: "
                    + process.errors)
        }
    }

    private var settings: [String] { config.map { ["--config", $0] } ?? [] }

    /// Where workers connect, as the coordinator says it.
    func workerAddress() throws -> String {
        let begin = monotonicNanoseconds()
        let words = "workers connect to "
        guard let process = coordinator else { throw BenchProblem("there is no coordinator") }
        while true {
            // The last one, as an earlier process wrote to the same file.
            let line = process.errors.split(separator: "\n").last { $0.hasPrefix(words) }
            if let line { return String(line.dropFirst(words.count)) }
            try pause(since: begin, for: process)
        }
    }

    /// Starts a worker, and waits until it is known.
    @discardableResult
    func startWorker(_ arguments: [String] = []) throws -> BenchProcess {
        let name = "worker-\(workers.count)"
        let entrance: [String]
        if usesTLS {
            let token = try ask(
                .POST, "/join-tokens", ["maximum_uses": 1, "labels": JSON.array([])])
            entrance = ["--join", token.shown("secret")]
        } else {
            entrance = [
                "--join", try workerAddress(), "--token-file", stateFolder + "/worker.token",
            ]
        }
        let process = try BenchProcess(
            ["worker"] + entrance + ["--state", "\(folder)/\(name)", "--name", name] + arguments
                + settings,
            name: name, in: folder)
        workers.append(process)
        let begin = monotonicNanoseconds()
        while try activeWorkers() < workers.count { try pause(since: begin, for: process) }
        return process
    }

    /// Workers that the coordinator counts as there.
    func activeWorkers() throws -> Int {
        let answer = try ask(.GET, "/workers")
        return (answer["workers"]?.arrayValue ?? []).count { $0.shown("status") == "active" }
    }

    /// Hands a document in.
    ///
    /// - Returns: the number of the run.
    func submit(_ document: String) throws -> UInt64 {
        let run = try ask(.POST, "/runs", ["pipeline": .string(document)])
        guard let number = run.number else {
            throw BenchProblem("a submission was answered with \(run.text)")
        }
        return number
    }

    /// Waits for a run's end, which must be that it completed.
    func wait(for run: UInt64) throws {
        guard let client else { throw BenchProblem("there is no coordinator") }
        let session = ClientSession(client: client, style: .quiet)
        let ended = try Blocking.wait { () async -> Result<JSON, any Error> in
            do {
                return .success(try await RunWatch(session).wait(for: run))
            } catch {
                return .failure(error)
            }
        }.get()
        guard ended.shown("status") == "completed" else {
            throw BenchProblem("the benchmark's run did not complete: \(ended.text)")
        }
    }

    /// Asks the API.
    func ask(_ method: BenchMethod, _ path: String, _ body: JSON? = nil) throws -> JSON {
        guard let client else { throw BenchProblem("there is no coordinator") }
        return try Blocking.wait { () async -> Result<JSON, any Error> in
            do {
                let content: FanfoldClient.RequestBody = body.map { .json($0) } ?? .none
                switch method {
                case .GET: return .success(try await client.ask(.GET, path, body: content))
                case .POST: return .success(try await client.ask(.POST, path, body: content))
                }
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// Kills the coordinator with SIGKILL.
    func killCoordinator() {
        coordinator?.kill()
        closeClient()
    }

    private func closeClient() {
        guard let client else { return }
        self.client = nil
        Blocking.wait { () async in await client.close() }
    }

    /// Ends everything and removes the folder.
    func end() {
        closeClient()
        for worker in workers { worker.kill() }
        coordinator?.kill()
        fan_remove_tree(folder)
    }
}

/// What a measurement asks the API with.
enum BenchMethod {
    case GET, POST
}

/// The documents that measurements run.
enum BenchDocument {
    /// `count` no-ops of one item each.
    static func noops(_ count: Int, name: String = "bench") -> String {
        """
        fanfold: 1
        name: \(name)
        inputs:
          items: { range: \(count) }
        tasks:
          work:
            input: ${inputs.items}
            strategy: { use: data-parallel, with: { size: { items: 1 }, merge: count } }
            run: { use: noop }
            needs: { cpus: 1, memory: 1MiB }
        outputs:
          result: { from: "${tasks.work.output}" }

        """
    }

    /// One subtask that takes all of a worker for an hour.
    static func blocker(cores: Int) -> String {
        """
        fanfold: 1
        name: blocker
        inputs:
          items: { range: 1 }
        tasks:
          work:
            input: ${inputs.items}
            strategy: { use: data-parallel, with: { size: { items: 1 }, merge: count } }
            run: { command: [sleep, "3600"], stdin: none, stdout: bytes }
            needs: { cpus: \(cores), memory: 1MiB }
        outputs:
          result: { from: "${tasks.work.output}" }

        """
    }

    /// Chains of `stages` no-ops each, all chains at the same time.
    static func chains(_ count: Int, stages: Int) -> String {
        let list = (0..<stages).map {
            "          - { name: s\($0), replicas: 1024 }"
        }
        return """
            fanfold: 1
            name: chains
            inputs:
              items: { range: \(count) }
            tasks:
              work:
                input: ${inputs.items}
                strategy:
                  use: pipeline-parallel
                  with:
                    merge: count
                    micro-batches: { items: 1 }
                    stages:
            \(list.joined(separator: "\n"))
                run: { use: noop }
                needs: { cpus: 1, memory: 1MiB }
            outputs:
              result: { from: "${tasks.work.output}" }

            """
    }
}
