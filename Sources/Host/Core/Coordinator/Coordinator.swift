/// Decides: facts in, orders out, nothing else.
package struct Coordinator: Sendable {
    /// A coordinator that knows of nothing.
    package init() {}

    /// The id that the next task has.
    package var nextTask: TaskID { TaskID(0) }

    /// Takes in what happened and says what is to be done; the only way in.
    package mutating func handle(_ event: Event, at now: Tick) -> [Effect] { [] }

    /// The rules that do not hold, a sentence each; empty unless there is a bug.
    package func violations() -> [String] { [] }

    /// The numbers of all tasks, by id.
    package func progress() -> [TaskProgress] { [] }

    /// The numbers of all workers that are not lost, by id.
    package func workerUsage() -> [WorkerUsage] { [] }

    /// Why a subtask is not running; `nil` if it runs or has ended.
    package func explainWaiting(_ subtask: SubtaskID) -> WaitingReason? { nil }

    /// Why a task gets no further; `nil` if something of it runs, or it has ended.
    package func explainWaiting(_ task: TaskID) -> WaitingReason? { nil }
}
