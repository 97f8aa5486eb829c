/// The coordinator's limits: each has a name, a unit, and a reason.
package enum Limits {
    /// Subtasks of a task that are put and not placed, more than which are not asked for.
    package static let unplacedPerTask = 4096
    /// Work queued behind a slot, in nanoseconds: bridges the way to the coordinator and back.
    package static let queuedNanosecondsPerSlot = 4_000_000.0
    /// Attempts queued behind a slot.
    package static let queuedPerSlot = 1024
    /// Attempts queued on a worker for one shape.
    package static let queuedPerWorkerAndShape = 8192
    /// Slots of one shape on a worker: bounds shapes that need nothing.
    package static let slotsPerWorkerAndShape = 1024
    /// Queued work, in nanoseconds, that is not worth asking back.
    package static let notWorthMovingNanoseconds = 200_000.0
    /// Workers looked at for one that has the most to give back.
    package static let workersSearchedForQueued = 64
    /// Times that a subtask loses its worker and is tried again free of charge.
    package static let lossesPerSubtask = 8
    /// Times that a strategy may have a subtask tried again after it failed for good.
    package static let verdictRetriesPerSubtask = 8
    /// Answers in a row in which a strategy that nothing keeps waiting put nothing.
    package static let emptySplits = 16
    /// Time that a cancelled attempt has to end, in nanoseconds, before it is given up.
    package static let cancelGraceNanoseconds: UInt64 = 10_000_000_000
    /// Subtasks that a task may have.
    package static let subtasksPerTask = 1 << 28
    /// Tries that a retry policy may ask for.
    package static let attemptsPerSubtask = 1000
    /// Ids of workers that may be left out.
    package static let workerGap = 65_536
    /// Shapes waiting for capacity that are looked at before another is given more work ahead.
    package static let starvedShapesSearched = 16
}
