import FanfoldCore
import FanfoldJSON

/// The loop of one run: everything in here belongs to the thread that calls `execute`.
struct RunLoop {
    let run: PreparedRun
    let options: EngineOptions
    let mailbox: Mailbox<EngineMessage>
    let startedAt = monotonicNanoseconds()

    var coordinator = Coordinator()
    var tasks: [TaskRuntime] = []
    var workers: [LocalWorker] = []
    /// Lanes of all tasks that began, to be waited for at the end.
    var lanes: [StrategyLane] = []
    var shapes: [ShapeKey: ShapeID] = [:]
    /// Results of the event that is being handled, until they are told or dropped.
    var arrived: [AttemptID: EndedAttempt] = [:]
    /// The name of the worker that these results came from.
    var arrivedFrom = ""
    var wakeAt: Tick?
    var outcome: RunOutcome?
    var cancelReason: String?

    /// What makes two specifications the same shape.
    struct ShapeKey: Hashable {
        var task: TaskID
        var text: [UInt8]
    }

    init(run: PreparedRun, options: EngineOptions, mailbox: Mailbox<EngineMessage>) {
        self.run = run
        self.options = options
        self.mailbox = mailbox
    }

    /// Nanoseconds since the loop was made.
    var now: Tick { Tick(monotonicNanoseconds() - startedAt) }

    /// Runs until the run has ended, then stops the workers.
    mutating func execute(publish: (RunProgress) -> Void) -> RunReport {
        startWorkers()
        submit()
        var publishedAt: UInt64 = 0
        while outcome == nil {
            let messages = mailbox.takeAll(until: nextDeadline())
            let turn = now
            for message in messages { receive(message, at: turn) }
            fireTimers(at: turn)
            if turn.nanoseconds - publishedAt >= Engine.progressNanoseconds {
                publishedAt = turn.nanoseconds
                publish(progress(at: turn))
                failUnplaceable(at: turn)
            }
        }
        publish(progress(at: now))
        for worker in workers { worker.stop(reason: "the run has ended") }
        for lane in lanes { lane.close() }
        run.executors.close()
        mailbox.close()
        return report()
    }

    private mutating func startWorkers() {
        let executor = ExecutorHost(
            scratchDirectory: options.scratchDirectory, helperPath: options.helperPath,
            executors: run.executors)
        for (index, plan) in options.workers.enumerated() {
            let id = WorkerID(UInt32(index))
            workers.append(
                LocalWorker(id: id, name: plan.name, executor: executor) { [mailbox] id, notice in
                    mailbox.post(.worker(id, notice))
                })
            handle(
                .workerRegistered(
                    WorkerSpec(
                        id: id,
                        capacity: ResourceVector(
                            milliCores: plan.milliCores, memoryBytes: plan.memoryBytes))),
                at: now)
        }
    }

    private mutating func submit() {
        tasks = run.tasks.enumerated().map { index, plan in
            TaskRuntime(id: TaskID(UInt32(index)), plan: plan)
        }
        handle(
            .runSubmitted(
                FanfoldCore.RunSpec(
                    id: RunID(1), seed: run.pipeline.seed, tasks: run.tasks.map(\.spec))),
            at: now)
    }

    /// No worker will ever come that these workers are not: what fits none of them fails now.
    private mutating func failUnplaceable(at now: Tick) {
        for (task, reason) in coordinator.unplaceable() {
            handle(
                .strategyFailed(
                    task,
                    Failure(
                        .misconfigured, retry: .never, reason: "needs.unplaceable",
                        "a subtask waits for ever: \(reason.sentence)")),
                at: now)
        }
    }

    private func nextDeadline() -> UInt64 {
        var next = now.advanced(byNanoseconds: Engine.progressNanoseconds)
        if let wakeAt { next = min(next, wakeAt) }
        if let deadline, cancelReason == nil { next = min(next, deadline) }
        return startedAt + next.nanoseconds
    }

    private var deadline: Tick? {
        run.pipeline.deadlineNanoseconds.map { Tick(UInt64(clamping: $0)) }
    }

    private mutating func fireTimers(at now: Tick) {
        if let wakeAt, wakeAt <= now {
            self.wakeAt = nil
            handle(.timeElapsed, at: now)
        }
        if let deadline, deadline <= now, cancelReason == nil {
            cancel(reason: "the deadline of the pipeline has passed", at: now)
        }
    }

    private mutating func cancel(reason: String, at now: Tick) {
        guard cancelReason == nil else { return }
        cancelReason = reason
        handle(.runCancelled(RunID(1), reason: reason), at: now)
    }

    private mutating func receive(_ message: EngineMessage, at now: Tick) {
        switch message {
        case .cancel(let reason): cancel(reason: reason, at: now)
        case .strategy(let task, let notice): receive(notice, of: task, at: now)
        case .worker(let worker, .takenBack(let attempts)):
            handle(.attemptsTakenBack(worker, attempts), at: now)
        case .worker(let worker, .slotsReturned(let slots)):
            handle(.slotsReturned(worker, slots), at: now)
        case .worker(let worker, .ended(let ended)): receive(ended, from: worker, at: now)
        }
    }

    private mutating func receive(_ ended: [EndedAttempt], from worker: WorkerID, at now: Tick) {
        let name = workers[Int(worker.index)].name
        var reports: [AttemptReport] = []
        reports.reserveCapacity(ended.count)
        for attempt in ended {
            let task = Int(attempt.attempt.task.index)
            tasks[task].count(attempt, worker: name)
            arrived[attempt.attempt] = attempt
            reports.append(AttemptReport(attempt))
        }
        arrivedFrom = name
        handle(.attemptsEnded(worker, reports), at: now)
        arrived.removeAll(keepingCapacity: true)
    }

    private mutating func receive(_ notice: StrategyNotice, of task: TaskID, at now: Tick) {
        switch notice {
        case .began(let answer):
            _ = takeIn(answer, of: task, at: now)
            handle(.strategyBegan(task), at: now)
        case .split(let answer, let state):
            let added = takeIn(answer, of: task, at: now)
            handle(.strategySplit(task, added: added, state: state), at: now)
        case .replied(let kind, let answer):
            let added = takeIn(answer, of: task, at: now)
            let reply = StrategyReply(kind, added: added, withdrawn: answer.withdrawn)
            handle(.strategyReplied(task, reply), at: now)
            if kind == .results { tasks[Int(task.index)].answered() }
        case .finished(let output, let reports):
            tasks[Int(task.index)].output = output
            tasks[Int(task.index)].figures.reports += reports
            handle(.strategyFinished(task), at: now)
        case .failed(let failure): handle(.strategyFailed(task, failure), at: now)
        }
    }

    /// Takes over what a strategy put; the subtasks in the coordinator's words.
    private mutating func takeIn(
        _ answer: StrategyAnswer, of task: TaskID, at now: Tick
    ) -> [FanfoldCore.SubtaskSpec] {
        let place = Int(task.index)
        for spec in answer.declared {
            let key = ShapeKey(task: task, text: spec.shapeKey)
            let shape: ShapeID
            if let known = shapes[key] {
                shape = known
            } else {
                shape = ShapeID(UInt32(shapes.count))
                shapes[key] = shape
                handle(
                    .shapeDeclared(
                        shape, ShapeSpec(task: task, needs: spec.needs.map(ResourceRequest.init))),
                    at: now)
            }
            tasks[place].declare(spec, shape: shape)
        }
        return answer.added.map { tasks[place].add($0) }
    }

    mutating func handle(_ event: Event, at now: Tick) {
        let effects = coordinator.handle(event, at: now)
        for case .tellResults(let task, let attempts) in effects {
            keepResults(attempts, of: task)
        }
        for effect in effects { perform(effect, at: now) }
    }

    private func progress(at now: Tick) -> RunProgress {
        var progress = RunProgress()
        progress.elapsedNanoseconds = now.nanoseconds
        for (task, numbers) in zip(tasks, coordinator.progress()) {
            progress.tasks.append(.init(name: task.plan.name, numbers: numbers))
        }
        for worker in coordinator.workerUsage() {
            progress.busySlots += worker.slots
            progress.workers += 1
        }
        return progress
    }
}
