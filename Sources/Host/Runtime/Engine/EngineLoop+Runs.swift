import FanfoldCore
import FanfoldJSON

/// A run in the loop's books.
struct LiveRun: Sendable {
    let id: RunID
    let prepared: PreparedRun
    /// Its first task's place among the tasks of all runs.
    let firstTask: Int
    let submittedAt: Tick
    var endedAt: Tick?
    var outcome: RunOutcome?
    var cancelReason: String?

    /// The places of its tasks.
    var tasks: Range<Int> { firstTask..<(firstTask + prepared.tasks.count) }

    /// When it is to be cancelled; `nil` if never, or if it is over.
    var deadline: Tick? {
        guard outcome == nil, cancelReason == nil else { return nil }
        return prepared.pipeline.deadlineNanoseconds.map {
            submittedAt.advanced(byNanoseconds: UInt64(clamping: $0))
        }
    }
}

extension EngineLoop {
    /// Takes on a prepared run.
    mutating func submit(_ id: RunID, _ prepared: PreparedRun, at now: Tick) {
        let first = tasks.count
        precondition(
            first == Int(coordinator.nextTask.index), "the loop and its coordinator count alike")
        let place = runs.count
        runPlaces[id] = place
        runs.append(LiveRun(id: id, prepared: prepared, firstTask: first, submittedAt: now))
        for (index, plan) in prepared.tasks.enumerated() {
            tasks.append(TaskRuntime(id: TaskID(UInt32(first + index)), plan: plan, run: place))
        }
        handle(
            .runSubmitted(
                FanfoldCore.RunSpec(
                    id: id, seed: prepared.pipeline.seed,
                    tasks: prepared.tasks.map { $0.spec.shifted(by: first) })),
            at: now)
    }

    /// Stops a run; nothing if it has ended.
    mutating func cancel(_ run: RunID, reason: String, at now: Tick) {
        guard let place = runPlaces[run], runs[place].outcome == nil,
            runs[place].cancelReason == nil
        else { return }
        runs[place].cancelReason = reason
        handle(.runCancelled(run, reason: reason), at: now)
    }

    mutating func ended(_ run: RunID, _ outcome: RunOutcome, at now: Tick) {
        guard let place = runPlaces[run] else { return }
        runs[place].outcome = outcome
        runs[place].endedAt = now
    }

    func nextRunDeadline() -> Tick? {
        runs.lazy.compactMap(\.deadline).min()
    }

    mutating func passRunDeadlines(at now: Tick) {
        for run in runs {
            guard let deadline = run.deadline, deadline <= now else { continue }
            cancel(run.id, reason: "the deadline of the pipeline has passed", at: now)
        }
    }

    /// No worker will ever come that these workers are not: what fits none of them fails now.
    mutating func failUnplaceable(at now: Tick) {
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

    /// How far a run is.
    func progress(of run: LiveRun, at now: Tick) -> RunProgress {
        var progress = RunProgress()
        progress.elapsedNanoseconds =
            (run.endedAt ?? now).nanoseconds - run.submittedAt.nanoseconds
        for place in run.tasks {
            guard let numbers = coordinator.progress(of: tasks[place].id) else { continue }
            progress.tasks.append(.init(name: tasks[place].plan.name, numbers: numbers))
        }
        for worker in coordinator.workerUsage() {
            progress.busySlots += worker.slots
            progress.workers += 1
        }
        return progress
    }

    /// What came of a run, or how far it is.
    func report(of run: LiveRun) -> RunReport {
        let elapsed = run.endedAt ?? now
        let nanoseconds = elapsed.nanoseconds - run.submittedAt.nanoseconds
        var report = RunReport(
            outcome: run.outcome ?? .cancelled(reason: "the loop was left"), tasks: [],
            outputs: [], nanoseconds: nanoseconds, workers: workers.map(\.port.name), slotUse: 0)
        var busy: UInt64 = 0
        for place in run.tasks {
            let task = tasks[place]
            guard let numbers = coordinator.progress(of: task.id) else { continue }
            busy += task.figures.ranNanoseconds
            let begun = task.figures.begunAt ?? elapsed
            let ended = task.figures.endedAt ?? elapsed
            report.tasks.append(
                .init(
                    name: task.plan.name, strategy: task.plan.strategy.component.id,
                    outcome: task.outcome, numbers: numbers,
                    nanoseconds: ended.nanoseconds - min(begun.nanoseconds, ended.nanoseconds),
                    figures: task.figures))
        }
        let cores = workers.reduce(0) { $0 + $1.milliCores }
        report.slotUse = Double(busy) * 1000 / max(1, Double(cores) * Double(nanoseconds))
        guard report.isComplete else { return report }
        report.outputs = run.prepared.pipeline.outputs.map { output in
            let data =
                switch output.source {
                case .input(let index): run.prepared.inputs[index]
                case .task(let index): tasks[run.firstTask + index].output ?? .empty
                }
            return .init(declaration: output, data: data)
        }
        return report
    }
}

extension TaskSpec {
    /// The same task where the ids of its run's tasks begin at `first`.
    func shifted(by first: Int) -> TaskSpec {
        var shifted = self
        shifted.id = TaskID(id.index + UInt32(first))
        shifted.dependsOn = dependsOn.map { TaskID($0.index + UInt32(first)) }
        return shifted
    }
}
