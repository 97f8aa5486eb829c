import FanfoldCore
import FanfoldJSON

extension RunLoop {
    /// Carries out one order.
    ///
    /// Nothing in here waits.
    mutating func perform(_ effect: Effect, at now: Tick) {
        switch effect {
        case .cancel(let worker, let attempts, let reason):
            workers[Int(worker.index)].cancel(attempts, reason: text(of: reason))
        case .takeBack(let worker, let attempts):
            workers[Int(worker.index)].takeBack(attempts)
        case .start(let worker, let assignments): start(assignments, on: worker)
        case .tellResults(let task, let attempts): tell(attempts, to: task)
        case .tellFailure(let subtask, let failure, let attempts):
            lane(of: subtask.task)?.tell(failure: failure, of: subtask.index, attempts: attempts)
        case .tellCapacity(let task):
            lane(of: task)?.tell(capacity: capacity(for: task).bytes)
        case .forget(let subtasks):
            for subtask in subtasks { tasks[Int(subtask.task.index)].forget(subtask.index) }
        case .split(let task, let want): lane(of: task)?.split(want: want)
        case .finishStrategy(let task): lane(of: task)?.finish()
        case .endStrategy(let task): lane(of: task)?.end()
        case .beginStrategy(let task): begin(task, at: now)
        case .taskEnded(let task, let outcome): end(task, outcome, at: now)
        case .runEnded(_, let outcome): self.outcome = outcome
        case .wakeAt(let tick): wakeAt = tick
        }
    }

    private func lane(of task: TaskID) -> StrategyLane? { tasks[Int(task.index)].lane }

    private mutating func begin(_ task: TaskID, at now: Tick) {
        let place = Int(task.index)
        let plan = tasks[place].plan
        tasks[place].figures.begunAt = now
        tasks[place].inputs = plan.inputs.map { input in
            switch input {
            case .input(let index): run.inputs[index]
            case .task(let index):
                tasks[index].output ?? Dataset.empty
            }
        }
        let lane = StrategyLane(
            task: task, name: plan.name, callNanoseconds: options.strategyCallNanoseconds,
            isIsolated: plan.strategy.isIsolated
        ) { [mailbox] notice in
            mailbox.post(.strategy(task, notice))
        }
        tasks[place].lane = lane
        lanes.append(lane)
        var spec = plan.beginSpec(inputs: tasks[place].inputs, seed: run.pipeline.seed)
        for (key, value) in capacity(for: task).objectValue?.members ?? [] { spec[key] = value }
        lane.begin(plan.strategy, spec: JSON.object(spec).bytes, inputs: tasks[place].inputs)
    }

    /// What a strategy is told of the workers.
    private func capacity(for task: TaskID) -> JSON {
        let needs = tasks[Int(task.index)].plan.spec.needs
        return EngineCapacity.describe(options.workers, needs: needs)
    }

    private mutating func end(_ task: TaskID, _ outcome: TaskOutcome, at now: Tick) {
        let place = Int(task.index)
        tasks[place].figures.endedAt = now
        tasks[place].outcome = outcome
        tasks[place].clear()
    }

    private mutating func start(_ assignments: [Assignment], on worker: WorkerID) {
        let directory = run.pipeline.directory
        var orders: [WorkOrder] = []
        orders.reserveCapacity(assignments.count)
        for assignment in assignments {
            let place = Int(assignment.attempt.task.index)
            orders.append(
                WorkOrder(
                    assignment: assignment,
                    work: tasks[place].work(for: assignment.attempt, in: directory)))
        }
        workers[Int(worker.index)].accept(orders)
    }

    /// Keeps the results that are about to be told: subtasks that name one may start first.
    mutating func keepResults(_ attempts: [AttemptID], of task: TaskID) {
        for attempt in attempts {
            guard case .success(let payload, let format, _)? = arrived[attempt]?.result.outcome
            else {
                preconditionFailure("a result is told in the effects of the event it came with")
            }
            tasks[Int(task.index)].keep(
                LentPayload(payload.whole, format: format), of: attempt.index)
        }
    }

    private mutating func tell(_ attempts: [AttemptID], to task: TaskID) {
        let place = Int(task.index)
        var outcomes: [SubtaskOutcome] = []
        outcomes.reserveCapacity(attempts.count)
        for attempt in attempts {
            guard
                let ended = arrived[attempt], let payload = tasks[place].result(of: attempt.index),
                case .success(_, _, let items) = ended.result.outcome
            else { continue }
            outcomes.append(
                SubtaskOutcome(
                    index: attempt.index, worker: arrivedFrom, attempt: attempt.epoch,
                    payload: payload, items: items,
                    ranNanoseconds: ended.result.ranNanoseconds, bytesIn: ended.result.bytesIn,
                    bytesOut: ended.result.bytesOut))
        }
        tasks[place].tell(attempts.map(\.index))
        lane(of: task)?.tell(outcomes)
    }

    private func text(of reason: CancelReason) -> String {
        switch reason {
        case .timeout: "it ran longer than its timeout"
        case .withdrawn: "the strategy does not need it any more"
        case .taskFailed: "its task failed"
        case .runCancelled: cancelReason ?? "the run has ended"
        }
    }
}
