import FanfoldCore
import FanfoldJSON

/// The way back: facts from the log rebuild the coordinator, then strategies are told again.
extension EngineLoop {
    /// Calls that a strategy is told again before the first is answered, at most.
    static let callsAhead = 256

    /// Takes in a fact that the log held.
    ///
    /// - Parameter port: where orders go to a worker that has not come back yet.
    package mutating func replay(
        _ record: EngineRecord, port: (_ label: [UInt8]) -> WorkerEntry
    ) {
        isReplaying = true
        defer { isReplaying = false }
        switch record {
        case .event(let event, let moment):
            count(event)
            take(event, at: moment)
        case .run(let spec, let label, let moment):
            enter(spec, nil, label: label, at: moment)
            take(.runSubmitted(spec), at: moment)
        case .worker(let spec, let label, let moment):
            workers.append(port(label))
            take(.workerRegistered(spec), at: moment)
        }
    }

    /// Notes what an event changes beside the coordinator.
    private mutating func count(_ event: Event) {
        switch event {
        case .attemptsEnded(let worker, let reports):
            let name = workers[Int(worker.index)].port.name
            for report in reports {
                tasks[Int(report.attempt.task.index)].count(report, worker: name)
            }
        case .strategyBegan(let task), .strategySplit(let task, _, _),
            .strategyReplied(let task, _), .strategyFinished(let task):
            tasks[Int(task.index)].answersHad += 1
        case .runCancelled(let run, let reason):
            if let place = runPlaces[run] { runs[place].cancelReason = reason }
        default: break
        }
    }

    /// What of the effects of an old event still matters: books, no orders.
    mutating func replay(_ effects: [Effect], at now: Tick) {
        for effect in effects {
            switch effect {
            case .beginStrategy(let task): tasks[Int(task.index)].figures.begunAt = now
            case .taskEnded(let task, let outcome): end(task, outcome, at: now)
            case .runEnded(let run, let outcome): ended(run, outcome, at: now)
            case .wakeAt(let tick): wakeAt = tick
            default: break
            }
        }
    }

    /// Goes on where the last record ended: prepares the runs that live, tells their strategies
    /// again what they were told, and returns when they are where they were.
    ///
    /// - Parameters:
    ///   - last: the moment of the last record.
    ///   - prepare: makes a run ready from its label, or says why that cannot be.
    ///   - output: the kept output of a task that completed.
    package mutating func resume(
        after last: Tick,
        prepare: (LiveRun) -> Result<PreparedRun, EngineLogFailure>,
        output: (TaskID) -> Dataset?
    ) {
        origin = monotonicNanoseconds() &- max(last, coordinator.latest).nanoseconds
        wakeAt = coordinator.wakes
        for place in runs.indices where runs[place].outcome == nil {
            switch prepare(runs[place]) {
            case .success(let prepared): adopt(prepared, run: place, output: output)
            case .failure(let failure):
                cancel(
                    runs[place].id,
                    reason: "the run cannot go on after a restart: \(failure)", at: now)
            }
        }
        endTurn()
    }

    private mutating func adopt(
        _ prepared: PreparedRun, run: Int, output: (TaskID) -> Dataset?
    ) {
        runs[run].prepared = prepared
        watchDeadline(of: run)
        for place in runs[run].tasks {
            tasks[place].plan = prepared.tasks[place - runs[run].firstTask]
            if tasks[place].outcome == .completed { tasks[place].output = output(tasks[place].id) }
        }
        for place in runs[run].tasks
        where tasks[place].outcome == nil && tasks[place].figures.begunAt != nil {
            rebuild(place, prepared, firstTask: runs[run].firstTask)
        }
    }

    /// Tells the strategy of a task again everything it was told.
    private mutating func rebuild(_ place: Int, _ prepared: PreparedRun, firstTask: Int) {
        guard let plan = tasks[place].plan, let log = options.log else { return }
        let task = tasks[place].id
        tasks[place].answersToSkip = tasks[place].answersHad
        makeLane(of: task, plan, prepared, firstTask: firstTask)
        guard let lane = tasks[place].lane else { return }
        var made = 0
        do throws(EngineLogFailure) {
            try log.calls(of: task) { call in
                if case .results(let outcomes) = call {
                    for outcome in outcomes {
                        tasks[place].keep(outcome.payload, of: outcome.index)
                    }
                    tasks[place].tell(outcomes.map(\.index))
                }
                lane.make(call)
                made += 1
                while made > Self.callsAhead, takeAnswers(of: task) { made -= 1 }
            }
        } catch {
            return fail(task, "\(error)")
        }
        while tasks[place].answersToSkip > 0, tasks[place].outcome == nil, takeAnswers(of: task) {}
        guard tasks[place].outcome == nil else { return }
        let put = coordinator.progress(of: task)?.put ?? 0
        guard tasks[place].putCount == put else {
            return fail(
                task,
                "told again what it had been told, the strategy put \(tasks[place].putCount) "
                    + "subtasks instead of \(put); a strategy is a function of what it is told")
        }
        for index in 0..<UInt32(put)
        where coordinator.hasEnded(SubtaskID(task: task, index: index)) {
            tasks[place].forget(index)
        }
    }

    private mutating func fail(_ task: TaskID, _ why: String) {
        handle(
            .strategyFailed(
                task, Failure(.strategyFailed, retry: .never, reason: "strategy.replay", why)),
            at: now)
    }

    /// Waits for answers that the coordinator has had; whatever else comes is for later.
    ///
    /// - Returns: whether to go on waiting.
    private mutating func takeAnswers(of task: TaskID) -> Bool {
        let place = Int(task.index)
        guard tasks[place].answersToSkip > 0, tasks[place].outcome == nil else { return false }
        for message in mailbox.takeAll() {
            guard case .strategy(task, let notice) = message, tasks[place].answersToSkip > 0 else {
                held.append(message)
                continue
            }
            receive(notice, of: task, at: now)
        }
        return true
    }
}
