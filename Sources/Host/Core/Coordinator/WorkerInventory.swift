/// What is on a worker, in its own words, at the moment its connection is there again.
///
/// This is what makes orders and reports arrive exactly once although a connection, or the
/// coordinator, may go at any time.  Five rules, kept by the shell and the worker:
///
/// 1. A worker keeps the end of an attempt until it is acknowledged, which is after the event with
///    it is on disk.  Nothing else that a worker says is kept.
/// 2. On a new connection it first sends the ends that are not acknowledged, in the order in which
///    the attempts ended, then its inventory, then whatever comes.
/// 3. Once a new connection is there, nothing from an older one is handed to the coordinator or
///    carried out by the worker.
/// 4. From the moment a connection goes, or the coordinator starts, orders to the worker are
///    dropped, until its inventory has been handed in; the orders of that event are the first to be
///    sent again.
/// 5. A worker ignores an order for an attempt that it has or had.
///
/// Then an order that does not show in the inventory did not arrive and never will.  An attempt
/// that it was about is placed again under a new epoch; a slot that nothing runs in is free.  What
/// the worker has and the coordinator does not want is cancelled; it keeps its slot until it ends.
package struct WorkerInventory: Hashable, Sendable {
    /// Counts the worker's connections after the one on which it registered, from 1: an inventory
    /// of an older one changes nothing.
    package var session: UInt64
    /// Attempts that are queued and have no slot, the first to run first.
    package var queued: [AttemptID]
    /// Attempts that have a slot, whether they have begun or not.
    package var running: [RunningAttempt]

    /// What is on a worker.
    package init(session: UInt64, queued: [AttemptID] = [], running: [RunningAttempt] = []) {
        self.session = session
        self.queued = queued
        self.running = running
    }
}

/// An attempt that runs, and the slot it has.
package struct RunningAttempt: Hashable, Sendable {
    /// The attempt.
    package var attempt: AttemptID
    /// The slot that it was given, or that was handed on to it.
    package var slot: SlotID

    /// An attempt that runs.
    package init(attempt: AttemptID, slot: SlotID) {
        self.attempt = attempt
        self.slot = slot
    }
}
