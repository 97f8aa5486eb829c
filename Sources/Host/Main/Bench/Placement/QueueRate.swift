import FanfoldCore
import FanfoldRuntime

/// `fanfold bench queues`: what the coordinator takes for each attempt that ends while many queues
/// want more than there is, on workers made up.
struct QueueRate {
    /// How many there are: a run in each, whose subtasks never come to an end.
    let queues: Int
    let workers: Int
    /// Attempts that end.
    let ends: Int
    /// What workers say an attempt took.
    let nanoseconds: UInt64

    /// Cores of a worker: so many subtasks run on it.
    static let cores = 8

    /// Cores of the large worker that comes at the end.
    static let largeWorkerCores = 1000

    /// What the coordinator took.
    struct Outcome {
        /// Times that it was called.
        var turns = 0
        /// Nanoseconds of processor time of all of them.
        var total: UInt64 = 0
        /// What the queues hold over their weights: the largest, over the least.
        var spread = 0.0
        /// Nanoseconds of processor time for each slot of a large worker that comes and is filled.
        var slot = 0.0
    }

    /// Fills the workers, then has attempts end in a random order.
    func run() -> Outcome {
        var world = World(self)
        world.build()
        world.outcome = Outcome()
        for _ in 0..<ends { world.endOne() }
        let shares = world.core.queueUsage().filter { $0.runs > 0 }.map(\.share)
        var outcome = world.outcome
        outcome.spread = (shares.max() ?? 0) / max(1e-9, shares.min() ?? 0)
        outcome.slot = Double(world.addLargeWorker()) / Double(Self.largeWorkerCores)
        return outcome
    }
}

/// Workers that do at once what they are told.
private struct World {
    let rate: QueueRate
    var core = Coordinator()
    var outcome = QueueRate.Outcome()
    private var random = SplitMix64(seed: 42)
    private var now = Tick.zero
    private var running: [[(slot: SlotID, attempt: AttemptID, shape: ShapeID)]]
    private var queued: [[(attempt: AttemptID, shape: ShapeID)]]
    private var pending: [Event] = []
    private var next = 0

    init(_ rate: QueueRate) {
        self.rate = rate
        running = Array(repeating: [], count: rate.workers)
        queued = Array(repeating: [], count: rate.workers)
    }

    mutating func build() {
        let specs = (0..<rate.queues).map { QueueSpec(name: "q\($0)", weight: 1 + $0 % 4) }
        tell(.queuesConfigured(specs))
        tell(.placementConfigured(PlacementSettings()))
        for worker in 0..<rate.workers {
            tell(
                .workerRegistered(
                    WorkerSpec(
                        id: WorkerID(UInt32(worker)),
                        capacity: ResourceVector(
                            milliCores: Int64(QueueRate.cores) * 1000, memoryBytes: 1 << 36))))
        }
        for queue in 0..<rate.queues {
            let task = core.nextTask
            let needs = ResourceRequest(milliCores: 1000, memoryBytes: 1 << 30)
            let spec = TaskSpec(id: task, name: "t\(queue)", needs: needs)
            tell(
                .runSubmitted(
                    RunSpec(
                        id: RunID(UInt64(queue) + 1), seed: 1, tasks: [spec],
                        queue: "q\(queue)")),
                .shapeDeclared(ShapeID(UInt32(queue)), ShapeSpec(task: task)))
        }
        // Until each queue has what is its own.
        for _ in 0..<(4 * rate.workers * QueueRate.cores) { endOne() }
    }

    /// A worker comes that takes many subtasks at once.
    ///
    /// - Returns: nanoseconds of processor time of that one turn.
    mutating func addLargeWorker() -> UInt64 {
        let id = WorkerID(UInt32(rate.workers))
        let spec = WorkerSpec(
            id: id,
            capacity: ResourceVector(
                milliCores: Int64(QueueRate.largeWorkerCores) * 1000, memoryBytes: 1 << 42))
        let begin = threadNanoseconds()
        let effects = core.handle(.workerRegistered(spec), at: now)
        let taken = threadNanoseconds() - begin
        let given = effects.reduce(0) { sum, effect in
            guard case .start(id, let assignments) = effect else { return sum }
            return sum + assignments.count { $0.slot != nil }
        }
        precondition(given == QueueRate.largeWorkerCores, "the large worker was not filled")
        return taken
    }

    /// An attempt that runs somewhere ends.
    mutating func endOne() {
        now = now.advanced(byNanoseconds: 1_000_000)
        var worker = Int(random.upTo(UInt64(rate.workers - 1)))
        while running[worker].isEmpty { worker = (worker + 1) % rate.workers }
        let place = Int(random.upTo(UInt64(running[worker].count - 1)))
        let ended = running[worker].remove(at: place)
        var successor: AttemptID?
        if let first = queued[worker].firstIndex(where: { $0.shape == ended.shape }) {
            let attempt = queued[worker].remove(at: first).attempt
            running[worker].append((ended.slot, attempt, ended.shape))
            successor = attempt
        }
        tell(
            .attemptsEnded(
                WorkerID(UInt32(worker)),
                [
                    AttemptReport(
                        attempt: ended.attempt, outcome: .succeeded, slot: ended.slot,
                        successor: successor,
                        usage: AttemptUsage(ranNanoseconds: rate.nanoseconds))
                ]))
    }

    private mutating func tell(_ events: Event...) {
        pending += events
        while next < pending.count {
            let event = pending[next]
            next += 1
            let begin = threadNanoseconds()
            let effects = core.handle(event, at: now)
            outcome.total += threadNanoseconds() - begin
            outcome.turns += 1
            for effect in effects { carryOut(effect) }
        }
        pending.removeAll(keepingCapacity: true)
        next = 0
    }

    private mutating func carryOut(_ effect: Effect) {
        switch effect {
        case .start(let worker, let assignments):
            for each in assignments { begin(each, on: Int(worker.index)) }
        case .takeBack(let worker, let attempts):
            let index = Int(worker.index)
            let taken = attempts.filter { each in queued[index].contains { $0.attempt == each } }
            queued[index].removeAll { taken.contains($0.attempt) }
            pending.append(.attemptsTakenBack(worker, taken))
        case .beginStrategy(let task): pending.append(.strategyBegan(task))
        case .split(let task, let want):
            let shape = ShapeID(task.index)
            pending.append(
                .strategySplit(
                    task, added: Array(repeating: SubtaskSpec(shape: shape), count: want),
                    state: .more))
        case .tellResults(let task, _):
            pending.append(.strategyReplied(task, StrategyReply(.results)))
        case .tellCapacity(let task):
            pending.append(.strategyReplied(task, StrategyReply(.capacity)))
        default: break
        }
    }

    private mutating func begin(_ each: Assignment, on worker: Int) {
        switch each.order {
        case .queue: queued[worker].append((each.attempt, each.shape))
        case .start(let slot): running[worker].append((slot, each.attempt, each.shape))
        case .promote(let slot):
            guard let place = queued[worker].firstIndex(where: { $0.attempt == each.attempt })
            else {
                pending.append(.slotsReturned(WorkerID(UInt32(worker)), [slot]))
                return
            }
            queued[worker].remove(at: place)
            running[worker].append((slot, each.attempt, each.shape))
        }
    }
}
