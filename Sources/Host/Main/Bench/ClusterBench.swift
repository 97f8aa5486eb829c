import FanfoldRuntime

/// No-ops through a coordinator with its journal on disk and a worker, each a process of its own.
struct ClusterBench {
    static let subtasks = 400_000
    /// Run before anything is measured.
    static let warmUp = 20_000

    let context: HostContext
    let config: String?
    let rounds: Int

    func measure() throws -> [String] {
        try [false, true].map { try measure(usesTLS: $0) }
    }

    private func measure(usesTLS: Bool) throws -> String {
        let cluster = try BenchCluster(
            context, usesTLS ? "cluster-tls" : "cluster", config: config, usesTLS: usesTLS)
        defer { cluster.end() }
        try cluster.serve()
        let worker = try cluster.startWorker()
        try cluster.wait(for: try cluster.submit(BenchDocument.noops(Self.warmUp)))
        var rate = Figures()
        var coordinator = Figures()
        var agent = Figures()
        for _ in 0..<rounds {
            let before = (cluster.coordinator?.processorSeconds ?? 0, worker.processorSeconds)
            let taken = try seconds {
                try cluster.wait(for: try cluster.submit(BenchDocument.noops(Self.subtasks)))
            }
            let after = (cluster.coordinator?.processorSeconds ?? 0, worker.processorSeconds)
            rate.add(Double(Self.subtasks) / taken)
            coordinator.add((after.0 - before.0) * 1e6 / Double(Self.subtasks))
            agent.add((after.1 - before.1) * 1e6 / Double(Self.subtasks))
        }
        return "cluster: \(rate.text()) no-op subtasks/s, \(Self.subtasks) of one item each, "
            + "journal on disk, one coordinator and one worker process, "
            + "\(usesTLS ? "TLS" : "plain loopback"); processor time of a subtask: coordinator "
            + "\(coordinator.text(1)) µs, worker \(agent.text(1)) µs"
    }
}
