/// How far a task is.
package enum TaskPhase: UInt8, Hashable, Sendable {
    /// A task it depends on has not completed.
    case waiting
    /// The strategy takes it on.
    case beginning
    /// Subtasks are put, placed and folded.
    case running
    /// Everything is in; the strategy puts the rest of the output.
    case finishing
    /// It completed.
    case completed
    /// It failed.
    case failed
    /// It was not wanted any more.
    case cancelled
}

/// The numbers of a task; they add up to ``put``.
package struct TaskProgress: Hashable, Sendable {
    /// The task.
    package var task: TaskID
    /// How far it is.
    package var phase: TaskPhase
    /// Subtasks that come after others, rest before the next try, or wait for a verdict.
    package var waiting = 0
    /// Subtasks that could be placed.
    package var ready = 0
    /// Subtasks queued on a worker.
    package var queued = 0
    /// Subtasks that run.
    package var running = 0
    /// Subtasks that succeeded.
    package var succeeded = 0
    /// Subtasks that failed for good and were skipped.
    package var failed = 0
    /// Subtasks that were withdrawn, replaced or cancelled.
    package var withdrawn = 0
    /// Subtasks that the strategy has put.
    package var put = 0
    /// Whether the strategy has said that there are no more.
    package var allPut = false
    /// Attempts that failed, those that were tried again included.
    package var failedAttempts = 0
}

/// How far a worker is.
package enum WorkerPhase: UInt8, Hashable, Sendable {
    /// It takes subtasks.
    case active
    /// It has been silent for longer than usual: it gets nothing new.
    case suspect
    /// It finishes what it runs.
    case draining
    /// It is gone.
    case lost
    /// Too much failed on it that succeeds elsewhere: it gets nothing new for a while.
    case quarantined
}

/// The numbers of a worker.
package struct WorkerUsage: Hashable, Sendable {
    /// The worker.
    package var worker: WorkerID
    /// How far it is.
    package var phase: WorkerPhase
    /// What it has.
    package var total: ResourceVector
    /// What of it is not reserved.
    package var free: ResourceVector
    /// What its processes use, as it measured last; `nil` before it did.
    package var measured: MeasuredUse?
    /// Slots that are reserved.
    package var slots: Int
    /// Attempts queued on it.
    package var queued: Int
}

/// One dimension of what a subtask needs.
package enum ResourceDimension: String, Hashable, Sendable {
    /// Cores, in thousandths.
    case cpu
    /// Memory, in bytes.
    case memory
    /// Devices, or the share of a device, or its memory.
    case gpu
    /// Labels.
    case label
}
