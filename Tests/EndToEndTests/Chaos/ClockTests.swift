import Foundation
import Testing

/// Clocks that are set while everything runs.
///
/// The wall clock is moved for single processes, by a library of the tests that is preloaded
/// (Tools/clock.c); the monotonic one by a time namespace, as a new boot would.
@Suite(
    .enabled(if: Fanfold.hasCommands && Fanfold.has("gcc"), "gcc is missing: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct ClockTests {
    private static let day: Int64 = 86_400

    /// A wall clock that can be set.
    private struct WallClock {
        private let file: URL
        let environment: [String: String]

        init() async throws {
            let folder = try Fanfold.temporaryFolder()
            let library = folder.appendingPathComponent("clock.so").path
            let compiled = try await Child([
                "gcc", "-shared", "-fPIC", "-O1", "-o", library, Fanfold.tool("clock.c"), "-ldl",
            ]).finish(within: 60)
            try #require(compiled.code == 0, "\(compiled.errors)")
            file = folder.appendingPathComponent("offset")
            try Data(repeating: 0, count: 8).write(to: file)
            environment = ["LD_PRELOAD": library, "FANFOLD_TEST_CLOCK": file.path]
        }

        /// Sets it so far from the true time.
        func move(_ seconds: Int64) throws {
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
            try handle.close()
        }
    }

    @Test func `a wall clock that jumps by days changes nothing`() async throws {
        let (ours, theirs) = (try await WallClock(), try await WallClock())
        var plan = Cluster.Plan()
        plan.environment = ours.environment
        let cluster = try await Cluster(workers: 0, plan)
        try cluster.startWorker("w0", environment: theirs.environment)
        try cluster.startWorker("w1", environment: theirs.environment)
        try await cluster.waitForWorkers(2)
        try await cluster.submit(cluster.doubling(400, sleep: "0.1", attempts: 1))
        for jump in [Self.day, -Self.day, 0] {
            try ours.move(jump)
            try await Task.sleep(for: .milliseconds(1_200))
            try theirs.move(jump)
            try await Task.sleep(for: .milliseconds(1_800))
        }
        // In one try each: no timeout was early, and nothing was lost.
        try await cluster.expectDoubled(400)
        try await Task.sleep(for: .milliseconds(3_000))
        #expect(!cluster.coordinator.errorsSoFar.contains("a worker is lost"))
        let listed = try await cluster.ask(["get", "workers", "--output", "quiet"])
        #expect(listed.text == "0\n1\n", "\(listed.text)")
        try await cluster.stop()
    }

    @Test func `a join token counts by the coordinator's clock, and is spent`() async throws {
        let clock = try await WallClock()
        var plan = Cluster.Plan()
        plan.usesTLS = true
        plan.environment = clock.environment
        let cluster = try await Cluster(workers: 0, plan)
        let made = try await cluster.ask([
            "token", "create", "--role", "worker", "--output", "quiet",
        ])
        let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(string.hasPrefix("fanfold-join:"), "\(made.errors)")
        try clock.move(Self.day)
        let late = try await cluster.join("late", string).finish(within: 30)
        #expect(late.code == 2 && late.errors.contains("did not let this worker in"))
        try clock.move(0)
        let worker = try cluster.join("w", string)
        try await cluster.waitForWorkers(1)
        // The time before it was spent comes back; the token does not.
        try clock.move(-Self.day)
        let second = try await cluster.join("x", string).finish(within: 30)
        #expect(second.code == 2 && second.errors.contains("did not let this worker in"))
        try clock.move(0)
        try await cluster.submit(cluster.doubling(20, sleep: "0"))
        try await cluster.expectDoubled(20)
        worker.send(SIGTERM)
        #expect(try await worker.finish(within: 30).code == 0)
        try await cluster.stop()
    }

    @Test(.enabled(if: TimeNamespaces.canBeMade, "unshare -T does not work: NOTHING WAS RUN"))
    func `after a boot the clock begins anew, and a run goes on`() async throws {
        var plan = Cluster.Plan()
        plan.coordinatorPrefix = TimeNamespaces.after(seconds: 10_000_000)
        let cluster = try await Cluster(workers: 2, plan)
        try await cluster.submit(cluster.doubling(160, sleep: "0.1"))
        for seconds in [0, 20_000_000] {
            try await Task.sleep(for: .milliseconds(700))
            cluster.plan.coordinatorPrefix = TimeNamespaces.after(seconds: seconds)
            try await cluster.killCoordinator()
            try await cluster.waitUntilReady()
        }
        try await cluster.expectDoubled(160)
        #expect(!cluster.coordinator.errorsSoFar.contains("a worker is lost"))
        try await cluster.stop()
    }
}

/// What `unshare -T` can do here.
enum TimeNamespaces {
    /// Whether this process may move the clocks that count from the boot.
    static let canBeMade: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = after(seconds: 5) + ["true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// What stands before a command that sees clocks which are so far ahead.
    static func after(seconds: Int) -> [String] {
        ["unshare", "-T", "--monotonic", "\(seconds)", "--boottime", "\(seconds)"]
    }
}
