extension Coordinator {
    /// The place in the table of a worker that is there.
    func known(_ worker: WorkerID) -> Int? {
        let index = Int(worker.index)
        return workers.indices.contains(index) && workers[index].phase != .lost ? index : nil
    }

    mutating func register(_ spec: WorkerSpec) {
        let worker = Int(spec.id.index)
        precondition(
            worker <= workers.count + Limits.workerGap, "ids of workers are counted from 0")
        while workers.count <= worker { workers.append(WorkerState()) }
        guard !workers[worker].isKnown else { return }
        workers[worker].isKnown = true
        workers[worker].phase = .active
        workers[worker].ledger = Ledger(total: spec.capacity, labels: spec.labels)
        if placing.isOn { placing.touch(worker) }
        sharing.total = sharing.total + ResourceAmount(spec.capacity)
        for resources in classes.indices { include(worker, in: resources) }
        capacityChanged()
    }

    mutating func drain(_ id: WorkerID) {
        guard let worker = known(id), workers[worker].phase == .active else { return }
        workers[worker].phase = .draining
        exclude(worker)
        for cell in workers[worker].cells {
            for placement in cellLinks.members(of: cells[Int(cell)].queued) {
                askBack(placement)
            }
        }
        capacityChanged()
    }

    /// Takes a drain back: the worker is offered what fits on it, as when it came.
    mutating func cancelDrain(_ id: WorkerID) {
        guard let worker = known(id), workers[worker].phase == .draining else { return }
        workers[worker].phase = .active
        sharing.total = sharing.total + ResourceAmount(workers[worker].ledger.total)
        for resources in classes.indices { include(worker, in: resources) }
        capacityChanged()
    }

    mutating func measure(_ id: WorkerID, _ use: MeasuredUse) {
        guard let worker = known(id) else { return }
        workers[worker].ledger.measured = use
    }

    /// Releases what was reserved, fences all attempts and has them placed again, in one go.
    mutating func lose(_ id: WorkerID, reason: String) {
        guard let worker = known(id) else { return }
        if workers[worker].phase == .active { exclude(worker) }
        workers[worker].phase = .lost
        workers[worker].isSuspect = false
        workers[worker].health = WorkerHealth()
        quarantined.removeAll { $0 == UInt32(worker) }
        let failure = Failure(
            .workerLost, retry: .elsewhere, reason: "worker.lost",
            "worker \(id.index) was lost: \(reason)")
        let held = workers[worker].cells
        for slot in workers[worker].slots where slot.cell != noIndex {
            let shape = cells[Int(slot.cell)].shape
            cells[Int(slot.cell)].slots -= 1
            if slot.isStuck { cells[Int(slot.cell)].stuck -= 1 }
            countSlots(of: shape, -1)
        }
        for cell in held {
            let queued = cellLinks.members(of: cells[Int(cell)].queued)
            let running = cellLinks.members(of: cells[Int(cell)].running)
            for placement in queued.reversed() { lose(placement, failure) }
            for placement in running.reversed() { lose(placement, failure) }
        }
        for cell in held where cells[Int(cell)].isUsed { discard(cell) }
        workers[worker].cells = []
        workers[worker].slots = []
        workers[worker].freeSlots = []
        workers[worker].ledger = Ledger(total: ResourceVector(milliCores: 0, memoryBytes: 0))
        workers[worker].starts = []
        workers[worker].takeBacks = []
        workers[worker].cancels = []
        capacityChanged()
    }

    private mutating func lose(_ placement: UInt32, _ failure: Failure) {
        let record = placements[placement]
        let shape = cells[Int(record.cell)].shape
        let task = remove(placement)
        switch record.fate {
        case .doomed: return
        case .timedOut:
            failAttempt(
                task, record.attempt.index, timeoutFailure(shape: shape),
                on: cells[Int(record.cell)].worker)
        case .preempted: makeReady(task, record.attempt.index, first: true)
        case .wanted:
            if record.isRunning {
                failAttempt(
                    task, record.attempt.index, failure, on: cells[Int(record.cell)].worker)
            } else {
                makeReady(task, record.attempt.index, first: true)
            }
        }
    }

    /// Lets a worker take what fits on it, in one class of requests.
    mutating func include(_ worker: Int, in resources: Int) {
        let able = slots(of: resources, on: worker)
        classes[resources].totalSlots += able
        if able > 0 { offer(worker, to: resources) }
    }

    private mutating func exclude(_ worker: Int) {
        if placing.isOn { placing.touch(worker) }
        sharing.total = sharing.total - ResourceAmount(workers[worker].ledger.total)
        for resources in classes.indices {
            classes[resources].totalSlots -= slots(of: resources, on: worker)
        }
    }

    private func slots(of resources: Int, on worker: Int) -> Int {
        let ledger = workers[worker].ledger
        let request = classes[resources].request
        return ledger.hasLabels(of: request) ? Ledger.count(of: request, in: ledger.total) : 0
    }

    /// Something became free on a worker.
    mutating func offer(_ worker: Int) {
        if placing.isOn { placing.touch(worker) }
        for resources in classes.indices { offer(worker, to: resources) }
    }

    private mutating func offer(_ worker: Int, to resources: Int) {
        roomChanges &+= 1
        guard workers[worker].takesWork else { return }
        while classes[resources].isCandidate.count <= worker {
            classes[resources].isCandidate.append(false)
        }
        guard !classes[resources].isCandidate[worker] else { return }
        classes[resources].isCandidate[worker] = true
        let isReluctant =
            classes[resources].request.devices == 0
            && !workers[worker].ledger.total.devices.isEmpty
        if isReluctant {
            classes[resources].reluctant.append(UInt32(worker))
        } else {
            classes[resources].candidates.append(UInt32(worker))
        }
    }

    private mutating func capacityChanged() {
        for task in tasks.indices where !tasks[task].hasEnded && tasks[task].phase > .waiting {
            tasks[task].isCapacityDue = true
            touch(task: task)
        }
    }

    /// How many subtasks of the task's own needs, and of their alternatives, run at a time with the
    /// workers there are.
    package func slots(of task: TaskID) -> Int {
        guard let task = known(task) else { return 0 }
        let own = tasks[task].resources
        let others = Set(
            tasks[task].shapes.lazy.filter { shapes[$0].home != noIndex }.map {
                shapes[$0].resources
            })
        return others.subtracting([own]).reduce(classes[own].totalSlots) {
            $0 + classes[$1].totalSlots
        }
    }
}
