import FanfoldCore

/// What the coordinator decided, for people.
extension ReplayNames {
    /// An effect as a sentence; `nil` for what is of no interest to anybody.
    func sentence(_ effect: Effect) -> String? {
        switch effect {
        case .cancel(let id, let attempts, let reason):
            "end on \(worker(id)), \(Self.words(reason)): \(list(attempts))"
        case .takeBack(let id, let attempts): "ask back from \(worker(id)): \(list(attempts))"
        case .start(let id, let assignments):
            "on \(worker(id)): " + assignments.map(sentence).joined(separator: "; ")
        case .tellResults(let id, let attempts):
            "tell the strategy of \(task(id)) \(Self.count(attempts.count, "result"))"
        case .tellFailure(let id, let failure, let attempts):
            "tell its strategy that \(subtask(id)) failed for good after "
                + "\(Self.count(attempts, "attempt")), \(Self.words(failure))"
        case .split(let id, let want):
            "ask the strategy of \(task(id)) for \(Self.count(want, "subtask"))"
        case .finishStrategy(let id): "have the strategy of \(task(id)) put the rest of the output"
        case .beginStrategy(let id): "have the strategy of \(task(id)) begin"
        case .taskEnded(let id, let outcome): "\(task(id)) \(Self.words(outcome))"
        case .runEnded(let id, let outcome): "\(run(id)) \(words(outcome))"
        case .tellCapacity, .forget, .endStrategy, .wakeAt: nil
        }
    }

    private func sentence(_ assignment: Assignment) -> String {
        let gpus =
            assignment.devices.isEmpty
            ? "" : " with GPU " + assignment.devices.map(String.init).joined(separator: ", ")
        return switch assignment.order {
        case .start: "start \(attempt(assignment.attempt))\(gpus)"
        case .queue: "queue \(attempt(assignment.attempt))"
        case .promote: "start what was queued, \(attempt(assignment.attempt))\(gpus)"
        }
    }

    /// The runs that an effect is about.
    func runs(of effect: Effect) -> [RunID] {
        switch effect {
        case .cancel(_, let attempts, _), .takeBack(_, let attempts):
            attempts.compactMap { run(of: $0.task) }
        case .start(_, let assignments): assignments.compactMap { run(of: $0.attempt.task) }
        case .tellFailure(let id, _, _): [run(of: id.task)].compactMap { $0 }
        case .tellResults(let id, _), .split(let id, _), .finishStrategy(let id),
            .beginStrategy(let id), .taskEnded(let id, _):
            [run(of: id)].compactMap { $0 }
        case .runEnded(let id, _): [id]
        case .tellCapacity, .forget, .endStrategy, .wakeAt: []
        }
    }

    /// The runs that an event is about.
    func runs(of event: Event) -> [RunID] {
        switch event {
        case .runSubmitted(let spec): [spec.id]
        case .runCancelled(let id, _), .runForgotten(let id), .runPaused(let id, _),
            .runTimed(let id, _), .widthsEstimated(let id, _):
            [id]
        case .runServed(let outlook): [outlook.run]
        case .shapeDeclared(_, let spec): [run(of: spec.task)].compactMap { $0 }
        case .strategyBegan(let id), .strategySplit(let id, _, _), .strategyReplied(let id, _),
            .strategyFinished(let id), .strategyFailed(let id, _):
            [run(of: id)].compactMap { $0 }
        case .attemptsEnded(_, let reports): reports.compactMap { run(of: $0.attempt.task) }
        case .attemptsTakenBack(_, let attempts): attempts.compactMap { run(of: $0.task) }
        default: []
        }
    }

    private static func words(_ reason: CancelReason) -> String {
        switch reason {
        case .timeout: "as it ran longer than it may"
        case .withdrawn: "as its strategy does not need it"
        case .taskFailed: "as its task failed"
        case .runCancelled: "as its run is over"
        case .givenUp: "as it was given up"
        case .preempted: "to make room for what is more urgent"
        }
    }

    private static func words(_ outcome: TaskOutcome) -> String {
        switch outcome {
        case .completed: "completed"
        case .failed(let failure): "failed, \(words(failure))"
        case .cancelled(let reason): "was cancelled: \(reason)"
        }
    }

    private func words(_ outcome: RunOutcome) -> String {
        switch outcome {
        case .completed: "completed"
        case .failed(let id, let failure):
            (id.map { "failed with \(task($0))" } ?? "failed") + ", \(Self.words(failure))"
        case .cancelled(let reason): "was cancelled: \(reason)"
        }
    }
}
