import FanfoldCore
import FanfoldJSON

/// A run in the loop's books.
package struct LiveRun: Sendable {
    /// The run.
    package let id: RunID
    /// What it does; `nil` for one of an earlier process that has ended, or not been prepared.
    package var prepared: PreparedRun?
    /// The places of its tasks among the tasks of all runs.
    package let tasks: Range<Int>
    /// When it was submitted.
    package let submittedAt: Tick
    /// When it ended.
    package var endedAt: Tick?
    /// How it ended.
    package var outcome: RunOutcome?
    /// Whether nobody asks about it any more.
    package var isForgotten = false
    /// What the shell knows it by: opaque here, given back when the run is recovered.
    package var label: [UInt8] = []
    var cancelReason: String?

    var firstTask: Int { tasks.lowerBound }

    /// When it is to be cancelled; `nil` if never, or if it is over.
    var deadline: Tick? {
        guard outcome == nil, cancelReason == nil else { return nil }
        return prepared?.pipeline.deadlineNanoseconds.map {
            submittedAt.advanced(byNanoseconds: UInt64(clamping: $0))
        }
    }
}

extension EngineLoop {
    /// Takes on a prepared run.
    ///
    /// - Parameters:
    ///   - label: What the shell needs to prepare the run again after a crash.
    ///   - widths: How many subtasks its tasks will probably have, their ids from 0 on.
    package mutating func submit(
        _ id: RunID, _ prepared: PreparedRun, label: [UInt8] = [], widths: [TaskWidth] = [],
        at now: Tick
    ) {
        let first = tasks.count
        let spec = FanfoldCore.RunSpec(
            id: id, seed: prepared.pipeline.seed,
            tasks: prepared.tasks.map { $0.spec.shifted(by: first) },
            queue: prepared.pipeline.queue, priority: prepared.pipeline.priority)
        if options.log != nil {
            turn.records.append(.run(spec, label: label, at: now))
        }
        enter(spec, prepared, label: label, at: now)
        take(.runSubmitted(spec), at: now)
        if !widths.isEmpty {
            handle(.widthsEstimated(id, widths.map { $0.shifted(by: first) }), at: now)
        }
        if let place = runPlaces[id], let deadline = runs[place].deadline {
            handle(.runTimed(id, deadline: deadline), at: now)
        }
    }

    /// Why a run was cancelled that had taken as long as it may.
    package static let deadlineReason = "the deadline of the pipeline has passed"

    /// Enters a run in the books.
    mutating func enter(
        _ spec: FanfoldCore.RunSpec, _ prepared: PreparedRun?, label: [UInt8], at now: Tick
    ) {
        let first = tasks.count
        precondition(
            first == Int(coordinator.nextTask.index), "the loop and its coordinator count alike")
        let place = runs.count
        runPlaces[spec.id] = place
        runs.append(
            LiveRun(
                id: spec.id, prepared: prepared, tasks: first..<(first + spec.tasks.count),
                submittedAt: now, label: label))
        watchDeadline(of: place)
        for (index, task) in spec.tasks.enumerated() {
            tasks.append(TaskRuntime(task, plan: prepared?.tasks[index], run: place))
        }
    }

    /// Enters a worker in the books and tells the coordinator.
    ///
    /// A worker comes back by its entry's label after a crash.
    package mutating func register(_ spec: WorkerSpec, _ entry: WorkerEntry, at now: Tick) {
        precondition(Int(spec.id.index) == workers.count, "ids of workers count on without a gap")
        if options.log != nil {
            turn.records.append(.worker(spec, label: entry.label, at: now))
        }
        workers.append(entry)
        take(.workerRegistered(spec), at: now)
    }

    /// Stops a run; nothing if it has ended.
    package mutating func cancel(_ run: RunID, reason: String, at now: Tick) {
        guard let place = runPlaces[run], runs[place].outcome == nil,
            runs[place].cancelReason == nil
        else { return }
        runs[place].cancelReason = reason
        handle(.runCancelled(run, reason: reason), at: now)
    }

    /// Drops what is kept of a run that has ended; its place among the runs stays.
    mutating func forget(_ run: RunID) {
        guard let place = runPlaces.removeValue(forKey: run) else { return }
        runs[place].isForgotten = true
        runs[place].prepared = nil
        runs[place].label = []
        for task in runs[place].tasks {
            tasks[task].plan = nil
            tasks[task].output = nil
            tasks[task].inputs = []
        }
    }

    mutating func ended(_ run: RunID, _ outcome: RunOutcome, at now: Tick) {
        guard let place = runPlaces[run] else { return }
        runs[place].outcome = outcome
        runs[place].endedAt = now
        timedRuns.removeAll { $0 == place }
        if !isReplaying {
            endedRuns.append(run)
            options.history?.flush()
        }
    }

    /// The runs that ended since this was called last, in order.
    package mutating func takeEndedRuns() -> [RunID] {
        if endedRuns.isEmpty { return [] }
        defer { endedRuns = [] }
        return endedRuns
    }

    mutating func watchDeadline(of place: Int) {
        if runs[place].deadline != nil { timedRuns.append(place) }
    }

    func nextRunDeadline() -> Tick? {
        timedRuns.lazy.compactMap { runs[$0].deadline }.min()
    }

    mutating func passRunDeadlines(at now: Tick) {
        for place in timedRuns {
            guard let deadline = runs[place].deadline, deadline <= now else { continue }
            cancel(runs[place].id, reason: Self.deadlineReason, at: now)
        }
    }

    /// Has strategies of tasks that ended forget them; their threads end by themselves.
    mutating func dropEndedLanes() {
        guard !endedLanes.isEmpty else { return }
        // One that began too late for its run to end it was not told.
        for lane in endedLanes { lane.end() }
        endedLanes = []
    }

    /// Waits for the threads of all strategies.
    mutating func closeLanes() {
        for lane in endedLanes { lane.close() }
        for task in lanes.keys.sorted() { lanes[task]?.close() }
        endedLanes = []
        lanes = [:]
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
    package func progress(of run: LiveRun, at now: Tick) -> RunProgress {
        var progress = RunProgress()
        progress.elapsedNanoseconds =
            (run.endedAt ?? now).nanoseconds - run.submittedAt.nanoseconds
        for place in run.tasks {
            guard let numbers = coordinator.progress(of: tasks[place].id) else { continue }
            progress.tasks.append(.init(name: tasks[place].name, numbers: numbers))
        }
        for worker in coordinator.workerUsage() {
            progress.busySlots += worker.slots
            progress.workers += 1
        }
        return progress
    }

    /// What came of a run, or how far it is.
    package func report(of run: LiveRun) -> RunReport {
        let elapsed = run.endedAt ?? now
        let nanoseconds = elapsed.nanoseconds - run.submittedAt.nanoseconds
        var report = RunReport(
            outcome: run.outcome ?? .cancelled(reason: "the loop was left"), tasks: [],
            outputs: [], nanoseconds: nanoseconds, workers: workers.map(\.port.name), slotUse: 0)
        var busy: UInt64 = 0
        for place in run.tasks {
            let task = tasks[place]
            guard let numbers = coordinator.progress(of: task.id) else { continue }
            busy.add(task.figures.ranNanoseconds)
            let begun = task.figures.begunAt ?? elapsed
            let ended = task.figures.endedAt ?? elapsed
            report.tasks.append(
                .init(
                    name: task.name, strategy: task.plan?.strategy.component.id ?? "",
                    outcome: task.outcome, numbers: numbers,
                    nanoseconds: ended.nanoseconds - min(begun.nanoseconds, ended.nanoseconds),
                    figures: task.figures))
        }
        let cores = workers.reduce(0) { $0 + $1.milliCores }
        report.slotUse = Double(busy) * 1000 / max(1, Double(cores) * Double(nanoseconds))
        guard report.isComplete, let prepared = run.prepared else { return report }
        report.outputs = prepared.pipeline.outputs.map { output in
            let data =
                switch output.source {
                case .input(let index): prepared.inputs[index]
                case .task(let index): tasks[run.firstTask + index].output ?? .empty
                }
            return .init(declaration: output, data: data)
        }
        return report
    }
}

extension TaskWidth {
    /// The same width where the ids of its run's tasks begin at `first`.
    func shifted(by first: Int) -> TaskWidth {
        var shifted = self
        shifted.task = TaskID(task.index + UInt32(first))
        shifted.producer = producer.map { TaskID($0.index + UInt32(first)) }
        return shifted
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
