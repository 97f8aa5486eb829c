extension Coordinator {
    /// Sets the timer of a lane in place of another that is set.
    mutating func setTimer(_ placement: UInt32, lane: UInt32) {
        clearTimer(placement)
        guard lane != noIndex else { return }
        placements[placement].lane = lane
        placements[placement].deadline = clock.advanced(
            byNanoseconds: lanes[Int(lane)].nanoseconds)
        timerLinks.append(placement, to: &lanes[Int(lane)].queue)
    }

    mutating func clearTimer(_ placement: UInt32) {
        let lane = placements[placement].lane
        guard lane != noIndex else { return }
        timerLinks.remove(placement, from: &lanes[Int(lane)].queue)
        placements[placement].lane = noIndex
    }

    /// Lets everything happen that is due.
    mutating func expireTimers() {
        while let rest = rests.min, rest.until <= clock {
            rests.removeMin()
            guard let task = known(rest.subtask.task), !tasks[task].hasEnded,
                rest.subtask.index < tasks[task].subtasks.count,
                tasks[task].subtasks[Int(rest.subtask.index)].state == .resting
            else { continue }
            makeReady(task, rest.subtask.index)
        }
        endQuarantines()
        for lane in lanes.indices.dropFirst() {
            while let placement = due(in: lane) {
                let record = placements[placement]
                placements[placement].fate = .timedOut
                orderCancel(record.attempt, on: cells[Int(record.cell)].worker, .timeout)
                setTimer(placement, lane: 0)
            }
        }
        while let placement = due(in: 0) { giveUp(placement) }
    }

    private func due(in lane: Int) -> UInt32? {
        let head = lanes[lane].queue.head
        guard head != noIndex, placements[head].deadline <= clock else { return nil }
        return head
    }

    /// A cancelled attempt whose worker does not answer.
    private mutating func giveUp(_ placement: UInt32) {
        let record = placements[placement]
        let cell = cells[Int(record.cell)]
        if record.isRunning { markStuck(record.slot, of: cell.worker) }
        let task = remove(placement)
        switch record.fate {
        case .timedOut:
            failAttempt(
                task, record.attempt.index, timeoutFailure(shape: cell.shape), on: cell.worker)
        case .preempted: makeReady(task, record.attempt.index, first: true)
        case .wanted, .doomed: break
        }
    }

    /// Asks to be woken when something is due, unless that is asked for already.
    mutating func scheduleWake() {
        var earliest: Tick?
        func consider(_ tick: Tick) { earliest = earliest.map { min($0, tick) } ?? tick }
        if let rest = rests.min { consider(rest.until) }
        for lane in lanes where lane.queue.head != noIndex {
            consider(placements[lane.queue.head].deadline)
        }
        for hold in sharing.holds { consider(hold.until) }
        for worker in quarantined {
            if let until = workers[Int(worker)].health.quarantinedUntil { consider(until) }
        }
        guard let earliest else { return }
        if let wake, wake <= earliest { return }
        wake = earliest
        outbox.wake = earliest
    }
}
