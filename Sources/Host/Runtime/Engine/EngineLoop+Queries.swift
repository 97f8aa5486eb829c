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

extension EngineLoop {
    /// The numbers of all workers that are not lost.
    package func workerUsage() -> [WorkerUsage] { coordinator.workerUsage() }

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

    /// Why a task gets no further.
    package func whyWaiting(_ task: TaskID) -> WaitingReason? { coordinator.explainWaiting(task) }

    /// Why a subtask does not run.
    package func whyWaiting(_ subtask: SubtaskID) -> WaitingReason? {
        coordinator.explainWaiting(subtask)
    }

    /// Where a subtask is.
    package func subtask(_ id: SubtaskID) -> SubtaskView? { coordinator.subtask(id) }

    /// Has the turn stored even if nothing happened in it: a side table has changed.
    package mutating func demandCommit() { turn.isDemanded = true }
}
