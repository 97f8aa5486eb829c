extension Coordinator {
    /// Settles what the coordinator and a worker disagree about; its ends are in already.
    ///
    /// After it, the attempts and slots in the books are those that the worker has, plus those
    /// that are ordered in the effects of this event.
    mutating func reattach(_ id: WorkerID, _ inventory: WorkerInventory) {
        guard let worker = known(id), inventory.session > workers[worker].session else { return }
        workers[worker].session = inventory.session
        var found = Found()
        for each in inventory.running { settleRunning(each, on: worker, &found) }
        for attempt in inventory.queued { settleQueued(attempt, on: worker, &found) }
        placeMissing(on: worker, found)
        freeMissing(on: worker, found)
        trust(id)
    }

    /// What of the books shows in an inventory: looked up only, never walked through.
    private struct Found {
        var attempts: Set<AttemptID> = []
        var slots: Set<SlotID> = []
    }

    private mutating func settleRunning(
        _ running: RunningAttempt, on worker: Int, _ found: inout Found
    ) {
        let cell = holder(of: running.slot, on: worker)
        let isHeld = cell != nil && found.slots.insert(running.slot).inserted
        guard isHeld, let placement = find(running.attempt, on: worker),
            placements[placement].cell == cell
        else { return orderCancel(running.attempt, on: worker, .givenUp) }
        found.attempts.insert(running.attempt)
        run(placement, in: running.slot)
        cancelAgain(placement, on: worker)
    }

    private mutating func settleQueued(
        _ attempt: AttemptID, on worker: Int, _ found: inout Found
    ) {
        guard let placement = find(attempt, on: worker), found.attempts.insert(attempt).inserted
        else { return orderCancel(attempt, on: worker, .givenUp) }
        let record = placements[placement]
        guard record.fate == .wanted else { return cancelAgain(placement, on: worker) }
        if record.isAsked { return orderBack(attempt, from: worker) }
        guard record.isRunning else { return }
        // It was given a slot of its own, and does not know.
        guard holder(of: record.slot, on: worker) == record.cell,
            found.slots.insert(record.slot).inserted
        else {
            found.attempts.remove(attempt)
            return orderCancel(attempt, on: worker, .givenUp)
        }
        let shape = ShapeID(UInt32(cells[Int(record.cell)].shape))
        order(
            Assignment(
                attempt: attempt, shape: shape, order: .promote(record.slot),
                devices: workers[worker].ledger.devices(of: record.slot)),
            on: worker)
    }

    private mutating func cancelAgain(_ placement: UInt32, on worker: Int) {
        let record = placements[placement]
        guard record.fate != .wanted else { return }
        orderCancel(record.attempt, on: worker, record.fate.cancelReason)
        setTimer(placement, lane: 0)
    }

    /// Orders that did not arrive: nothing of them has run, so another try costs nothing.
    ///
    /// But one that has been placed for too often fails for good.
    private mutating func placeMissing(on worker: Int, _ found: Found) {
        for cell in workers[worker].cells {
            let all =
                cellLinks.members(of: cells[Int(cell)].running)
                + cellLinks.members(of: cells[Int(cell)].queued)
            for placement in all.reversed()
            where !found.attempts.contains(placements[placement].attempt) {
                let record = placements[placement]
                guard record.fate != .doomed,
                    Int(record.attempt.epoch) >= Limits.placementsPerSubtask
                else {
                    placeAgain(placement)
                    continue
                }
                failForGood(remove(placement), record.attempt.index, Self.undeliverable)
            }
        }
    }

    private static let undeliverable = Failure(
        .unavailable, retry: .never, reason: "attempt.undeliverable",
        "an order must reach its worker within \(Limits.placementsPerSubtask) placements, and did "
            + "not: see what the workers log when their connections go")

    private mutating func freeMissing(on worker: Int, _ found: Found) {
        for index in workers[worker].slots.indices
        where workers[worker].slots[index].cell != noIndex {
            let slot = SlotID(
                index: UInt32(index), generation: workers[worker].slots[index].generation)
            if !found.slots.contains(slot) { handOn(slot, of: worker, to: nil) }
        }
    }

    /// The cell of a slot that is held.
    private func holder(of slot: SlotID, on worker: Int) -> UInt32? {
        guard slot.index < workers[worker].slots.count else { return nil }
        let state = workers[worker].slots[Int(slot.index)]
        return state.generation == slot.generation && state.cell != noIndex ? state.cell : nil
    }
}
