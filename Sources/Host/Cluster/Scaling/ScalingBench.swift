import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime

/// What an evaluation of the scaler costs, on the coordinator's loop and beside it.
///
/// The coordinator's core holds workers of 16 cores that are made up, and has work of many shapes
/// placed on them; the evaluation is the one of a coordinator, from the look at the tables to the bytes
/// for the journal.
package struct ScalingBench {
    /// Times of one kind of turn, in milliseconds.
    package struct Times: Sendable {
        /// Of each round.
        package var milliseconds: [Double] = []
        /// The mean.
        package var mean: Double {
            milliseconds.reduce(0, +) / Double(max(1, milliseconds.count))
        }
        /// The longest.
        package var worst: Double { milliseconds.max() ?? 0 }
    }

    /// What was measured.
    package struct Report: Sendable {
        /// Attempts that run.
        package var running = 0
        /// What the loop spends on looking.
        package var loop = Times()
        /// What is spent beside the loop.
        package var evaluation = Times()
        /// What was decided in all rounds.
        package var decisions = 0
    }

    /// A provider that nobody asks.
    private final class NoFleet: Fleet {
        func check() throws(PluginFailure) -> [RentalCheck] { [] }
        func offerings() throws(PluginFailure) -> [RentableOffering] { [] }
        func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker] { [] }
        func describe(_ query: RentedFleet.Query) throws(PluginFailure) -> [RentedWorker] { [] }
        func terminate(_ ids: [String]) throws(PluginFailure) {}
        func close() {}
    }

    private static let second: UInt64 = 1_000_000_000
    private static let cores: Int64 = 16
    private static let memoryBytes: Int64 = 64 << 30
    /// Subtasks of a part of the work.
    private static let partCount = 32
    /// Subtasks of each shape that wait where all workers are busy.
    private static let waitingCount = 500

    private let workers: Int
    private let shapes: Int
    private let isBusy: Bool
    private var random = SplitMix64(seed: 1)

    /// - Parameter isBusy: whether all workers are busy and much waits; otherwise a few are busy and
    ///   workers are removed.
    package init(workers: Int, shapes: Int, isBusy: Bool) {
        self.workers = workers
        self.shapes = shapes
        self.isBusy = isBusy
    }

    /// Measures so many evaluations, half a minute apart.
    package mutating func run(rounds: Int) -> Report {
        var coordinator = coordinator()
        var scaler = Scaler(settings: ScalingSettings(pools: []))
        var memory = ScalingMemory()
        memory.currency = "XTS"
        memory.offerings = ["pool": [offering]]
        let (scaling, lists, instances) = surroundings()
        var report = Report()
        report.running = coordinator.workerUsage().reduce(0) { $0 + $1.slots }
        var idleSince: [String: UInt64] = [:]
        for round in 0...rounds {
            let now = Tick(UInt64(round + 1) * 30 * Self.second)
            _ = coordinator.handle(.timeElapsed, at: now)
            let begin = monotonicNanoseconds()
            let evaluation = ScalingEvaluation(
                scaling: scaling, owner: "bench", wall: now, scaler: scaler, memory: memory,
                offered: [:], foreign: [:], lists: lists, refusedUntil: [:],
                idleSince: idleSince,
                demand: coordinator.scalingDemand(within: scaler.longestBootNanoseconds),
                runs: [], work: coordinator.workSnapshot(), instances: instances)
            let looked = monotonicNanoseconds()
            let outcome = evaluation.evaluated()
            let decided = monotonicNanoseconds()
            idleSince = outcome.idleSince
            scaler = outcome.after
            for decision in outcome.made {
                if case .launch(let id, _, _) = decision.action {
                    scaler.launchFailed(id, at: now)
                }
            }
            // The first round finds all workers.
            guard round > 0 else { continue }
            report.loop.milliseconds.append(Double(looked - begin) / 1e6)
            report.evaluation.milliseconds.append(Double(decided - looked) / 1e6)
            report.decisions += outcome.made.count
        }
        return report
    }

    private var offering: ScalingOffering {
        var offering = ScalingOffering(
            name: "made-up",
            resources: ResourceVector(
                milliCores: Self.cores * 1_000, memoryBytes: Self.memoryBytes),
            microsPerHour: 1_000_000)
        offering.labels = ["pool=pool"]
        return offering
    }

    private func surroundings() -> (
        ClusterScaling, [String: ScalingDesk.WorkerList], [String: ScalingEvaluation.Instance]
    ) {
        let pool = PoolDeclaration(name: "pool", provider: "made-up", maximum: workers + 100)
        let scaling = ClusterScaling(
            pools: [pool], declaration: ScalingDeclaration(),
            providers: [.init(name: "made-up", fleet: NoFleet(), isLocal: false)],
            memoryShare: 1)
        var list = ScalingDesk.WorkerList()
        list.isKnown = true
        var instances: [String: ScalingEvaluation.Instance] = [:]
        let token = LaunchToken(owner: "bench", pool: "pool", launch: 1).text
        for number in 0..<workers {
            let name = "machine-of-a-cloud-\(number)"
            let worker = RentedWorker([
                "id": .string(name), "token": .string(token), "state": "running",
                "offering": "made-up",
            ])
            if let worker { list.workers.append(worker) }
            instances[name] = .init(
                worker: WorkerID(UInt32(number)), capacity: offering.resources)
        }
        return (scaling, ["made-up": list], instances)
    }

    /// A coordinator whose workers are filled, with as much that waits, or that has little to do.
    private mutating func coordinator() -> Coordinator {
        var coordinator = Coordinator()
        func on(_ event: Event) { _ = coordinator.handle(event, at: Tick(Self.second)) }
        for number in 0..<workers {
            on(
                .workerRegistered(
                    WorkerSpec(
                        id: WorkerID(UInt32(number)), capacity: offering.resources,
                        labels: offering.labels)))
        }
        let needs = (0..<shapes).map { _ in
            ResourceRequest(
                milliCores: Int64(random.upTo(15) + 1) * 250,
                memoryBytes: Int64(random.upTo(31) + 1) << 28)
        }
        // Work of all shapes comes in small parts, so that hardly two workers are filled alike.
        var parts: [(needs: ResourceRequest, count: Int)] = []
        var left = Int64(workers) * Self.cores * 1_000 / (isBusy ? 1 : 20)
        while left > 0 {
            let needs = needs[Int(random.upTo(UInt64(shapes - 1)))]
            parts.append((needs, Self.partCount))
            left -= needs.milliCores * Int64(Self.partCount)
        }
        if isBusy { parts += needs.map { ($0, Self.waitingCount) } }
        let tasks = parts.enumerated().map { number, part in
            TaskSpec(id: TaskID(UInt32(number)), name: "t\(number)", needs: part.needs)
        }
        on(.runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: tasks)))
        for (task, part) in zip(tasks, parts) {
            let shape = ShapeID(task.id.index)
            on(.shapeDeclared(shape, ShapeSpec(task: task.id, needs: part.needs)))
            on(.strategyBegan(task.id))
            on(
                .strategySplit(
                    task.id, added: Array(repeating: SubtaskSpec(shape: shape), count: part.count),
                    state: .end))
        }
        return coordinator
    }
}
