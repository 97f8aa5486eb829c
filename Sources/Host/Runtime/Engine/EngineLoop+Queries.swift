import FanfoldCore

/// How far a task of the loop is.
package struct TaskView: Sendable {
    /// An attempt that failed.
    package struct FailedAttempt: Sendable {
        /// The subtask.
        package var index: UInt32
        /// The epoch of the attempt.
        package var attempt: UInt16
        /// The name of the worker.
        package var worker: String
        /// Why.
        package var message: String
        /// The end of what it wrote to its standard error.
        package var stderrTail: String
    }

    /// The task.
    package var id: TaskID
    /// Its name in the pipeline.
    package var name: String
    /// The coordinator's numbers.
    package var numbers: TaskProgress
    /// How it ended.
    package var outcome: TaskOutcome?
    /// When its strategy began.
    package var begunAt: Tick?
    /// Attempts that failed; bounded.
    package var failedAttempts: [FailedAttempt]
}

/// An attempt that ended.
package struct AttemptView: Sendable {
    /// The subtask.
    package var index: UInt32
    /// The epoch of the attempt.
    package var attempt: UInt16
    /// The name of the worker.
    package var worker: String
    /// When its end was told.
    package var endedAt: Tick
    /// How long it ran.
    package var ranNanoseconds: UInt64
    /// Why it failed; `nil` if it succeeded.
    package var message: String?
}

extension EngineLoop {
    /// The numbers of all workers that are not lost.
    package func workerUsage() -> [WorkerUsage] { coordinator.workerUsage() }

    /// What wants to run and does not, or will within so many nanoseconds.
    package func scalingDemand(within nanoseconds: UInt64) -> [ScalingDemand] {
        coordinator.scalingDemand(within: nanoseconds)
    }

    /// How a run with a deadline is served, as the coordinator was told, and when.
    package func serving(of run: RunID) -> (market: RunMarket, at: Tick)? {
        coordinator.serving(of: run)
    }

    /// Runs with a deadline that are not served as all others are.
    package func servedRuns() -> [RunID] { coordinator.servedRuns() }

    /// What is left of runs with a deadline, by this loop's clock.
    package func scalingRuns() -> [ScalingRun] { coordinator.scalingRuns() }

    /// What runs on every worker that is there.
    package func workSnapshot() -> WorkSnapshot { coordinator.workSnapshot() }

    /// How a worker is now; `nil` if it is not there.
    package func standing(of worker: WorkerID) -> WorkerStanding? {
        coordinator.standing(of: worker)
    }

    /// What the coordinator was told last of workers that are not there yet.
    package var supply: Supply { coordinator.supply }

    /// What is kept of scaling.
    package var scaling: ScalingBook { coordinator.scaling }

    /// What is on a worker, at most `limit` attempts of it; `nil` if it is not known.
    package func view(ofWorker worker: WorkerID, limit: Int) -> WorkerView? {
        coordinator.view(ofWorker: worker, limit: limit)
    }

    /// Why a worker is in quarantine, since when, and until when; `nil` if it is not.
    package func quarantine(of worker: WorkerID) -> Quarantine? {
        coordinator.quarantine(of: worker)
    }

    /// The numbers of all queues, in the order in which they were configured.
    package func queueUsage() -> [QueueUsage] { coordinator.queueUsage() }

    /// The queue and the priority of a run, and whether it is paused; `nil` if there is none.
    package func sharing(of run: RunID) -> (queue: String, priority: Int, isPaused: Bool)? {
        coordinator.sharing(of: run)
    }

    /// How many workers there ever were: the id of the next.
    package var workerCount: Int { workers.count }

    /// How many tasks there ever were: the place of the next.
    package var taskCount: Int { tasks.count }

    /// A run; `nil` if there is none.
    package func run(_ id: RunID) -> LiveRun? { runPlaces[id].map { runs[$0] } }

    /// The tasks of a run, in the order of the document.
    package func tasks(of run: LiveRun) -> [TaskView] {
        run.tasks.compactMap { place in
            let task = tasks[place]
            guard let numbers = coordinator.progress(of: task.id) else { return nil }
            return TaskView(
                id: task.id, name: task.name, numbers: numbers, outcome: task.outcome,
                begunAt: task.figures.begunAt,
                failedAttempts: task.figures.failures.map {
                    .init(
                        index: $0.index, attempt: $0.attempt, worker: $0.worker,
                        message: $0.message, stderrTail: $0.stderrTail)
                })
        }
    }

    /// The run of a task, and its name in the pipeline; `nil` if there is no such task.
    package func place(of task: TaskID) -> (run: RunID, name: String)? {
        guard tasks.indices.contains(Int(task.index)) else { return nil }
        let found = tasks[Int(task.index)]
        return (runs[found.run].id, found.name)
    }

    /// The numbers of a run's tasks, in the order of the document, and nothing else of them.
    package func numbers(of run: LiveRun) -> [TaskProgress] {
        run.tasks.compactMap { coordinator.progress(of: tasks[$0].id) }
    }

    /// The names of a run's tasks, in the order of the document.
    package func taskNames(of run: LiveRun) -> [String] { run.tasks.map { tasks[$0].name } }

    /// Whether the strategy of one of a run's tasks has begun.
    package func hasBegun(_ run: LiveRun) -> Bool {
        run.tasks.contains { tasks[$0].figures.begunAt != nil }
    }

    /// Attempts of a task that ended, as far as they are kept: those that succeeded, then those that
    /// failed, each as they came.
    ///
    /// - Complexity: O(limit).
    /// - Returns: at most `limit` of them from number `first`, and how many are kept.
    package func attempts(
        of task: TaskID, from first: Int, limit: Int
    ) -> (attempts: [AttemptView], kept: Int) {
        let figures = tasks[Int(task.index)].figures
        let (good, bad) = (figures.records.count, figures.failures.count)
        let end = min(good + bad, first + limit)
        guard first < end else { return ([], good + bad) }
        let attempts = (first..<end).map { place -> AttemptView in
            if place < good {
                let record = figures.records[place]
                return AttemptView(
                    index: record.index, attempt: record.attempt, worker: record.worker,
                    endedAt: record.endedAt, ranNanoseconds: record.ranNanoseconds)
            }
            let failure = figures.failures[place - good]
            return AttemptView(
                index: failure.index, attempt: failure.attempt, worker: failure.worker,
                endedAt: failure.endedAt, ranNanoseconds: failure.ranNanoseconds,
                message: failure.message)
        }
        return (attempts, good + bad)
    }

    /// Why a task gets no further.
    package func whyWaiting(_ task: TaskID) -> WaitingReason? { coordinator.explainWaiting(task) }

    /// Why a subtask does not run.
    package func whyWaiting(_ subtask: SubtaskID) -> WaitingReason? {
        coordinator.explainWaiting(subtask)
    }

    /// Why a subtask that runs is where it is.
    package func placementNote(of subtask: SubtaskID) -> PlacementNote? {
        coordinator.placementNote(of: subtask)
    }

    /// How many workers a subtask could not run on now, by what is short there.
    package func rejections(of subtask: SubtaskID) -> [(reason: Fitness.Unfit, workers: Int)] {
        coordinator.rejections(of: subtask)
    }

    /// How many slots the policies chose the worker of.
    package var placementCounts: PlacementCounts { coordinator.placementCounts }

    /// The latest choice that the policy in the shadow would have made otherwise.
    package var latestPlacementDifference: PlacementNote? { coordinator.latestPlacementDifference }

    /// What a policy that is a plugin is to be asked now.
    package func policyQuestion(for seat: PolicySeat) -> PolicyQuestion? {
        coordinator.policyQuestion(for: seat)
    }

    /// What such a policy is to be asked again from class of requests `first`, and the next class.
    package func policyQuestion(
        for seat: PolicySeat, again first: Int
    ) -> (question: PolicyQuestion, next: Int)? {
        coordinator.policyQuestion(for: seat, again: first)
    }

    /// Whether an answer of such a policy is no news.
    package func isKnown(_ answer: PolicyAnswer) -> Bool { coordinator.isKnown(answer) }

    /// What such a policy did last, if that was no answer, and whether it is set aside.
    package func policyFault(in seat: PolicySeat) -> (fault: PolicyFault?, isSetAside: Bool) {
        coordinator.policyFault(in: seat)
    }

    /// Has workers chosen by these policies from now on; nothing happens if they are so already.
    package mutating func place(by settings: PlacementSettings, at now: Tick) {
        guard coordinator.placementSettings != settings else { return }
        handle(.placementConfigured(settings), at: now)
    }

    /// The subtasks of a task that has ended, of which the coordinator keeps numbers only: from number
    /// `first` those that are known to have succeeded, with the tries that it took.
    ///
    /// - Complexity: O(limit + kept attempts).
    package func endedSubtasks(
        of task: TaskID, from first: UInt32, limit: Int
    ) -> [(index: UInt32, tries: Int)] {
        guard let numbers = coordinator.progress(of: task), limit > 0 else { return [] }
        let end = UInt64(first) + UInt64(limit)
        var tries: [UInt32: Int] = [:]
        for record in tasks[Int(task.index)].figures.records
        where record.index >= first && UInt64(record.index) < end {
            tries[record.index] = Int(record.attempt)
        }
        let last = min(end, UInt64(numbers.put))
        guard UInt64(first) < last else { return [] }
        let allSucceeded = numbers.succeeded == numbers.put
        return (first..<UInt32(last)).compactMap { index in
            tries[index].map { (index, $0) } ?? (allSucceeded ? (index, 1) : nil)
        }
    }

    /// Where a subtask is.
    package func subtask(_ id: SubtaskID) -> SubtaskView? { coordinator.subtask(id) }

    /// Has the turn stored even if nothing happened in it: a side table has changed.
    package mutating func demandCommit() { turn.isDemanded = true }
}
