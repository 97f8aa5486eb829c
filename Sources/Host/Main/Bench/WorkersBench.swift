import FanfoldCluster
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc

/// How soon a subtask that became ready has begun on a worker, with a thousand workers.
struct WorkersBench {
    static let workers = 1_000
    /// Chains of no-ops at the same time: so many workers are at work.
    static let chains = 500
    /// No-ops of a chain.
    static let stages = 8
    /// Milliseconds that an attempt takes on average, for each load.
    static let attemptMilliseconds = [500, 250, 100]
    /// Runs of all chains in a round.
    static let runs = 3
    /// Seconds for all workers to be there.
    static let connectSeconds = 60

    let context: HostContext
    let config: String?
    let rounds: Int

    func measure() throws -> [String] {
        LocalMachine.useAllDescriptors()
        let cluster = try BenchCluster(context, "workers", config: config)
        defer { cluster.end() }
        try cluster.serve()
        let crowd = WorkerCrowd()
        defer { crowd.end() }
        crowd.connect(
            Self.workers, to: try WireAddress(try cluster.workerAddress()),
            token: try ClusterToken.read(cluster.stateFolder + "/worker.token"))
        for _ in 0..<(Self.connectSeconds * 100) where crowd.joinedCount < Self.workers {
            usleep(10_000)
        }
        guard crowd.joinedCount == Self.workers, crowd.problem == nil else {
            throw BenchProblem(
                "wanted \(Self.workers) workers, \(crowd.joinedCount) came: "
                    + (crowd.problem ?? "they did not come in time"))
        }
        return try Self.attemptMilliseconds.map { try measure(cluster, crowd, milliseconds: $0) }
    }

    private func measure(
        _ cluster: BenchCluster, _ crowd: WorkerCrowd, milliseconds: Int
    ) throws -> String {
        var half = Figures()
        var most = Figures()
        var rate = Figures()
        for _ in 0..<rounds {
            crowd.begin(milliseconds: milliseconds)
            let taken = try seconds {
                for _ in 0..<Self.runs {
                    let document = BenchDocument.chains(Self.chains, stages: Self.stages)
                    try cluster.wait(for: try cluster.submit(document))
                }
            }
            let samples = crowd.samples
            let wanted = Self.chains * (Self.stages - 1) * Self.runs
            guard crowd.problem == nil, samples.count + crowd.queuedCount >= wanted else {
                throw BenchProblem(
                    "wanted \(wanted) starts, found \(samples.count) and \(crowd.queuedCount) "
                        + "queued: \(crowd.problem ?? "no problem was seen")")
            }
            half.add(Double(samples[samples.count / 2]) / 1e6)
            most.add(Double(samples[samples.count * 99 / 100]) / 1e6)
            rate.add(Double(Self.chains * Self.stages * Self.runs) / taken)
        }
        return "workers: \(Self.workers) connected, \(rate.text()) subtasks/s of "
            + "\(milliseconds) ms: from the end that makes a subtask ready to its start, both as the "
            + "worker sees them: half within \(half.text(2)) ms, p99 \(most.text(2)) ms"
    }
}
