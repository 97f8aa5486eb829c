/// An order to the shell.
///
/// The effects of one event stand in the order in which the cases are listed here; at most one
/// each of `cancel` per worker and reason, of `takeBack` and `start` per worker, of `tellResults`,
/// `tellCapacity` and `split` per task, and of `forget` and `wakeAt` at all.  Orders to one worker, and calls to one
/// strategy, are carried out in this order.
package enum Effect: Hashable, Sendable {
    /// Ends attempts, queued or running.  Each is reported as failed with
    /// ``FailureClass/cancelled``, unless it had ended before; one that was queued without a slot.
    case cancel(WorkerID, [AttemptID], reason: CancelReason)
    /// Gives back those attempts that are queued and have not begun: answered by
    /// ``Event/attemptsTakenBack(_:_:)``; the others run on.
    case takeBack(WorkerID, [AttemptID])
    /// Runs or queues attempts.
    case start(WorkerID, [Assignment])

    /// Tells a strategy results, in order of arrival, each subtask's once.  A result that is not
    /// told in the effects of the event that reported it is never told: the shell can drop it.
    case tellResults(TaskID, [AttemptID])
    /// Tells a strategy that a subtask failed for good after this many attempts.
    case tellFailure(SubtaskID, Failure, attempts: Int)
    /// Tells a strategy which workers there are now.
    case tellCapacity(TaskID)
    /// The payload of these subtasks is not needed any more: they succeeded, failed for good or
    /// were withdrawn.  The end of a task stands for all that are left of it.
    case forget([SubtaskID])
    /// Asks a strategy for at most this many subtasks.
    case split(TaskID, want: Int)
    /// Everything is in: the strategy puts the rest of the output.
    case finishStrategy(TaskID)
    /// The strategy forgets the task: once for each ``Event/strategyBegan(_:)``, the last call.
    case endStrategy(TaskID)
    /// A task ended: once, whatever comes later.
    case taskEnded(TaskID, TaskOutcome)
    /// The tasks it depends on completed: makes the strategy take on the task.
    case beginStrategy(TaskID)
    /// A run ended: once, after all its tasks, and when nothing of it is on a worker any more.
    case runEnded(RunID, RunOutcome)
    /// Wants ``Event/timeElapsed`` at this moment; takes the place of an earlier wish.
    case wakeAt(Tick)
}

/// Why an attempt is cancelled.
package enum CancelReason: UInt8, Hashable, Sendable {
    /// It ran longer than it may.
    case timeout
    /// The strategy does not need the subtask any more.
    case withdrawn
    /// The task failed.
    case taskFailed
    /// The run was cancelled, or another of its tasks failed.
    case runCancelled
    /// It was given up, and may run elsewhere: the worker was silent, or did not know that it was
    /// cancelled.
    case givenUp
    /// A run of much higher priority needs its place; its subtask is tried again.
    case preempted
}

/// What a worker is to do with an attempt.
package struct Assignment: Hashable, Sendable {
    /// The attempt.
    package var attempt: AttemptID
    /// What it needs and runs.
    package var shape: ShapeID
    /// When it runs.
    package var order: AssignmentOrder
    /// The places of the worker's devices that its slot holds; whoever runs there later has them.
    ///
    /// Empty if the shape needs none, or the attempt is queued.
    package var devices: [Int]
    /// Its place among those that start at the same time; `nil` if it is by itself.
    package var gang: GangPlace?

    /// Whether it is about an attempt that is on the worker already.
    package var isPromotion: Bool {
        if case .promote = order { return true }
        return false
    }

    /// An assignment.
    package init(
        attempt: AttemptID, shape: ShapeID, order: AssignmentOrder, devices: [Int] = [],
        gang: GangPlace? = nil
    ) {
        self.attempt = attempt
        self.shape = shape
        self.order = order
        self.devices = devices
        self.gang = gang
    }

    /// The slot to run in; `nil` if the attempt is queued.
    package var slot: SlotID? {
        switch order {
        case .start(let slot), .promote(let slot): slot
        case .queue: nil
        }
    }
}

/// Where the members of a gang run.
package struct GangPlace: Hashable, Sendable {
    /// The place of this member, from 0.
    package var rank: Int
    /// The workers of all members, by rank; one may be there several times.
    package var workers: [WorkerID]

    /// A place.
    package init(rank: Int, workers: [WorkerID]) {
        self.rank = rank
        self.workers = workers
    }
}

/// When a worker runs an attempt.
///
/// A worker has one queue per shape.  When an attempt ends it hands its slot to the first attempt
/// queued for that shape, which begins at once, and says so in the ``AttemptReport/successor``.
package enum AssignmentOrder: Hashable, Sendable {
    /// Now, in this slot: what the shape needs is reserved.
    case start(SlotID)
    /// When a slot of the same shape is handed on: last in the queue, nothing reserved.
    case queue
    /// Now, in this slot, if it is still queued.  If it is not there, or has begun, or has ended,
    /// the worker sends the slot back with ``Event/slotsReturned(_:_:)``.
    case promote(SlotID)
}

/// How a task ended.
package enum TaskOutcome: Hashable, Sendable {
    /// Its output is complete.
    case completed
    /// It has no output.
    indirect case failed(Failure)
    /// It was not wanted any more.
    case cancelled(reason: String)
}

/// How a run ended.
package enum RunOutcome: Hashable, Sendable {
    /// Every task completed.
    case completed
    /// A task failed, the first that did; or, with no task, the run could not begin.
    indirect case failed(TaskID?, Failure)
    /// It was not wanted any more.
    case cancelled(reason: String)
}
