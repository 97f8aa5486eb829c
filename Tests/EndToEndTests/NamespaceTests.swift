import Foundation
import Testing

/// Three hosts as network namespaces: what crosses a network, and what happens when it does not.
@Suite(
    .enabled(
        if: NetworkNamespaces.canBeMade,
        "ip netns add does not work here (iproute2, root): NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct NamespaceTests {
    @Test(arguments: ["for a moment", "until its worker is given up"])
    func `workers on other hosts get files, and a cut wire costs time and nothing else`(
        _ cut: String
    ) async throws {
        let cluster = try await HostCluster()
        try await cluster.submitFiles(60)
        try await Task.sleep(for: .milliseconds(1_000))
        try cluster.hosts.cut(1, true)
        if cut == "for a moment" {
            try await Task.sleep(for: .milliseconds(1_500))
            try cluster.hosts.cut(1, false)
        }
        // What the silent worker had runs elsewhere once it counts as lost.
        let waited = try await cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        if cut != "for a moment" { try cluster.hosts.cut(1, false) }
        try await cluster.expectFiles(60)
        try await cluster.stop()
    }
}

/// Wires that delay, lose, reorder and cut packets; the kernel's TCP makes the best of it.
///
/// They are a process of the tests (Tools/wire.py) between two TUN devices and not `tc netem`, which
/// many kernels do not have; so it is the same everywhere, and it counts what it did.
@Suite(
    .enabled(
        if: NetworkNamespaces.canBeFaulty,
        "no ip netns (root), no /dev/net/tun or no python3: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct FaultyWireTests {
    @Test func `delay, loss, reordering and a narrow wire cost time and nothing else`() async throws {
        let cluster = try await HostCluster(.faulty)
        for index in 0...1 {
            try cluster.hosts.set(
                index,
                WireFaults(
                    delay_ms: 50, jitter_ms: 20, loss: 0.05, reorder: 0.05, rate_kbit: 8_000))
        }
        try await cluster.submitFiles(24, bytes: 20_000)
        try await cluster.expectFiles(24, bytes: 20_000)
        let counts = try cluster.hosts.counts()
        #expect(counts["lost"] ?? 0 > 5 && counts["overtook"] ?? 0 > 5, "\(counts)")
        for index in 0...1 { try cluster.hosts.set(index, WireFaults()) }
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }

    @Test(arguments: ["to the worker", "to the coordinator"])
    func `a wire that is cut in one direction costs time and nothing else`(
        _ direction: String
    ) async throws {
        let cluster = try await HostCluster(.faulty)
        try await cluster.submitFiles(40)
        try await Task.sleep(for: .milliseconds(700))
        var faults = WireFaults()
        if direction == "to the worker" { faults.cut_ab = true } else { faults.cut_ba = true }
        try cluster.hosts.set(1, faults)
        try await Task.sleep(for: .milliseconds(4_000))
        #expect(try cluster.hosts.counts()["cut"] ?? 0 > 0)
        try cluster.hosts.set(1, WireFaults())
        try await cluster.expectFiles(40)
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }

    @Test func `wires that come and go cost time and nothing else`() async throws {
        let cluster = try await HostCluster(.faulty)
        try await cluster.submitFiles(60)
        var faults = WireFaults()
        (faults.cut_ab, faults.cut_ba) = (true, true)
        for round in 0..<8 {
            try cluster.hosts.set(round % 2, faults)
            try await Task.sleep(for: .milliseconds(350))
            try cluster.hosts.set(round % 2, WireFaults())
            try await Task.sleep(for: .milliseconds(150))
        }
        #expect(try cluster.hosts.counts()["cut"] ?? 0 > 0)
        try await cluster.expectFiles(60)
        try await cluster.waitForWorkers(2)
        try await cluster.stop()
    }
}
