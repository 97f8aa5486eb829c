import FanfoldCore

/// An assignment with all that the worker needs to carry it out.
package struct WorkOrder: Sendable {
    /// What, in which slot or queue.
    package var assignment: Assignment
    /// What to do.
    package var work: Work

    /// An order.
    package init(assignment: Assignment, work: Work) {
        self.assignment = assignment
        self.work = work
    }

    /// What a worker does for an attempt.
    package enum Work: Sendable {
        /// Runs it.
        case run(WorkItem)
        /// Fails it for good: there is nothing to run, or nothing to run it on.
        case refuse(String)
    }
}

/// An attempt that ended on a worker, with what it gave.
package struct EndedAttempt: Sendable {
    /// The attempt.
    package var attempt: AttemptID
    /// The slot it ran in; `nil` if it never ran.
    package var slot: SlotID?
    /// The queued attempt that has the slot now.
    package var successor: AttemptID?
    /// The result or the reason, and what it cost.
    package var result: WorkResult

    /// The end of an attempt.
    package init(
        attempt: AttemptID, slot: SlotID?, successor: AttemptID?, result: WorkResult
    ) {
        self.attempt = attempt
        self.slot = slot
        self.successor = successor
        self.result = result
    }
}

/// What a worker tells the loop.
package enum WorkerNotice: Sendable {
    /// Attempts ended, in order.
    case ended([EndedAttempt])
    /// Attempts were still queued and are not any more.
    case takenBack([AttemptID])
    /// Slots that came for attempts which were not queued any more.
    case slotsReturned([SlotID])
}
