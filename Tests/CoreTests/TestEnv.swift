import Testing

@testable import FanfoldCore

let task0 = TaskID(0)
let worker0 = WorkerID(0)
let worker1 = WorkerID(1)

func attempt(_ index: UInt32, _ epoch: UInt16 = 1) -> AttemptID {
    AttemptID(subtask: SubtaskID(task: task0, index: index), epoch: epoch)
}

func slot(_ index: UInt32, _ generation: UInt32 = 0) -> SlotID {
    SlotID(index: index, generation: generation)
}

func exit1() -> Failure { Failure(.exitCode, reason: "exit-code", "it ended with exit code 1") }

/// A coordinator and its clock; a story is a list of what happens and what must follow.
final class TestEnv {
    var core = Coordinator()
    var now: UInt64 = 0

    /// A coordinator in which task 0 has begun and been asked for its first subtasks.
    init(
        cores: [Int64] = [1], policy: FailurePolicy = .bestEffort, attempts: Int = 1,
        timeout: UInt64? = nil, maximum: Int? = nil
    ) {
        for (index, count) in cores.enumerated() { worker(UInt32(index), cores: count) }
        let task = TaskSpec(
            id: task0, name: "score", timeoutNanoseconds: timeout,
            retry: RetryPolicy(attempts: attempts, baseNanoseconds: 100, capNanoseconds: 100),
            failurePolicy: policy)
        on(
            .runSubmitted(
                RunSpec(id: RunID(1), seed: 7, tasks: [task], maximumConcurrency: maximum)))
        on(.shapeDeclared(ShapeID(0), ShapeSpec(task: task0)))
        on(.strategyBegan(task0))
    }

    /// Lets something happen.
    ///
    /// Returns: All effects.
    @discardableResult
    func on(_ event: Event) -> [Effect] {
        let effects = core.handle(event, at: Tick(now))
        #expect(core.violations() == [])
        return effects
    }

    @discardableResult
    func worker(_ id: UInt32, cores: Int64) -> [Effect] {
        on(
            .workerRegistered(
                WorkerSpec(
                    id: WorkerID(id),
                    capacity: ResourceVector(milliCores: cores * 1000, memoryBytes: 1 << 30))))
    }

    /// The strategy puts this many subtasks.
    @discardableResult
    func put(_ count: Int, _ state: SplitState = .end) -> [Effect] {
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: count)
        return on(.strategySplit(task0, added: added, state: state))
    }

    @discardableResult
    func put(after: [[UInt32]]) -> [Effect] {
        let added = after.map { SubtaskSpec(shape: ShapeID(0), after: $0) }
        return on(.strategySplit(task0, added: added, state: .end))
    }

    /// An attempt ends on a worker.
    @discardableResult
    func ended(
        _ attempt: AttemptID, _ slot: SlotID?, next: AttemptID? = nil, failure: Failure? = nil,
        on worker: WorkerID = worker0, ran: UInt64 = 10_000_000
    ) -> [Effect] {
        on(
            .attemptsEnded(
                worker,
                [
                    AttemptReport(
                        attempt: attempt, outcome: failure.map { .failed($0) } ?? .succeeded,
                        slot: slot, successor: next, usage: AttemptUsage(ranNanoseconds: ran))
                ]))
    }

    @discardableResult
    func reply(
        _ answer: StrategyReply.Answer = .results, withdrawn: [UInt32] = []
    ) -> [Effect] {
        on(.strategyReplied(task0, StrategyReply(answer, withdrawn: withdrawn)))
    }
}

func start(_ attempt: AttemptID, _ slot: SlotID) -> Assignment {
    Assignment(attempt: attempt, shape: ShapeID(0), order: .start(slot))
}

func queue(_ attempt: AttemptID) -> Assignment {
    Assignment(attempt: attempt, shape: ShapeID(0), order: .queue)
}
