extension Coordinator {
    /// The cell of a shape on a worker, made if it is not there.
    mutating func cell(of shape: Int, on worker: Int) -> UInt32 {
        let key = cellKey(shape, worker)
        if let cell = cellIndices[key] { return cell }
        var cell = Cell(worker: worker, shape: shape)
        cell.positionInShape = shapes[shape].cells.count
        let index: UInt32
        if let free = freeCells.popLast() {
            index = free
            cells[Int(free)] = cell
        } else {
            index = UInt32(cells.count)
            cells.append(cell)
        }
        cellIndices[key] = index
        shapes[shape].cells.append(index)
        workers[worker].cells.append(index)
        return index
    }

    func cellKey(_ shape: Int, _ worker: Int) -> UInt64 {
        UInt64(worker) << 32 | UInt64(shape)
    }

    mutating func discard(_ index: UInt32) { dropCellIfUnused(index) }

    private mutating func dropCellIfUnused(_ index: UInt32) {
        let cell = cells[Int(index)]
        guard cell.isUsed, cell.slots == 0, cell.queued.count == 0, cell.running.count == 0
        else { return }
        cells[Int(index)].isUsed = false
        cells[Int(index)].isHungry = false
        cellIndices[cellKey(cell.shape, cell.worker)] = nil
        if let last = shapes[cell.shape].cells.popLast(), last != index {
            shapes[cell.shape].cells[cell.positionInShape] = last
            cells[Int(last)].positionInShape = cell.positionInShape
        }
        if let place = workers[cell.worker].cells.firstIndex(of: index) {
            workers[cell.worker].cells.remove(at: place)
        }
        freeCells.append(index)
    }

    /// Reserves what a shape needs on a worker, if it is free.
    ///
    /// - Parameters:
    ///   - devices: Which devices to take; those that the books choose if it is `nil`.
    mutating func makeSlot(
        of shape: Int, on worker: Int, devices: [Int]? = nil
    ) -> SlotID? {
        let place = workers[worker].freeSlots.last ?? UInt32(workers[worker].slots.count)
        let generation =
            Int(place) < workers[worker].slots.count
            ? workers[worker].slots[Int(place)].generation : 0
        let slot = SlotID(index: place, generation: generation)
        let request = classes[shapes[shape].resources].request
        if let cell = cellIndices[cellKey(shape, worker)],
            cells[Int(cell)].slots >= Limits.slotsPerWorkerAndShape
        {
            return nil
        }
        guard isOpen(worker, to: shape),
            workers[worker].ledger.reserve(request, by: slot, devices: devices)
        else { return nil }
        if placing.isOn { placing.touch(worker) }
        if workers[worker].freeSlots.popLast() == nil { workers[worker].slots.append(SlotState()) }
        let cell = cell(of: shape, on: worker)
        workers[worker].slots[Int(place)].cell = cell
        workers[worker].slots[Int(place)].isStuck = false
        cells[Int(cell)].slots += 1
        cells[Int(cell)].isFresh = true
        countSlots(of: shape, 1)
        countHeld(shape, on: worker)
        markHungry(cell)
        return slot
    }

    /// A slot goes to the next attempt, or is free; what is known already changes nothing.
    mutating func handOn(_ slot: SlotID, of worker: Int, to successor: AttemptID?) {
        guard slot.index < workers[worker].slots.count else { return }
        let state = workers[worker].slots[Int(slot.index)]
        guard state.cell != noIndex, state.generation == slot.generation else { return }
        if state.isStuck {
            workers[worker].slots[Int(slot.index)].isStuck = false
            cells[Int(state.cell)].stuck -= 1
        }
        guard let successor else { return free(slot, of: worker) }
        guard let task = known(successor.task), successor.index < tasks[task].subtasks.count
        else { return }
        let record = tasks[task].subtasks[Int(successor.index)]
        guard record.isPlaced, record.epoch == successor.epoch,
            placements[record.link].cell == state.cell
        else { return }
        run(record.link, in: slot)
    }

    private mutating func free(_ slot: SlotID, of worker: Int) {
        let cell = workers[worker].slots[Int(slot.index)].cell
        workers[worker].ledger.release(slot)
        if placing.isOn { placing.touch(worker) }
        workers[worker].slots[Int(slot.index)].cell = noIndex
        workers[worker].slots[Int(slot.index)].generation &+= 1
        workers[worker].freeSlots.append(slot.index)
        let shape = cells[Int(cell)].shape
        cells[Int(cell)].slots -= 1
        countSlots(of: shape, -1)
        orphans.append(cell)
        dropCellIfUnused(cell)
        offer(worker)
    }

    /// What ran in the slot was given up, and may still be there.
    mutating func markStuck(_ slot: SlotID, of worker: Int) {
        guard slot.index < workers[worker].slots.count else { return }
        let state = workers[worker].slots[Int(slot.index)]
        guard state.cell != noIndex, state.generation == slot.generation, !state.isStuck else {
            return
        }
        workers[worker].slots[Int(slot.index)].isStuck = true
        cells[Int(state.cell)].stuck += 1
        orphans.append(state.cell)
    }

    /// Puts a ready subtask on a worker: in a slot, or in the queue.
    mutating func put(
        _ index: UInt32, of shape: Int, on worker: Int, slot: SlotID?, gang: GangPlace? = nil
    ) {
        let task = shapes[shape].task
        let cell = cell(of: shape, on: worker)
        tasks[task].subtasks[Int(index)].epoch &+= 1
        let epoch = tasks[task].subtasks[Int(index)].epoch
        let attempt = AttemptID(
            subtask: SubtaskID(task: tasks[task].spec.id, index: index), epoch: epoch)
        let placement = placements.insert(Placement(attempt: attempt, cell: cell))
        cellLinks.makeRoom(for: placement)
        timerLinks.makeRoom(for: placement)
        tasks[task].subtasks[Int(index)].state = .placed
        tasks[task].subtasks[Int(index)].isPlaced = true
        tasks[task].subtasks[Int(index)].link = placement
        tasks[task].placed += 1
        runs[tasks[task].run].placed += 1
        cellLinks.append(placement, to: &cells[Int(cell)].queued)
        cells[Int(cell)].wanted += 1
        shapes[shape].queued += 1
        listQueued(shape)
        tasks[task].progress.queued += 1
        let shapeID = ShapeID(UInt32(shape))
        if let slot {
            run(placement, in: slot)
            order(
                Assignment(
                    attempt: attempt, shape: shapeID, order: .start(slot),
                    devices: workers[worker].ledger.devices(of: slot), gang: gang),
                on: worker)
        } else {
            order(Assignment(attempt: attempt, shape: shapeID, order: .queue), on: worker)
        }
    }

    private mutating func listQueued(_ shape: Int) {
        guard !shapes[shape].isListedQueued else { return }
        shapes[shape].isListedQueued = true
        let home = home(of: shape)
        guard !shapes[home].alternatives.isEmpty else {
            return classes[shapes[shape].resources].queuedShapes.append(shape)
        }
        // It could run wherever one of its alternatives has room.
        for other in [home] + shapes[home].alternatives {
            let resources = shapes[other].resources
            if !classes[resources].queuedShapes.contains(shape) {
                classes[resources].queuedShapes.append(shape)
            }
        }
    }

    /// An attempt runs in a slot from now on.
    mutating func run(_ placement: UInt32, in slot: SlotID) {
        placements[placement].slot = slot
        guard !placements[placement].isRunning else { return }
        let cell = Int(placements[placement].cell)
        leaveQueue(placement)
        placements[placement].isRunning = true
        placements[placement].started = clock
        shapes[home(of: cells[cell].shape)].waitingSince = nil
        cellLinks.remove(placement, from: &cells[cell].queued)
        cellLinks.append(placement, to: &cells[cell].running)
        guard placements[placement].fate == .wanted else { return }
        let shape = cells[cell].shape
        tasks[shapes[shape].task].progress.queued -= 1
        tasks[shapes[shape].task].progress.running += 1
        setTimer(placement, lane: shapes[shape].timerLane)
    }

    /// A queued attempt that was wanted runs, is doomed, or is gone.
    private mutating func leaveQueue(_ placement: UInt32) {
        let record = placements[placement]
        guard !record.isRunning, record.fate == .wanted else { return }
        let cell = Int(record.cell)
        let shape = cells[cell].shape
        cells[cell].wanted -= 1
        shapes[shape].queued -= 1
        if record.isAsked {
            placements[placement].isAsked = false
            cells[cell].asked -= 1
            shapes[shape].asked -= 1
        }
        markHungry(record.cell)
    }

    /// Takes an attempt off its worker; a subtask that is wanted counts as waiting then.
    ///
    /// Returns: The task.
    mutating func remove(_ placement: UInt32) -> Int {
        let record = placements[placement]
        let cell = Int(record.cell)
        let task = shapes[cells[cell].shape].task
        leaveQueue(placement)
        if record.fate != .doomed {
            if record.isRunning {
                tasks[task].progress.running -= 1
            } else {
                tasks[task].progress.queued -= 1
            }
            tasks[task].progress.waiting += 1
        }
        if record.isRunning {
            cellLinks.remove(placement, from: &cells[cell].running)
        } else {
            cellLinks.remove(placement, from: &cells[cell].queued)
        }
        clearTimer(placement)
        tasks[task].subtasks[Int(record.attempt.index)].isPlaced = false
        tasks[task].placed -= 1
        let run = tasks[task].run
        runs[run].placed -= 1
        if runs[run].placed == 0 { outbox.runs.append(run) }
        placements.remove(placement)
        dropRecordsIfUnused(task)
        dropCellIfUnused(record.cell)
        return task
    }

    /// Nobody wants the attempt any more: cancels it and forgets what it may still say.
    mutating func doom(_ placement: UInt32, _ reason: CancelReason) {
        let record = placements[placement]
        guard record.fate != .doomed else { return }
        let worker = cells[Int(record.cell)].worker
        let task = shapes[cells[Int(record.cell)].shape].task
        leaveQueue(placement)
        placements[placement].fate = .doomed
        if record.isRunning {
            tasks[task].progress.running -= 1
        } else {
            tasks[task].progress.queued -= 1
        }
        tasks[task].progress.withdrawn += 1
        guard record.fate == .wanted else { return }
        orderCancel(record.attempt, on: worker, reason)
        setTimer(placement, lane: 0)
    }
}
