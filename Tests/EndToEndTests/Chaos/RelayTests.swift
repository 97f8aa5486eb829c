import Foundation
import Testing

/// Connections that are cut in the middle of frames, torn in pieces and stalled: by a relay of the
/// tests (Tools/relay.py) between workers and their coordinator.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("python3"), "python3 is missing: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct RelayTests {
    /// What the relay says it did.
    private struct Report: Decodable {
        var connections: Int
        var cuts: Int
        var stalls: Int
    }

    @Test func `connections cut in the middle of a frame cost time only`() async throws {
        var plan = Cluster.Plan()
        plan.entrance = try Cluster.freePort()
        plan.snapshotAfter = "1GiB"
        let cluster = try await Cluster(workers: 0, plan)
        let report = try Fanfold.temporaryFolder().appendingPathComponent("report")
        let relay = try Child([
            "python3", Fanfold.tool("relay.py"), "\(plan.entrance ?? 0)", "\(cluster.wire)", "8",
            report.path,
        ])
        while !FileManager.default.fileExists(atPath: report.path) {
            try #require(relay.isRunning, "\(relay.errorsSoFar)")
            try await Task.sleep(for: .milliseconds(20))
        }
        try cluster.startWorker("w0")
        try cluster.startWorker("w1")
        try await cluster.waitForWorkers(2)
        let before = Leftovers.descriptors(of: cluster.coordinator)
        try await cluster.submit(cluster.doubling(240, sleep: "0.1"))
        try await cluster.expectDoubled(240)
        let did = try JSONDecoder().decode(Report.self, from: Data(contentsOf: report))
        #expect(did.cuts >= 5, "\(did)")
        try await Leftovers.expectDescriptors(of: cluster.coordinator, atMost: before)
        try await cluster.stop()
        try await ToldResults(journal: cluster.state.appendingPathComponent("journal").path)
            .expectOnce(120)
        relay.send(SIGKILL)
        _ = try await relay.finish(within: 10)
    }
}
