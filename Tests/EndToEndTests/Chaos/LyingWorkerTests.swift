import Foundation
import Testing

/// A worker that lies on the protocol of docs/protocol.md (Tools/liar.py) beside one that does not.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("python3"), "python3 is missing: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct LyingWorkerTests {
    @Test func `a worker that lies harms neither the run nor the coordinator`() async throws {
        var plan = Cluster.Plan()
        plan.snapshotAfter = "1GiB"
        let cluster = try await Cluster(workers: 0, plan)
        let liar = try Child([
            "python3", Fanfold.tool("liar.py"), "\(cluster.wire)",
            cluster.state.appendingPathComponent("worker.token").path,
        ])
        try await cluster.waitForWorkers(1)
        try cluster.startWorker("honest")
        try await cluster.waitForWorkers(2)
        let before = Leftovers.descriptors(of: cluster.coordinator)
        // Lies about results are failures, and each costs a try.
        try await cluster.submit(cluster.doubling(200, sleep: "0.3", attempts: 60))
        let lied = try await liar.finish(within: 120)
        #expect(lied.code == 0, "\(lied.errors)")
        expectTold(lied.text)
        try await cluster.expectDoubled(200)
        #expect(cluster.coordinator.isRunning, "\(cluster.coordinator.errorsSoFar)")
        let workers = try await cluster.ask(["get", "workers"])
        #expect(workers.text.contains("honest") && workers.text.contains("active"))
        try await Leftovers.expectDescriptors(of: cluster.coordinator, atMost: before)
        // What it holds of the lies is good enough for the next process.
        try await cluster.killCoordinator()
        try await cluster.waitUntilReady()
        try await cluster.expectDoubled(200)
        try await cluster.waitForWorkers(1)
        try await cluster.stop()
        try await ToldResults(journal: cluster.state.appendingPathComponent("journal").path)
            .expectOnce(100)
    }

    /// Each lie was told, of attempts that it really had where it is about such, and whoever breaks a
    /// rule is thrown out by its name.
    private func expectTold(_ text: String) {
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.count == 19, "\(text)")
        #expect(!text.contains("NOT thrown out"), "\(text)")
        #expect(!text.contains(" 0 of its own"), "\(text)")
        for wanted in ["shows_two_inventories: out-of-order", "leaves_a_gap: sequence-gap"] {
            #expect(lines.contains(wanted), "wanted \"\(wanted)\" in \(text)")
        }
        // Thrown out while it still sends it may not read why; and on a machine with other things to
        // do the coordinator is not fast enough to be flooded.
        let floods = ["flood", "sending", "read slowly"].map { "floods: \($0)" }
        #expect(lines.contains { floods.contains($0) }, "\(text)")
    }
}
