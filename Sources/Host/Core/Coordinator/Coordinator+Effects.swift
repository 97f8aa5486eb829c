/// The orders of one event, until they are handed out.
struct Outbox: Sendable {
    var workers: [Int] = []
    var tasks: [Int] = []
    var runs: [Int] = []
    var failures: [(subtask: SubtaskID, failure: Failure, attempts: Int)] = []
    var capacities: [TaskID] = []
    var forgotten: [SubtaskID] = []
    var splits: [(task: TaskID, want: Int)] = []
    var finishes: [TaskID] = []
    var ends: [TaskID] = []
    var taskEnds: [(task: TaskID, outcome: TaskOutcome)] = []
    var begins: [TaskID] = []
    var runEnds: [(run: RunID, outcome: RunOutcome)] = []
    var wake: Tick?
}

extension Coordinator {
    /// Has the task looked at when the event is done.
    mutating func touch(task: Int) {
        guard !tasks[task].isTouched else { return }
        tasks[task].isTouched = true
        outbox.tasks.append(task)
    }

    private mutating func touch(worker: Int) {
        guard !workers[worker].isTouched else { return }
        workers[worker].isTouched = true
        outbox.workers.append(worker)
    }

    mutating func order(_ assignment: Assignment, on worker: Int) {
        touch(worker: worker)
        workers[worker].starts.append(assignment)
    }

    mutating func orderBack(_ attempt: AttemptID, from worker: Int) {
        touch(worker: worker)
        workers[worker].takeBacks.append(attempt)
    }

    mutating func orderCancel(_ attempt: AttemptID, on worker: Int, _ reason: CancelReason) {
        touch(worker: worker)
        let cancels = workers[worker].cancels
        if let place = cancels.firstIndex(where: { $0.reason == reason }) {
            workers[worker].cancels[place].attempts.append(attempt)
        } else {
            workers[worker].cancels.append(PendingCancel(reason: reason, attempts: [attempt]))
        }
    }

    /// Everything that was ordered, in the order in which ``Effect`` lists it; what ends or takes back
    /// what only starts now comes after the starts.
    mutating func flush() -> [Effect] {
        var effects: [Effect] = []
        flushWorkers(into: &effects)
        for task in outbox.tasks {
            tasks[task].isTouched = false
            guard !tasks[task].results.isEmpty else { continue }
            if !tasks[task].hasEnded {
                effects.append(.tellResults(tasks[task].spec.id, tasks[task].results))
            }
            tasks[task].results = []
        }
        for told in outbox.failures where !hasEnded(told.subtask.task) {
            effects.append(
                .tellFailure(told.subtask, told.failure, attempts: told.attempts))
        }
        for task in outbox.capacities where !hasEnded(task) { effects.append(.tellCapacity(task)) }
        let forgotten = outbox.forgotten.filter { !hasEnded($0.task) }
        if !forgotten.isEmpty { effects.append(.forget(forgotten)) }
        for split in outbox.splits where !hasEnded(split.task) {
            effects.append(.split(split.task, want: split.want))
        }
        for task in outbox.finishes { effects.append(.finishStrategy(task)) }
        for task in outbox.ends { effects.append(.endStrategy(task)) }
        for end in outbox.taskEnds { effects.append(.taskEnded(end.task, end.outcome)) }
        for task in outbox.begins { effects.append(.beginStrategy(task)) }
        for end in outbox.runEnds { effects.append(.runEnded(end.run, end.outcome)) }
        if let wake = outbox.wake { effects.append(.wakeAt(wake)) }
        outbox = Outbox()
        return effects
    }

    private func hasEnded(_ task: TaskID) -> Bool { tasks[Int(task.index)].hasEnded }

    /// Ends and takes back before anything starts, so that there is room; but nothing that only starts
    /// now: a worker that is told about what it does not have yet does nothing.
    private mutating func flushWorkers(into effects: inout [Effect]) {
        var late: [Effect] = []
        for worker in outbox.workers { setAside(of: worker, into: &late) }
        defer { effects += late }
        for worker in outbox.workers {
            for cancel in workers[worker].cancels {
                effects.append(
                    .cancel(id(ofWorker: worker), cancel.attempts, reason: cancel.reason))
            }
            workers[worker].cancels = []
        }
        for worker in outbox.workers where !workers[worker].takeBacks.isEmpty {
            effects.append(.takeBack(id(ofWorker: worker), workers[worker].takeBacks))
            workers[worker].takeBacks = []
        }
        for worker in outbox.workers {
            workers[worker].isTouched = false
            guard !workers[worker].starts.isEmpty else { continue }
            effects.append(.start(id(ofWorker: worker), workers[worker].starts))
            workers[worker].starts = []
        }
    }

    /// Takes what is about attempts that the worker gets in this turn out of its orders.
    private mutating func setAside(of worker: Int, into late: inout [Effect]) {
        let (cancels, takeBacks) = (workers[worker].cancels, workers[worker].takeBacks)
        guard !workers[worker].starts.isEmpty, !cancels.isEmpty || !takeBacks.isEmpty else {
            return
        }
        let new = Set(workers[worker].starts.lazy.filter { !$0.isPromotion }.map(\.attempt))
        for cancel in cancels {
            let attempts = cancel.attempts.filter(new.contains)
            guard !attempts.isEmpty else { continue }
            late.append(.cancel(id(ofWorker: worker), attempts, reason: cancel.reason))
        }
        let asked = takeBacks.filter(new.contains)
        if !asked.isEmpty { late.append(.takeBack(id(ofWorker: worker), asked)) }
        guard !late.isEmpty else { return }
        workers[worker].cancels = cancels.compactMap { cancel in
            let rest = cancel.attempts.filter { !new.contains($0) }
            return rest.isEmpty ? nil : PendingCancel(reason: cancel.reason, attempts: rest)
        }
        workers[worker].takeBacks = takeBacks.filter { !new.contains($0) }
    }

    func id(ofWorker worker: Int) -> WorkerID { WorkerID(UInt32(worker)) }
}
