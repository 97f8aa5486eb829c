extension Coordinator {
    /// Why a subtask is not running; `nil` if it runs or has ended.
    package func explainWaiting(_ subtask: SubtaskID) -> WaitingReason? {
        guard let task = known(subtask.task), subtask.index < tasks[task].subtasks.count else {
            return nil
        }
        let record = tasks[task].subtasks[Int(subtask.index)]
        switch record.state {
        case .succeeded, .failed, .withdrawn: return nil
        case .blocked: return .subtasksWaiting(Int(record.link))
        case .resting:
            let rest = rests.unordered.first { $0.subtask == subtask }
            return rest.map { .backingOff(until: $0.until) }
        case .judged: return .strategyAnswering
        case .placed:
            let placement = placements[record.link]
            let worker = cells[Int(placement.cell)].worker
            return placement.isRunning ? nil : .queued(id(ofWorker: worker))
        case .ready: return capacityReason(Int(record.shape))
        }
    }

    /// Why a task gets no further; `nil` if something of it runs, or it has ended.
    package func explainWaiting(_ task: TaskID) -> WaitingReason? {
        guard let index = known(task) else { return nil }
        let state = tasks[index]
        switch state.phase {
        case .completed, .failed, .cancelled: return nil
        case .waiting:
            let unmet = state.spec.dependsOn.filter {
                tasks[Int($0.index)].phase != .completed
            }
            return .dependencyWaiting(tasks: unmet)
        case .beginning, .finishing: return .strategyAnswering
        case .running: break
        }
        guard state.progress.running == 0 else { return nil }
        if let shape = state.shapes.first(where: { shapes[$0].ready > 0 }) {
            return capacityReason(shape)
        }
        if let rest = rests.unordered.filter({ $0.subtask.task == task }).min() {
            return .backingOff(until: rest.until)
        }
        return .strategyAnswering
    }

    /// Why a ready subtask of the shape has no slot.
    func capacityReason(_ shape: Int) -> WaitingReason {
        let request = classes[shapes[shape].resources].request
        let present = workers.filter { $0.phase == .active }
        guard !present.isEmpty else { return .noWorker }
        let able = present.filter { $0.ledger.hasLabels(of: request) }
        guard !able.isEmpty else { return .noWorkerType(labels: request.labels) }
        if classes[shapes[shape].resources].totalSlots == 0 {
            return exceeded(request, able.map(\.ledger.total))
        }
        if let suspect = onlySuspect(for: request) { return .suspect(suspect) }
        let run = runs[tasks[shapes[shape].task].run]
        if run.slots >= run.maximumConcurrency {
            return .concurrencyLimit(run.maximumConcurrency)
        }
        return .waitingForCapacity
    }

    /// A suspected worker that could take the request, if no trusted one could.
    private func onlySuspect(for request: ResourceRequest) -> WorkerID? {
        var suspect: Int?
        for (index, worker) in workers.enumerated()
        where worker.phase == .active && worker.ledger.hasLabels(of: request)
            && Ledger.count(of: request, in: worker.ledger.total) > 0
        {
            guard worker.isSuspect else { return nil }
            suspect = suspect ?? index
        }
        return suspect.map { id(ofWorker: $0) }
    }

    /// The first dimension in which a request is more than any worker has.
    private func exceeded(_ request: ResourceRequest, _ totals: [ResourceVector]) -> WaitingReason {
        let cores = totals.map(\.milliCores).max() ?? 0
        if request.milliCores > cores {
            return .exceedsMaximumWorker(.cpu, wanted: request.milliCores, largest: cores)
        }
        let memory = totals.map(\.memoryBytes).max() ?? 0
        if request.memoryBytes > memory {
            return .exceedsMaximumWorker(.memory, wanted: request.memoryBytes, largest: memory)
        }
        let devices = totals.map(\.devices.count).max() ?? 0
        return .exceedsMaximumWorker(
            .gpu, wanted: Int64(request.devices), largest: Int64(devices))
    }
}
