extension Coordinator {
    mutating func begin(_ task: Int) {
        tasks[task].phase = .beginning
        tasks[task].isBeginning = true
        runs[tasks[task].run].begins += 1
        outbox.begins.append(tasks[task].spec.id)
    }

    /// Looks at each task that something happened to: it may be done, or want more.
    mutating func settleTasks() {
        var position = 0
        while position < outbox.tasks.count {
            settle(outbox.tasks[position])
            position += 1
        }
    }

    private mutating func settle(_ task: Int) {
        guard tasks[task].phase == .running else { return }
        let isIdle =
            tasks[task].live == 0 && tasks[task].outstanding == 0 && !tasks[task].isSplitting
        if isIdle {
            switch tasks[task].split {
            case .end: return conclude(task)
            case .wait: return fail(task, Self.stalled)
            case .more: break
            }
        }
        askForMore(task)
        if tasks[task].isCapacityDue, !tasks[task].isTellingCapacity {
            tasks[task].isCapacityDue = false
            tasks[task].isTellingCapacity = true
            tasks[task].outstanding += 1
            outbox.capacities.append(tasks[task].spec.id)
        }
    }

    private static let stalled = Failure(
        .strategyFailed, retry: .never, reason: "strategy.stalled",
        "the strategy must say that there is no more, or put subtasks when it waits for nothing; "
            + "it did neither: ask its author")

    private mutating func askForMore(_ task: Int) {
        guard tasks[task].split == .more, !tasks[task].isSplitting else { return }
        guard tasks[task].emptySplits < Limits.emptySplits else {
            return fail(task, Self.stalled)
        }
        let ready = tasks[task].progress.ready
        let wanted = wantedReady(task)
        guard ready * 2 <= wanted else { return }
        let unplaced = ready + tasks[task].progress.waiting
        let want = min(wanted - ready, Limits.unplacedPerTask - unplaced)
        guard want > 0 else { return }
        tasks[task].isSplitting = true
        outbox.splits.append((tasks[task].spec.id, want))
    }

    /// How many subtasks workers could take at once; 1 at least, so that an empty task ends.
    ///
    /// Where more workers can be had, so many that it shows how many are worth having.
    private func wantedReady(_ task: Int) -> Int {
        let slots = min(
            slots(of: tasks[task].spec.id), runs[tasks[task].run].maximumConcurrency)
        let gang = tasks[task].shapes.reduce(1) { max($0, shapes[$1].gang) }
        let least = sharing.supply == .given ? gang : max(gang, Limits.elasticLookahead)
        return min(Limits.unplacedPerTask, max(least, slots * (1 + tasks[task].depth)))
    }

    /// Everything is in: it was enough, or the task fails.
    private mutating func conclude(_ task: Int) {
        let progress = tasks[task].progress
        let ended = progress.succeeded + progress.failed
        var isEnough = progress.succeeded > 0 || progress.failed == 0
        if case .minimumSuccess(let share) = tasks[task].spec.failurePolicy {
            isEnough = isEnough && Double(progress.succeeded) >= share * Double(ended)
        }
        guard isEnough else {
            let first = tasks[task].firstFailure.map { "; the first failure: \($0.message)" } ?? ""
            return fail(
                task,
                Failure(
                    .tooFewSucceeded, retry: .never, reason: "task.too-few-succeeded",
                    "\(progress.succeeded) of \(ended) subtasks succeeded, which is not enough"
                        + first))
        }
        tasks[task].phase = .finishing
        outbox.finishes.append(tasks[task].spec.id)
    }

    /// The task fails, and its run with it.
    mutating func fail(_ task: Int, _ failure: Failure) {
        end(task, .failed, .failed(failure))
        failRun(of: task, failure)
    }

    /// Ends a task, whatever of it is still under way.
    mutating func end(_ task: Int, _ phase: TaskPhase, _ outcome: TaskOutcome) {
        let reason: CancelReason =
            switch phase {
            case .completed: .withdrawn
            case .failed: .taskFailed
            default: .runCancelled
            }
        tasks[task].phase = phase
        let run = tasks[task].run
        runs[run].liveTasks -= 1
        outbox.runs.append(run)
        if tasks[task].hasBegun { outbox.ends.append(tasks[task].spec.id) }
        outbox.taskEnds.append((tasks[task].spec.id, outcome))
        for shape in tasks[task].shapes {
            for cell in shapes[shape].cells {
                let all =
                    cellLinks.members(of: cells[Int(cell)].queued)
                    + cellLinks.members(of: cells[Int(cell)].running)
                for placement in all { doom(placement, reason) }
            }
            shapes[shape].ready = 0
            shapes[shape].queue = ReadyQueue()
        }
        tasks[task].verdicts = []
        tasks[task].edges = []
        tasks[task].progress.withdrawn +=
            tasks[task].progress.waiting + tasks[task].progress.ready
        tasks[task].progress.waiting = 0
        tasks[task].progress.ready = 0
        dropRecordsIfUnused(task)
        guard phase == .completed else { return }
        for other in runs[run].tasks
        where tasks[other].phase == .waiting
            && tasks[other].spec.dependsOn.contains(tasks[task].spec.id)
        {
            tasks[other].unmet -= 1
            if tasks[other].unmet == 0 { begin(other) }
        }
    }

    /// Frees the records of a task of which nothing is on a worker any more.
    mutating func dropRecordsIfUnused(_ task: Int) {
        guard tasks[task].hasEnded, tasks[task].placed == 0 else { return }
        tasks[task].subtasks = []
        tasks[task].blamed = [:]
        tasks[task].gangs = []
        tasks[task].gangOf = [:]
    }
}
