import Testing

@testable import FanfoldCore

/// Runs of one task and one shape each, and workers that do at once what they are told: a story is
/// a list of what is submitted and what ends.
final class SharingWorld {
    struct Running {
        var slot: SlotID
        var attempt: AttemptID
        var shape: ShapeID
    }

    var core = Coordinator()
    /// In seconds.
    var now: UInt64 = 0
    var running: [[Running]] = []
    var queued: [[(attempt: AttemptID, shape: ShapeID)]] = []
    /// Attempts that were told to end for others, in order.
    var preempted: [AttemptID] = []
    /// Whether workers end what they are told to; else the test does.
    var obeysCancels = true
    /// Whether the coordinator is replaced by its copy after every event.
    var copies = false
    /// Whether the rules are checked after every event.
    var checks = true
    /// Attempts that were ever ordered.
    private var ordered: Set<AttemptID> = []
    private var pending: [Event] = []
    private var isBusy = false
    private var cancelled: [(AttemptID, WorkerID)] = []

    init(_ queues: [QueueSpec] = []) {
        if !queues.isEmpty { on(.queuesConfigured(queues)) }
    }

    func on(_ events: Event...) {
        pending += events
        guard !isBusy else { return }
        isBusy = true
        while !pending.isEmpty {
            let next = pending.removeFirst()
            let effects = core.handle(next, at: Tick(now * 1_000_000_000))
            if checks { #expect(core.violations() == []) }
            for effect in effects { carryOut(effect) }
            // What runs takes a moment to end: what is asked back at once is not handed on to.
            for (attempt, worker) in cancelled { cancel(attempt, on: worker) }
            cancelled = []
            if copies { copy() }
        }
        isBusy = false
    }

    private func copy() {
        let bytes = core.encoded()
        do {
            let copy = try Coordinator(decoding: bytes)
            #expect(copy.encoded() == bytes)
            core = copy
        } catch {
            Issue.record("a coordinator must read what it wrote: \(error)")
        }
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .cancel(let worker, let attempts, let reason):
            if reason == .preempted { preempted += attempts }
            expectOrdered(attempts)
            guard obeysCancels else { return }
            cancelled += attempts.map { ($0, worker) }
        case .takeBack(let worker, let attempts):
            expectOrdered(attempts)
            let index = Int(worker.index)
            let taken = attempts.filter { each in queued[index].contains { $0.attempt == each } }
            queued[index].removeAll { taken.contains($0.attempt) }
            pending.append(.attemptsTakenBack(worker, taken))
        case .start(let worker, let assignments):
            ordered.formUnion(assignments.map(\.attempt))
            for each in assignments { begin(each, on: worker) }
        case .beginStrategy(let task): pending.append(.strategyBegan(task))
        case .tellResults(let task, _):
            pending.append(.strategyReplied(task, StrategyReply(.results)))
        case .tellCapacity(let task):
            pending.append(.strategyReplied(task, StrategyReply(.capacity)))
        case .tellFailure(let subtask, _, _):
            pending.append(
                .strategyReplied(
                    subtask.task, StrategyReply(.failure(index: subtask.index, .skip))))
        case .split(let task, _):
            let added = supply[task] ?? []
            supply[task] = nil
            pending.append(.strategySplit(task, added: added, state: .end))
        case .finishStrategy(let task): pending.append(.strategyFinished(task))
        case .wakeAt(let tick): wake = tick
        case .forget, .endStrategy, .taskEnded, .runEnded: break
        }
    }

    private var supply: [TaskID: [SubtaskSpec]] = [:]
    private(set) var wake: Tick?

    private func begin(_ assignment: Assignment, on worker: WorkerID) {
        let index = Int(worker.index)
        switch assignment.order {
        case .queue: queued[index].append((assignment.attempt, assignment.shape))
        case .start(let slot):
            running[index].append(
                Running(slot: slot, attempt: assignment.attempt, shape: assignment.shape))
        case .promote(let slot):
            guard let place = queued[index].firstIndex(where: { $0.attempt == assignment.attempt })
            else { return pending.append(.slotsReturned(worker, [slot])) }
            queued[index].remove(at: place)
            running[index].append(
                Running(slot: slot, attempt: assignment.attempt, shape: assignment.shape))
        }
    }

    /// A worker that is told about what it does not have yet would do nothing.
    private func expectOrdered(_ attempts: [AttemptID]) {
        #expect(ordered.isSuperset(of: attempts), "an attempt is given up before it is ordered")
    }

    private func cancel(_ attempt: AttemptID, on worker: WorkerID) {
        let index = Int(worker.index)
        let failure = Failure(.cancelled, retry: .never, reason: "cancelled", "it was cancelled")
        if let place = queued[index].firstIndex(where: { $0.attempt == attempt }) {
            queued[index].remove(at: place)
            pending.append(
                .attemptsEnded(
                    worker,
                    [AttemptReport(attempt: attempt, outcome: .failed(failure), slot: nil)]))
        } else if let place = running[index].firstIndex(where: { $0.attempt == attempt }) {
            pending.append(.attemptsEnded(worker, [report(index, place, .failed(failure))]))
        }
    }

    /// The end of what runs in a place, whose slot goes to the next of the shape.
    private func report(_ worker: Int, _ place: Int, _ outcome: AttemptOutcome) -> AttemptReport {
        let ended = running[worker].remove(at: place)
        var successor: AttemptID?
        if let next = queued[worker].firstIndex(where: { $0.shape == ended.shape }) {
            successor = queued[worker].remove(at: next).attempt
        }
        if let successor {
            running[worker].append(
                Running(slot: ended.slot, attempt: successor, shape: ended.shape))
        }
        return AttemptReport(
            attempt: ended.attempt, outcome: outcome, slot: ended.slot, successor: successor,
            usage: AttemptUsage(ranNanoseconds: 60_000_000_000))
    }
}

extension SharingWorld {
    @discardableResult
    func worker(
        cores: Int64, gigabytes: Int64 = 64, gpus: Int = 0, labels: [String] = []
    ) -> WorkerID {
        let id = WorkerID(UInt32(running.count))
        running.append([])
        queued.append([])
        on(
            .workerRegistered(
                WorkerSpec(
                    id: id,
                    capacity: ResourceVector(
                        milliCores: cores * 1000, memoryBytes: gigabytes << 30,
                        devices: Array(
                            repeating: DeviceVector(memoryBytes: 16 << 30), count: gpus)),
                    labels: labels)))
        return id
    }

    func lose(_ worker: WorkerID) {
        running[Int(worker.index)] = []
        queued[Int(worker.index)] = []
        on(.workerLost(worker, reason: "gone"))
    }

    /// A run of so many subtasks that all need the same.
    ///
    /// Returns: Its task, which has the number of the run less one.
    @discardableResult
    func run(
        _ count: Int, queue: String? = nil, priority: Int = 0, cores: Int64 = 1,
        gigabytes: Int64 = 0, gpus: Int = 0, milli: Int64 = 1000, labels: [String] = [],
        topology: DeviceTopology = .any, maximum: Int? = nil
    ) -> TaskID {
        let task = core.nextTask
        let needs = ResourceRequest(
            milliCores: cores * 1000, memoryBytes: gigabytes << 30, devices: gpus,
            deviceMilli: milli, topology: topology, labels: labels)
        let shape = ShapeID(task.index)
        supply[task] = Array(repeating: SubtaskSpec(shape: shape), count: count)
        on(
            .runSubmitted(
                RunSpec(
                    id: RunID(UInt64(task.index) + 1), seed: 1,
                    tasks: [TaskSpec(id: task, name: "t\(task.index)", needs: needs)],
                    maximumConcurrency: maximum, queue: queue, priority: priority)),
            .shapeDeclared(shape, ShapeSpec(task: task)))
        return task
    }

    /// Slots that a task holds.
    func slots(_ task: TaskID) -> Int { core.shapes[Int(task.index)].slots }

    func count(_ task: TaskID) -> Int { core.progress(of: task)?.running ?? 0 }

    /// The attempt of a task that has run longest ends.
    ///
    /// Returns: Whether there was one.
    @discardableResult
    func end(_ task: TaskID, failure: Failure? = nil) -> Bool {
        for worker in running.indices {
            if let place = running[worker].firstIndex(where: { $0.attempt.task == task }) {
                end(worker, place, failure)
                return true
            }
        }
        return false
    }

    func end(_ worker: Int, _ place: Int, _ failure: Failure? = nil) {
        let ended = report(worker, place, failure.map { .failed($0) } ?? .succeeded)
        on(.attemptsEnded(WorkerID(UInt32(worker)), [ended]))
    }

    /// Time goes on, and what is due happens.
    func wait(_ seconds: UInt64) {
        now += seconds
        on(.timeElapsed)
    }
}
