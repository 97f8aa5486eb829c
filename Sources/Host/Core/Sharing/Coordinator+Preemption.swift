/// What ending attempts on one worker would make room for.
private struct Eviction {
    var worker: Int
    var ledger: Ledger
    /// Those that may be ended, the one that has run shortest first.
    var candidates: [UInt32]
    var victims: [UInt32] = []
    var slots = 0
    /// What is to be ended for the next slot, and the time that it has run, in nanoseconds.
    var next: (victims: [UInt32], lost: UInt64)?
}

extension Coordinator {
    /// Ends attempts of much lower priority for shapes that have no room: the least work is lost
    /// that can be.
    ///
    /// Only across ``Limits/preemptionPriorities`` points or more; never to borrow; never from
    /// another queue that holds less for its weight; an attempt's subtask at most
    /// ``Limits/preemptionsPerSubtask`` times.
    mutating func preempt(for starved: [Int]) {
        guard sharing.isShared else { return }
        for shape in starved.prefix(Limits.starvedShapesSearched) {
            let priority = runs[run(of: shape)].priority
            guard priority - sharing.lowestPriority >= Limits.preemptionPriorities,
                shapes[shape].ready > 0, !isAtLimit(shape), !wouldBorrow(shape)
            else { continue }
            renewHolds(of: shape)
            let lacking =
                min(shapes[shape].ready, slotsWithinLimits(shape)) - slotsHeld(for: shape)
            guard lacking > 0, !evict(for: shape, slots: lacking, fromOthers: false) else {
                continue
            }
            // One at a time, so that each looks at what the queues will hold by then.
            _ = evict(
                for: shape, slots: max(1, slotsLacking(forGangOf: shape)), fromOthers: true)
        }
    }

    /// Where all that was ended is gone and the room went to others, more is ended or the worker
    /// is let go.
    private mutating func renewHolds(of shape: Int) {
        for place in sharing.holds.indices.reversed() {
            let hold = sharing.holds[place]
            guard hold.shape == shape, hold.isPreemptive, !isPreempting(on: hold.worker) else {
                continue
            }
            var eviction = eviction(for: shape, on: hold.worker, fromOthers: true)
            plan(&eviction, for: shape)
            guard let next = eviction.next, !next.victims.isEmpty else {
                release(hold)
                continue
            }
            for victim in next.victims { preempt(victim) }
        }
    }

    private func isPreempting(on worker: Int) -> Bool {
        workers[worker].cells.contains { cell in
            cellLinks.members(of: cells[Int(cell)].running).contains {
                placements[$0].fate == .preempted
            }
        }
    }

    /// Slots that the shape may still get by the limits of its run and its queue.
    ///
    /// - Parameter borrowed: whether what the queue may borrow counts too.
    func slotsWithinLimits(_ shape: Int, borrowed: Bool = false) -> Int {
        let run = run(of: shape)
        var slots = Int64(runs[run].maximumConcurrency - runs[run].slots)
        let amount = amount(of: shape)
        let queue = sharing.queues[runs[run].queue]
        func consider(_ limit: Int64?, _ use: Int64, _ part: Int64) {
            if let limit, part > 0 { slots = min(slots, (limit - use) / part) }
        }
        let quota = borrowed ? queue.ceiling : queue.spec.quota
        consider(quota.milliCores, queue.use.milliCores, amount.milliCores)
        consider(quota.memoryBytes, queue.use.memoryBytes, amount.memoryBytes)
        consider(quota.deviceMilli, queue.use.deviceMilli, amount.deviceMilli)
        return Int(slots)
    }

    /// Makes room for up to so many slots, the least lost work first.
    ///
    /// Returns: Whether there is room for one at least.
    private mutating func evict(for shape: Int, slots: Int, fromOthers: Bool) -> Bool {
        let request = classes[shapes[shape].resources].request
        var plans: [Eviction] = []
        for worker in workersToSearch() where couldRun(request, on: worker) {
            var made = eviction(for: shape, on: worker, fromOthers: fromOthers)
            plan(&made, for: shape)
            if made.next != nil { plans.append(made) }
        }
        var lacking = min(slots, Limits.slotsPerWorkerAndShape)
        var room = Limits.holds - sharing.holds.count
        while lacking > 0, let best = cheapest(plans), let next = plans[best].next {
            if plans[best].slots == 0 {
                guard room > 0 else {
                    plans[best].next = nil
                    continue
                }
                room -= 1
            }
            plans[best].victims += next.victims
            plans[best].slots += 1
            plan(&plans[best], for: shape)
            lacking -= 1
        }
        let made = plans.filter { $0.slots > 0 }
        guard made.reduce(0, { $0 + $1.slots }) >= slotsLacking(forGangOf: shape) else {
            return false
        }
        for made in made {
            hold(
                Hold(
                    worker: made.worker, shape: shape, wanted: made.slots,
                    until: clock.advanced(byNanoseconds: Limits.evictionNanoseconds),
                    isPreemptive: true))
            for victim in made.victims { preempt(victim) }
        }
        return !made.isEmpty
    }

    /// The one whose next slot costs least.
    private func cheapest(_ plans: [Eviction]) -> Int? {
        var best: (place: Int, lost: UInt64)?
        for (place, made) in plans.enumerated() {
            guard let next = made.next, best.map({ next.lost < $0.lost }) ?? true else { continue }
            best = (place, next.lost)
        }
        return best?.place
    }

    private func eviction(for shape: Int, on worker: Int, fromOthers: Bool) -> Eviction {
        var candidates: [UInt32] = []
        let priority = runs[run(of: shape)].priority
        let isFull =
            cellIndices[cellKey(shape, worker)].map {
                cells[Int($0)].slots >= Limits.slotsPerWorkerAndShape
            } ?? false
        for index in isFull ? [] : workers[worker].cells {
            let other = cells[Int(index)].shape
            guard priority - runs[run(of: other)].priority >= Limits.preemptionPriorities,
                queue(of: other) == queue(of: shape)
                    || (fromOthers && mayEvict(from: other, for: shape))
            else { continue }
            let task = shapes[other].task
            candidates += cellLinks.members(of: cells[Int(index)].running).filter {
                let subtask = tasks[task].subtasks[Int(placements[$0].attempt.index)]
                return placements[$0].fate == .wanted
                    && mayRecall(task, placements[$0].attempt.index)
                    && subtask.preemptions < Limits.preemptionsPerSubtask
            }
        }
        candidates.sort {
            (placements[$1].started, $0) < (placements[$0].started, $1)
        }
        return Eviction(worker: worker, ledger: workers[worker].ledger, candidates: candidates)
    }

    /// Whether another queue would still hold more for its weight, or more than its quota, when
    /// all that is under way is over and it lost one of these too.
    private func mayEvict(from other: Int, for shape: Int) -> Bool {
        var (gain, loss) = (amount(of: shape), amount(of: other))
        let (left, right) = (queue(of: shape), queue(of: other))
        for hold in sharing.holds where hold.isPreemptive {
            if queue(of: hold.shape) == left {
                gain = gain + amount(of: hold.shape) * hold.wanted
            }
            for cell in workers[hold.worker].cells
            where queue(of: cells[Int(cell)].shape) == right {
                for placement in cellLinks.members(of: cells[Int(cell)].running)
                where placements[placement].fate == .preempted {
                    loss = loss + amount(of: cells[Int(cell)].shape)
                }
            }
        }
        var after = sharing.queues[right]
        let lost = loss - amount(of: other)
        if after.spec.quota.exceeded(by: after.use - lost) != nil { return true }
        after.use = after.use - loss
        return sharing.queues[left].share(of: sharing.total, with: gain)
            <= after.share(of: sharing.total)
    }

    /// Finds what is to be ended for one slot more; what was planned before counts as done.
    private func plan(_ eviction: inout Eviction, for shape: Int) {
        let request = classes[shapes[shape].resources].request
        if eviction.slots > 0 { eviction.ledger = reserved(eviction, request) }
        eviction.next = nil
        var ledger = eviction.ledger
        var victims: [UInt32] = []
        for candidate in eviction.candidates where !ledger.fits(request) {
            ledger.release(placements[candidate].slot)
            victims.append(candidate)
        }
        guard ledger.fits(request), !victims.isEmpty else { return }
        // One that was taken early may not be needed once a larger one is there.
        for victim in victims.dropLast().reversed() {
            var without = eviction.ledger
            for other in victims where other != victim { without.release(placements[other].slot) }
            if without.fits(request) { victims.removeAll { $0 == victim } }
        }
        let lost = victims.reduce(0) {
            $0 + (clock.nanoseconds - placements[$1].started.nanoseconds)
        }
        eviction.next = (victims, lost)
        eviction.candidates.removeAll { victims.contains($0) }
    }

    /// The books of the worker after the last slot that was planned.
    private func reserved(_ eviction: Eviction, _ request: ResourceRequest) -> Ledger {
        var ledger = eviction.ledger
        for victim in eviction.victims { ledger.release(placements[victim].slot) }
        _ = ledger.reserve(
            request, by: SlotID(index: noIndex - UInt32(eviction.slots), generation: 0))
        return ledger
    }

    /// Ends an attempt whose place is needed; its subtask is tried again, free of charge.
    private mutating func preempt(_ placement: UInt32) {
        let record = placements[placement]
        placements[placement].fate = .preempted
        let task = shapes[cells[Int(record.cell)].shape].task
        tasks[task].subtasks[Int(record.attempt.index)].preemptions += 1
        orderCancel(record.attempt, on: cells[Int(record.cell)].worker, .preempted)
        setTimer(placement, lane: 0)
    }
}
