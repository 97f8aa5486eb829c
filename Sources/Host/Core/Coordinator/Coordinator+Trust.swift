extension Coordinator {
    /// A worker that is silent gets nothing new; how much there is of it is not told anybody,
    /// as most such workers are back in a moment.
    mutating func suspect(_ id: WorkerID) {
        guard let worker = known(id) else { return }
        workers[worker].isSuspect = true
    }

    /// What has not begun on a silent worker is placed elsewhere at once: it cannot answer.
    ///
    /// The cancellation reaches it if it was only slow.
    mutating func doubt(_ id: WorkerID) {
        guard let worker = known(id) else { return }
        suspect(id)
        for cell in workers[worker].cells {
            for placement in cellLinks.members(of: cells[Int(cell)].queued).reversed()
            where placements[placement].fate == .wanted {
                orderCancel(placements[placement].attempt, on: worker, .givenUp)
                placeAgain(placement)
            }
        }
    }

    mutating func trust(_ id: WorkerID) {
        guard let worker = known(id), workers[worker].isSuspect else { return }
        workers[worker].isSuspect = false
        offer(worker)
        for cell in workers[worker].cells { markHungry(cell) }
    }

    /// Takes an attempt off its worker; its subtask, if it is wanted, goes before all others.
    mutating func placeAgain(_ placement: UInt32) {
        let (fate, index) = (placements[placement].fate, placements[placement].attempt.index)
        let task = remove(placement)
        if fate != .doomed { makeReady(task, index, first: true) }
    }
}
