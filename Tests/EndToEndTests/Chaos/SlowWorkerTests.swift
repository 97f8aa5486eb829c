import Foundation
import Testing

/// Processes that are stopped and go on, as on a machine that sleeps, swaps or is overbooked.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct SlowWorkerTests {
    /// Stops a process and lets it go on, in turn, until it is cancelled.
    private func starve(_ child: Child) async {
        while !Task.isCancelled {
            child.send(SIGSTOP)
            try? await Task.sleep(for: .milliseconds(150))
            child.send(SIGCONT)
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test func `a worker that wakes after it was given up is not taken twice`() async throws {
        var plan = Cluster.Plan()
        plan.snapshotAfter = "1GiB"
        let cluster = try await Cluster(workers: 2, plan)
        try await cluster.waitForWorkers(2)
        let slow = try cluster.worker("w0")
        let starving = Task { await starve(slow) }
        let sleeper = try cluster.worker("w1")
        try await cluster.submit(cluster.doubling(160, sleep: "0.3"))
        try await Task.sleep(for: .milliseconds(600))
        // What it started ends meanwhile, and is handed in when nobody waits for it any more.
        sleeper.send(SIGSTOP)
        try await cluster.waitUntilCoordinatorSays("a worker is lost")
        sleeper.send(SIGCONT)
        try await cluster.expectDoubled(160)
        starving.cancel()
        await starving.value
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
        try await ToldResults(journal: cluster.state.appendingPathComponent("journal").path)
            .expectOnce(80)
    }

    @Test func `a coordinator that is stopped for a while loses no worker`() async throws {
        let cluster = try await Cluster(workers: 2)
        try await cluster.waitForWorkers(2)
        try await cluster.submit(cluster.doubling(60, sleep: "0.1"))
        cluster.coordinator.send(SIGSTOP)
        // Longer than the silence after which a worker is lost.
        try await Task.sleep(for: .seconds(8))
        cluster.coordinator.send(SIGCONT)
        try await cluster.expectDoubled(60)
        #expect(!cluster.coordinator.errorsSoFar.contains("a worker is lost"))
        try await cluster.stop()
    }
}
