import Foundation
import Testing

/// A coordinator and workers as processes of their own, asked over the API.
final class Cluster {
    /// How it is started.
    struct Plan {
        var usesTLS = false
        /// So small that snapshots are written, and recovered from, all the time.
        var snapshotAfter = "2KiB"
        var keepRuns = 2
        /// The folder of everything as the coordinator sees it; a new one unless said.
        var state: String?
        /// What leads from this process's root to the coordinator's.
        var root = ""
        /// What stands before the coordinator's command: where it runs.
        var coordinatorPrefix: [String] = []
        /// Added to the environment of the coordinator and of workers.
        var environment: [String: String] = [:]
        /// The port where workers connect, if not to the coordinator itself.
        var entrance: Int?
    }

    /// How long the coordinator may take to answer, in tries of 50 ms.
    private static let tries = 600

    /// The coordinator's folder, as it sees it.
    let statePath: String
    /// The same folder as this process sees it.
    let state: URL
    let api: Int
    let wire: Int
    var plan: Plan
    private(set) var coordinator: Child
    private(set) var workers: [(name: String, child: Child)] = []
    /// Where workers keep what they have, unless said.
    private let workersFolder: URL

    convenience init(workers count: Int, usesTLS: Bool = false) async throws {
        var plan = Plan()
        plan.usesTLS = usesTLS
        try await self.init(workers: count, plan)
    }

    init(workers count: Int, _ plan: Plan) async throws {
        statePath = try plan.state ?? Fanfold.temporaryFolder().path
        state = URL(fileURLWithPath: plan.root + statePath)
        workersFolder = try Fanfold.temporaryFolder()
        (api, wire) = (try Self.freePort(), try Self.freePort())
        self.plan = plan
        coordinator = try Self.serve(statePath, api, wire, plan)
        try await waitUntilReady()
        for index in 0..<count { try startWorker("w\(index)") }
    }

    private static func serve(
        _ state: String, _ api: Int, _ wire: Int, _ plan: Plan
    ) throws -> Child {
        try Child(
            plan.coordinatorPrefix + [
                Fanfold.program, "serve", "--state", state, "--listen", "127.0.0.1:\(api)",
                "--workers", "127.0.0.1:\(wire)", "--snapshot-after", plan.snapshotAfter,
                "--keep-runs", "\(plan.keepRuns)",
            ] + (plan.usesTLS ? ["--tls"] : []), environment: plan.environment)
    }

    /// A port that nobody listens on now.
    static func freePort() throws -> Int {
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

    // MARK: Processes

    /// Starts a worker of this machine, or the same one again.
    func startWorker(
        _ name: String, folder: String? = nil, prefix: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let child = try Child(
            prefix + [
                Fanfold.program, "worker", "--join", "127.0.0.1:\(plan.entrance ?? wire)",
                "--token-file", state.appendingPathComponent("worker.token").path, "--state",
                folder ?? workersFolder.appendingPathComponent(name).path, "--name", name,
                "--cpus", "2", "--memory", "1GiB",
            ], environment: plan.environment.merging(environment) { $1 })
        workers.removeAll { $0.name == name }
        workers.append((name, child))
    }

    /// Starts a worker with a join string, or with the certificate that it has.
    func join(_ name: String, _ entrance: String) throws -> Child {
        try Child([
            Fanfold.program, "worker", "--join", entrance, "--state",
            workersFolder.appendingPathComponent(name).path, "--name", name,
        ])
    }

    func worker(_ name: String) throws -> Child {
        try #require(workers.first { $0.name == name }).child
    }

    func killCoordinator() async throws {
        coordinator.send(SIGKILL)
        _ = try await coordinator.finish(within: 10)
        try startCoordinator()
    }

    /// Starts it on the same state; the one before has ended.
    func startCoordinator() throws {
        coordinator = try Self.serve(statePath, api, wire, plan)
    }

    func killWorker(_ index: Int) async throws {
        let (name, child) = workers[index % workers.count]
        child.send(SIGKILL)
        _ = try await child.finish(within: 10)
        try startWorker(name)
    }

    // MARK: Questions

    /// Runs a client command.
    func ask(_ arguments: [String], seconds: Double = 120) async throws -> Finished {
        let token =
            (try? String(contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8))
            ?? ""
        return try await Child(
            [Fanfold.program] + arguments,
            environment: [
                "FANFOLD_ADDRESS": "http://127.0.0.1:\(api)",
                "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
            ]
        ).finish(within: seconds)
    }

    func waitUntilReady() async throws {
        for _ in 0..<Self.tries {
            if try await ask(["get", "workers", "--output", "json"]).code == 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let finished = try await coordinator.finish(within: 1)
        Issue.record("the coordinator never answered: \(finished.errors)")
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

    /// Waits until the coordinator has said something on its error output.
    func waitUntilCoordinatorSays(_ words: String, seconds: Double = 30) async throws {
        let end = Date(timeIntervalSinceNow: seconds)
        while Date() < end {
            if coordinator.errorsSoFar.contains(words) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("the coordinator never said \"\(words)\": \(coordinator.errorsSoFar)")
    }

    func output(_ name: String, of run: String) async throws -> String {
        let finished = try await ask(["output", run, name])
        #expect(finished.code == 0, "\(finished.errors)")
        return finished.text
    }

    /// Submits a pipeline and comes back at once.
    func submit(_ pipeline: String) async throws {
        let submitted = try await ask(["submit", try Fanfold.pipeline(pipeline)])
        try #require(submitted.code == 0, "\(submitted.errors)")
    }

    /// Waits for the last run and expects the numbers from 0 on, doubled.
    func expectDoubled(_ items: Int, seconds: Double = 120) async throws {
        let waited = try await ask(["wait", "last"], seconds: seconds)
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        let wanted = (0..<items).map { "\($0 * 2)\n" }.joined()
        // Not in the message: megabytes of numbers help nobody.
        let isRight = try await output("all", of: "last") == wanted
        #expect(isRight, "the merged result is not the undisturbed one")
    }

    // MARK: The end

    /// Ends everything, and looks at what is left: nothing that runs, and a journal that is whole.
    func stop(ledgerIsWhole: Bool = true) async throws {
        if ledgerIsWhole { try await expectLedgerWhole() }
        for (_, child) in workers { child.send(SIGKILL) }
        coordinator.send(SIGTERM)
        let finished = try await coordinator.finish(within: 30)
        #expect(finished.code == 0, "\(finished.errors)")
        for (_, child) in workers { _ = try await child.finish(within: 10) }
        let verified = try await Fanfold.run([
            "journal", "verify", state.appendingPathComponent("journal").path,
        ])
        #expect(verified.code == 0, "\(verified.text) \(verified.errors)")
        try await Leftovers.expectNone(marked: mark)
    }

    /// Expects that nothing is reserved on any worker that is there.
    func expectLedgerWhole() async throws {
        var found = ""
        for _ in 0..<100 {
            found = try await ask(["get", "workers", "--output", "json"]).text
            if Self.reservesNothing(found) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("something is reserved still: \(found)")
    }

    static func reservesNothing(_ listed: String) -> Bool {
        guard let object = try? JSONSerialization.jsonObject(with: Data(listed.utf8)),
            let workers = (object as? [String: Any])?["workers"] as? [[String: Any]]
        else { return false }
        return workers.allSatisfy { worker in
            worker["status"] as? String == "lost"
                || (worker["total"] as? NSDictionary == worker["free"] as? NSDictionary
                    && worker["running"] as? Int == 0 && worker["queued"] as? Int == 0)
        }
    }

    /// Stands in the command line of whatever a worker starts for ``doubling(_:sleep:)``.
    var mark: String { state.lastPathComponent }

    /// Numbers from 0 on, two of them a subtask, doubled.
    func doubling(_ items: Int, sleep: String, attempts: Int = 5) -> String {
        Self.doubling(
            items, perSubtask: 2, "sleep \(sleep); : \(mark); awk '{print $1 * 2}'", attempts)
    }

    /// Numbers from 0 on, doubled by a shell command that reads lines and writes lines.
    static func doubling(
        _ items: Int, perSubtask: Int, _ command: String, _ attempts: Int = 5
    ) -> String {
        """
        fanfold: 1
        name: doubling
        inputs: { n: { range: \(items) } }
        tasks:
          double:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: \(perSubtask) }, merge: concat } }
            run: { command: [sh, -c, "\(command)"], stdin: lines, stdout: lines }
            needs: { cpus: 0.5, memory: 1MiB }
            timeout: 60s
            retry: { attempts: \(attempts) }
        outputs: { all: { from: "${tasks.double.output}" } }
        """
    }
}
