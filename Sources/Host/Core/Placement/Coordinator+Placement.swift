import DequeModule

extension Coordinator {
    /// Places what can be placed: first what runs at once, then what is queued ahead, and last
    /// what would run sooner elsewhere is asked back.
    mutating func place() {
        prepareQuestions()
        promoteOrphans()
        settleHolds()
        claim()
        var starved = startReady()
        if settleHolds() {
            activeShapes = starved
            starved = startReady()
        }
        for shape in starved where shapes[shape].waitingSince == nil {
            shapes[shape].waitingSince = clock
        }
        preempt(for: starved)
        queueAhead(starved)
        activeShapes = starved.filter {
            shapes[$0].isActive = shapes[$0].ready > 0
            return shapes[$0].isActive
        }
        makeWay(for: activeShapes)
        balance()
    }

    /// Attempts that came to a worker just when the slot they were to get had been freed.
    private mutating func promoteOrphans() {
        while let index = orphans.popLast() {
            let cell = cells[Int(index)]
            guard cell.isUsed, cell.wanted > 0, cell.slots == cell.stuck else { continue }
            if !promote(lastOf: index) {
                for placement in cellLinks.members(of: cell.queued) { askBack(placement) }
            }
        }
    }

    /// Gives the attempt that was queued last a slot of its own.
    private mutating func promote(lastOf index: UInt32) -> Bool {
        let cell = cells[Int(index)]
        var placement = cell.queued.tail
        while placement != noIndex, placements[placement].fate != .wanted {
            placement = cellLinks.previous(before: placement)
        }
        guard placement != noIndex, !isAtLimit(cell.shape), !wouldBorrow(cell.shape),
            let slot = makeSlot(of: cell.shape, on: cell.worker)
        else {
            return false
        }
        run(placement, in: slot)
        order(
            Assignment(
                attempt: placements[placement].attempt, shape: ShapeID(UInt32(cell.shape)),
                order: .promote(slot),
                devices: workers[cell.worker].ledger.devices(of: slot)),
            on: cell.worker)
        return true
    }

    /// One slot for each shape in turn, until nothing is ready or nothing has room.
    ///
    /// Returns: Shapes with ready subtasks left, the one that waits longest first.
    private mutating func startReady() -> [Int] {
        guard !sharing.isShared else { return startShared() }
        var turn = Deque(activeShapes)
        var starved: [Int] = []
        while let shape = turn.popFirst() {
            guard shapes[shape].ready > 0 else {
                shapes[shape].isActive = false
                continue
            }
            if startOne(shape) { turn.append(shape) } else { starved.append(shape) }
        }
        return starved
    }

    /// Starts the next ready subtask of a shape, if there is room for it or for an alternative.
    mutating func startOne(_ shape: Int) -> Bool {
        if shapes[shape].gang > 1 { return startGang(shape) }
        if startOne(shape, as: shape) { return true }
        for other in shapes[shape].alternatives
        where shapes[shape].ready > 0 && startOne(shape, as: other) { return true }
        return false
    }

    private mutating func startOne(_ shape: Int, as placed: Int) -> Bool {
        var refused: Set<Int> = []
        while let (worker, slot) = slotAnywhere(for: placed, besides: refused) {
            if let index = popReady(shape, as: placed, on: worker) {
                put(index, of: placed, on: worker, slot: slot)
                return true
            }
            // What is ready has failed there, and there are others: those may be free.
            handOn(slot, of: worker, to: nil)
            guard shapes[shape].ready > 0, refused.insert(worker).inserted else { return false }
        }
        return false
    }

    /// Reserves on the worker that the policy takes; while there is none, on the next that has
    /// room, those with devices last.
    mutating func slotAnywhere(
        for shape: Int, besides refused: Set<Int>
    ) -> (worker: Int, slot: SlotID)? {
        guard !isAtLimit(shape) else { return nil }
        if let held = heldSlot(for: shape) { return held }
        let resources = shapes[shape].resources
        guard classes[resources].fullSince != roomChanges else { return nil }
        if placing.isOn { return chosenSlot(for: shape, besides: refused) }
        // Workers that are closed to this shape alone are no less candidates of others.
        var (closed, reluctantly): ([UInt32], [UInt32]) = ([], [])
        defer {
            classes[resources].candidates.append(contentsOf: closed)
            classes[resources].reluctant.append(contentsOf: reluctantly)
        }
        while let candidate = classes[resources].candidates.popFirst() {
            guard isMeant(Int(candidate), for: shape) else {
                closed.append(candidate)
                continue
            }
            if workers[Int(candidate)].takesWork,
                let slot = makeSlot(of: shape, on: Int(candidate))
            {
                classes[resources].candidates.append(candidate)
                return (Int(candidate), slot)
            }
            classes[resources].isCandidate[Int(candidate)] = false
        }
        while let candidate = classes[resources].reluctant.popFirst() {
            guard isMeant(Int(candidate), for: shape) else {
                reluctantly.append(candidate)
                continue
            }
            if workers[Int(candidate)].takesWork,
                let slot = makeSlot(of: shape, on: Int(candidate))
            {
                classes[resources].reluctant.append(candidate)
                return (Int(candidate), slot)
            }
            classes[resources].isCandidate[Int(candidate)] = false
        }
        if closed.isEmpty, reluctantly.isEmpty { classes[resources].fullSince = roomChanges }
        return nil
    }

    /// The next ready subtask of a shape for a worker, which has the shape `placed` from now on.
    ///
    /// Ones that were withdrawn are passed over, and those that had better go elsewhere stay.
    private mutating func popReady(
        _ shape: Int, as placed: Int, on worker: Int
    ) -> UInt32? {
        let task = shapes[shape].task
        var avoided: [UInt32] = []
        defer { for index in avoided.reversed() { shapes[shape].queue.pushFirst(index) } }
        while avoided.count < Limits.avoidedSubtasksSearched,
            let index = shapes[shape].queue.pop()
        {
            guard tasks[task].subtasks[Int(index)].state == .ready else { continue }
            if !tasks[task].blamed.isEmpty, isAvoided(task, index, on: worker) {
                avoided.append(index)
                continue
            }
            shapes[shape].ready -= 1
            tasks[task].subtasks[Int(index)].shape = UInt32(placed)
            tasks[task].progress.ready -= 1
            touch(task: task)
            return index
        }
        return nil
    }

    /// Has the cell looked at when there is something to queue.
    mutating func markHungry(_ index: UInt32) {
        guard !cells[Int(index)].isHungry else { return }
        cells[Int(index)].isHungry = true
        let shape = cells[Int(index)].shape
        shapes[shape].hungry.append(index)
        guard shapes[shape].hungry.count > 2 * shapes[shape].cells.count + 64 else { return }
        var seen: Set<UInt32> = []
        let kept = shapes[shape].hungry.filter {
            let cell = cells[Int($0)]
            return cell.isUsed && cell.isHungry && cell.shape == shape && seen.insert($0).inserted
        }
        shapes[shape].hungry = Deque(kept)
    }

    /// Queues what has no room anywhere behind what runs.
    private mutating func queueAhead(_ starved: [Int]) {
        for shape in starved where shapes[shape].gang == 1 {
            if !shapes[shape].hungry.isEmpty { queueAhead(shape, as: shape, starved) }
            for other in shapes[shape].alternatives { queueAhead(shape, as: other, starved) }
        }
    }

    private mutating func queueAhead(_ shape: Int, as placed: Int, _ starved: [Int]) {
        var rounds = shapes[placed].hungry.count
        let kept = slotsHeld(for: shape)
        while rounds > 0, shapes[shape].ready > kept,
            let index = shapes[placed].hungry.popFirst()
        {
            rounds -= 1
            let cell = cells[Int(index)]
            guard cell.isUsed, cell.shape == placed, cell.isHungry else { continue }
            cells[Int(index)].isHungry = false
            guard workers[cell.worker].takesWork, cell.slots > cell.stuck,
                !mustShrink(placed), isOpen(cell.worker, to: placed)
            else {
                continue
            }
            if mustMakeWay(placed, on: cell, starved) {
                markHungry(index)
                continue
            }
            cells[Int(index)].isFresh = false
            fill(index, share: max(1, (shapes[shape].ready - kept) / (rounds + 1)))
        }
    }

    private mutating func fill(_ index: UInt32, share: Int) {
        let cell = cells[Int(index)]
        let wanted = min(
            Limits.queuedPerWorkerAndShape, shapes[cell.shape].depth * (cell.slots - cell.stuck))
        let lacking = wanted - cell.wanted
        guard lacking > 0 else { return }
        let home = home(of: cell.shape)
        for _ in 0..<min(lacking, share) {
            guard let next = popReady(home, as: cell.shape, on: cell.worker) else { break }
            put(next, of: cell.shape, on: cell.worker, slot: nil)
        }
        if lacking > share { markHungry(index) }
    }

    /// Whether another shape, which has fewer slots, waits for what this one holds here.
    private func mustMakeWay(_ shape: Int, on cell: Cell, _ starved: [Int]) -> Bool {
        guard sharing.isShared || !cell.isFresh else { return false }
        for other in starved.prefix(Limits.starvedShapesSearched)
        where other != home(of: shape) {
            guard shapes[other].ready > 0, !isAtLimit(other) else { continue }
            let request = classes[shapes[other].resources].request
            let ledger = workers[cell.worker].ledger
            if isBehind(other, shape, isFresh: cell.isFresh), ledger.hasLabels(of: request),
                Ledger.count(of: request, in: ledger.total) > 0
            {
                return true
            }
        }
        return false
    }
}
