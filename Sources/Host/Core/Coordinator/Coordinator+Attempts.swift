extension Coordinator {
    mutating func attemptsEnded(_ id: WorkerID, _ reports: [AttemptReport]) {
        guard let worker = known(id) else { return }
        for report in reports {
            if let placement = find(report.attempt, on: worker) {
                end(placement, report)
            }
            if let slot = report.slot {
                handOn(slot, of: worker, to: report.successor)
            }
        }
    }

    mutating func takenBack(_ id: WorkerID, _ attempts: [AttemptID]) {
        guard let worker = known(id) else { return }
        for attempt in attempts.reversed() {
            guard let placement = find(attempt, on: worker) else { continue }
            let fate = placements[placement].fate
            let task = remove(placement)
            if fate != .doomed { makeReady(task, attempt.index, first: true) }
        }
    }

    mutating func slotsReturned(_ id: WorkerID, _ slots: [SlotID]) {
        guard let worker = known(id) else { return }
        for slot in slots { handOn(slot, of: worker, to: nil) }
    }

    /// The placement of an attempt that has not been given up and is on this worker.
    func find(_ attempt: AttemptID, on worker: Int) -> UInt32? {
        guard let task = known(attempt.task), attempt.index < tasks[task].subtasks.count else {
            return nil
        }
        let record = tasks[task].subtasks[Int(attempt.index)]
        guard record.isPlaced, record.epoch == attempt.epoch else { return nil }
        return cells[Int(placements[record.link].cell)].worker == worker ? record.link : nil
    }

    private mutating func end(_ placement: UInt32, _ report: AttemptReport) {
        let fate = placements[placement].fate
        let (shape, worker) = (
            cells[Int(placements[placement].cell)].shape,
            cells[Int(placements[placement].cell)].worker
        )
        let index = report.attempt.index
        let task = remove(placement)
        guard fate != .doomed else { return }
        switch report.outcome {
        case .succeeded:
            learn(report.usage.ranNanoseconds, shape: shape, task: task)
            praise(worker: worker, shape: shape, task, index)
            tasks[task].given?.add(report.usage.items)
            succeed(task, index, report.attempt)
        case .failed(let failure) where fate == .preempted && failure.kind == .cancelled:
            makeReady(task, index, first: true)
        case .failed(let failure):
            failAttempt(
                task, index,
                fate == .timedOut ? timeoutFailure(shape: shape) : failure, on: worker)
        }
    }

    private mutating func learn(_ nanoseconds: UInt64, shape: Int, task: Int) {
        let sample = Double(nanoseconds)
        if runs[tasks[task].run].deadline != nil { shapes[shape].spread(sample) }
        let mean = shapes[shape].meanNanoseconds ?? sample
        shapes[shape].meanNanoseconds = mean + (sample - mean) / 8
        tasks[task].depth = shapes[shape].depth
    }

    private mutating func succeed(_ task: Int, _ index: UInt32, _ attempt: AttemptID) {
        tasks[task].progress.waiting -= 1
        tasks[task].progress.succeeded += 1
        tasks[task].subtasks[Int(index)].state = .succeeded
        if tasks[task].results.isEmpty {
            tasks[task].outstanding += 1
            touch(task: task)
            if tasks[task].split == .wait { tasks[task].split = .more }
        }
        tasks[task].results.append(attempt)
        outbox.forgotten.append(attempt.subtask)
        var edge = tasks[task].subtasks[Int(index)].dependents
        while edge != noIndex {
            let dependent = tasks[task].edges[Int(edge)].dependent
            edge = tasks[task].edges[Int(edge)].next
            guard tasks[task].subtasks[Int(dependent)].state == .blocked else { continue }
            tasks[task].subtasks[Int(dependent)].link -= 1
            if tasks[task].subtasks[Int(dependent)].link == 0 { makeReady(task, dependent) }
        }
    }

    func timeoutFailure(shape: Int) -> Failure {
        let lane = shapes[shape].timerLane
        let limit = lane == noIndex ? 0 : lanes[Int(lane)].nanoseconds
        return Failure(
            .timeout, retry: .later, reason: "attempt.timeout",
            "it ran longer than the \(limit / 1_000_000) ms it may; raise the timeout or make "
                + "subtasks smaller")
    }

    /// Another try, free of charge or not, or the end of trying.
    ///
    /// The subtask counts as waiting.
    mutating func failAttempt(
        _ task: Int, _ index: UInt32, _ failure: Failure, on worker: Int
    ) {
        tasks[task].progress.failedAttempts += 1
        switch failure.kind.treatment {
        case .free:
            guard tasks[task].subtasks[Int(index)].losses < Limits.lossesPerSubtask else {
                return failForGood(task, index, failure)
            }
            tasks[task].subtasks[Int(index)].losses += 1
            makeReady(task, index, first: true)
        case .final:
            if failure.kind == .outOfMemory, tryLarger(task, index) { return }
            tasks[task].subtasks[Int(index)].attempts += 1
            failForGood(task, index, failure)
        case .charged:
            tasks[task].subtasks[Int(index)].attempts += 1
            let made = Int(tasks[task].subtasks[Int(index)].attempts)
            let shape = Int(tasks[task].subtasks[Int(index)].shape)
            let poison = blame(worker: worker, shape: shape, task, index, failure)
            let isWorthIt = failure.retry == .later || failure.retry == .elsewhere
            guard isWorthIt, made < tasks[task].spec.retry.attempts else {
                return failForGood(task, index, failure)
            }
            if let last = poison ?? takeRetry(task, worker: worker, shape: shape) {
                return failForGood(task, index, last)
            }
            rest(task, index, after: made)
        }
    }

    /// Rests for a random time, the longer the more tries were made.
    private mutating func rest(_ task: Int, _ index: UInt32, after made: Int) {
        let policy = tasks[task].spec.retry
        let doublings = UInt64(min(made - 1, 63))
        let (grown, overflow) = policy.baseNanoseconds.multipliedReportingOverflow(
            by: 1 << doublings)
        let longest = min(policy.capNanoseconds, overflow ? .max : grown)
        let nanoseconds = runs[tasks[task].run].random.upTo(longest)
        guard nanoseconds > 0 else { return makeReady(task, index) }
        tasks[task].subtasks[Int(index)].state = .resting
        recallGang(of: index, task)
        rests.insert(
            Rest(
                until: clock.advanced(byNanoseconds: nanoseconds),
                subtask: SubtaskID(task: tasks[task].spec.id, index: index)))
    }

    /// Tells the strategy, which says what now.
    ///
    /// The subtask counts as waiting.
    mutating func failForGood(_ task: Int, _ index: UInt32, _ failure: Failure) {
        tasks[task].subtasks[Int(index)].state = .judged
        recallGang(of: index, task)
        if !tasks[task].blamed.isEmpty { tasks[task].blamed[index] = nil }
        tasks[task].outstanding += 1
        tasks[task].verdicts.append(PendingVerdict(index: index, failure: failure))
        if tasks[task].split == .wait { tasks[task].split = .more }
        touch(task: task)
        let made = tasks[task].subtasks[Int(index)].attempts
        outbox.failures.append(
            (SubtaskID(task: tasks[task].spec.id, index: index), failure, Int(made)))
    }

    /// A subtask that counted as waiting can be placed.
    mutating func makeReady(_ task: Int, _ index: UInt32, first: Bool = false) {
        if gather(task, index) { return }
        goHome(task, index)
        let record = tasks[task].subtasks[Int(index)]
        tasks[task].subtasks[Int(index)].state = .ready
        tasks[task].progress.waiting -= 1
        tasks[task].progress.ready += 1
        let shape = Int(record.shape)
        shapes[shape].ready += 1
        if first {
            shapes[shape].queue.pushFirst(index)
        } else {
            shapes[shape].queue.push(index, priority: record.priority)
        }
        guard !shapes[shape].isActive else { return }
        shapes[shape].isActive = true
        activeShapes.append(shape)
    }
}

/// What a failure costs.
enum FailureTreatment {
    /// Tried again at once, without counting, up to ``Limits/lossesPerSubtask``.
    case free
    /// Tried again after a rest, as often as the retry policy says and the failure advises.
    case charged
    /// Not tried again.
    case final
}

extension FailureClass {
    var treatment: FailureTreatment {
        switch self {
        case .preempted, .workerLost: .free
        case .timeout, .exitCode, .pluginCrash, .unavailable, .other: .charged
        // The same memory would not do the next time either: `tryLarger`, or a strategy that makes
        // it smaller.
        case .outOfMemory: .final
        case .inputMissing, .cancelled, .dependencyFailed, .misconfigured, .strategyFailed,
            .tooFewSucceeded:
            .final
        }
    }
}
