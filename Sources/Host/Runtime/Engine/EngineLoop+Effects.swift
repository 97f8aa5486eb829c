import FanfoldCore
import FanfoldJSON

/// An order on its way out of the loop.
enum Outgoing: Sendable {
    case orders([WorkOrder], to: any WorkerPort)
    case takeBack([AttemptID], from: any WorkerPort)
    case cancel([AttemptID], reason: String, on: any WorkerPort)
    case call(StrategyCall, on: StrategyLane)
    /// Something that may be said or done once the turn is durable.
    case tell(@Sendable () -> Void)

    /// Hands the order on.
    ///
    /// Nothing in here waits.
    func carryOut() {
        switch self {
        case .orders(let orders, let worker): worker.accept(orders)
        case .takeBack(let attempts, let worker): worker.takeBack(attempts)
        case .cancel(let attempts, let reason, let worker):
            worker.cancel(attempts, reason: reason)
        case .call(let call, let lane): lane.make(call)
        case .tell(let body): body()
        }
    }
}

extension EngineLoop {
    /// Has something done once what this turn decided is durable.
    package mutating func afterCommit(_ body: @escaping @Sendable () -> Void) {
        outgoing.append(.tell(body))
    }

    /// Notes what an order changes in the books, and what is to go out.
    mutating func perform(_ effect: Effect, at now: Tick) {
        switch effect {
        case .cancel(let worker, let attempts, let reason):
            outgoing.append(
                .cancel(attempts, reason: text(of: reason, attempts), on: port(of: worker)))
        case .takeBack(let worker, let attempts):
            outgoing.append(.takeBack(attempts, from: port(of: worker)))
        case .start(let worker, let assignments): start(assignments, on: worker)
        case .tellResults(let task, let attempts): tell(attempts, to: task)
        case .tellFailure(let subtask, let failure, let attempts):
            call(.failure(failure, index: subtask.index, attempts: attempts), of: subtask.task)
        case .tellCapacity(let task): call(.capacity(capacity(for: task).bytes), of: task)
        case .forget(let subtasks):
            for subtask in subtasks { tasks[Int(subtask.task.index)].forget(subtask.index) }
        case .split(let task, let want): call(.split(want: want), of: task)
        case .finishStrategy(let task): call(.finish, of: task)
        case .endStrategy(let task): call(.end, of: task)
        case .beginStrategy(let task): begin(task, at: now)
        case .taskEnded(let task, let outcome): end(task, outcome, at: now)
        case .runEnded(let run, let outcome): ended(run, outcome, at: now)
        case .wakeAt(let tick): wakeAt = tick
        }
    }

    private func port(of worker: WorkerID) -> any WorkerPort { workers[Int(worker.index)].port }

    private mutating func call(_ call: StrategyCall, of task: TaskID) {
        guard let lane = tasks[Int(task.index)].lane else { return }
        if options.log != nil { turn.calls.append((task, call)) }
        outgoing.append(.call(call, on: lane))
    }

    private mutating func begin(_ task: TaskID, at now: Tick) {
        let place = Int(task.index)
        let run = runs[tasks[place].run]
        tasks[place].figures.begunAt = now
        guard let plan = tasks[place].plan, let prepared = run.prepared else { return }
        makeLane(of: task, plan, prepared, firstTask: run.firstTask)
        var spec = plan.beginSpec(inputs: tasks[place].inputs, seed: prepared.pipeline.seed)
        for (key, value) in capacity(for: task).objectValue?.members ?? [] { spec[key] = value }
        call(.begin(spec: JSON.object(spec).bytes), of: task)
    }

    /// The lane of a task whose inputs are there.
    mutating func makeLane(
        of task: TaskID, _ plan: PlannedTask, _ prepared: PreparedRun, firstTask: Int
    ) {
        let place = Int(task.index)
        tasks[place].inputs = plan.inputs.map { input in
            switch input {
            case .input(let index): prepared.inputs[index]
            case .task(let index): tasks[firstTask + index].output ?? Dataset.empty
            }
        }
        let lane = StrategyLane(
            task: task, plan: plan, inputs: tasks[place].inputs,
            callNanoseconds: options.strategyCallNanoseconds, keep: options.keepOutput
        ) { [mailbox] notice in
            mailbox.post(.strategy(task, notice))
        }
        tasks[place].lane = lane
        lanes[task] = lane
    }

    /// What a strategy is told of the workers.
    private func capacity(for task: TaskID) -> JSON {
        let present = coordinator.workerUsage().filter {
            $0.phase == .active || $0.phase == .suspect
        }
        return EngineCapacity.describe(
            present.map { usage in
                let entry = workers[Int(usage.worker.index)]
                return LocalWorkerPlan(
                    name: entry.port.name, milliCores: entry.milliCores,
                    memoryBytes: entry.memoryBytes)
            },
            needs: tasks[Int(task.index)].needs)
    }

    mutating func end(_ task: TaskID, _ outcome: TaskOutcome, at now: Tick) {
        let place = Int(task.index)
        if options.log != nil, !isReplaying { turn.endedTasks.append(task) }
        tasks[place].figures.endedAt = now
        tasks[place].outcome = outcome
        tasks[place].clear()
        if let lane = lanes.removeValue(forKey: task) { endedLanes.append(lane) }
    }

    private mutating func start(_ assignments: [Assignment], on worker: WorkerID) {
        var orders: [WorkOrder] = []
        orders.reserveCapacity(assignments.count)
        // Looked up once for all attempts of a run: a copy of a run costs more than one of them.
        var run = -1
        var directory = "/"
        for assignment in assignments {
            let place = Int(assignment.attempt.task.index)
            if tasks[place].run != run {
                run = tasks[place].run
                directory = runs[run].prepared?.pipeline.directory ?? "/"
            }
            var work = tasks[place].work(for: assignment.attempt, in: directory)
            if let gang = assignment.gang, case .run(var item) = work {
                item.gang = WorkGang(
                    rank: gang.rank, hosts: gang.workers.map { port(of: $0).host })
                work = .run(item)
            }
            orders.append(WorkOrder(assignment: assignment, work: work))
        }
        outgoing.append(.orders(orders, to: port(of: worker)))
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
        call(.results(outcomes), of: task)
    }

    private func text(of reason: CancelReason, _ attempts: [AttemptID]) -> String {
        switch reason {
        case .timeout: "it ran longer than its timeout"
        case .withdrawn: "the strategy does not need it any more"
        case .taskFailed: "its task failed"
        case .givenUp: "it was given up, and may run elsewhere"
        case .preempted: "a run of much higher priority needs its place; it is tried again"
        case .runCancelled:
            attempts.first.flatMap { runs[tasks[Int($0.task.index)].run].cancelReason }
                ?? "the run has ended"
        }
    }
}
