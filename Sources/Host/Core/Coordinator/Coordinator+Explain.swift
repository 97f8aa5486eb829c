extension Coordinator {
    /// Why a subtask is not running; `nil` if it runs or has come to its end.
    package func explainWaiting(_ subtask: SubtaskID) -> WaitingReason? {
        guard let task = known(subtask.task) else { return nil }
        if tasks[task].hasEnded { return explainEnded(task) }
        guard subtask.index < tasks[task].subtasks.count else { return nil }
        let record = tasks[task].subtasks[Int(subtask.index)]
        switch record.state {
        case .succeeded, .failed: return nil
        case .withdrawn: return .deactivated("its strategy does not need it")
        case .blocked: return .subtasksWaiting(Int(record.link))
        case .resting:
            let rest = rests.unordered.first { $0.subtask == subtask }
            return rest.map { .backingOff(until: $0.until) }
        case .judged:
            let verdict = tasks[task].verdicts.first { $0.index == subtask.index }
            return verdict?.failure.kind == .dependencyFailed
                ? .dependencyFailed(tasks: []) : .strategyAnswering
        case .placed:
            let placement = placements[record.link]
            let worker = cells[Int(placement.cell)].worker
            return placement.isRunning ? nil : .queued(id(ofWorker: worker))
        case .gathering: return gatheringReason(task, subtask.index)
        case .ready: return familyReason(Int(record.shape))
        }
    }

    /// Why a task gets no further, or why what of it is ready does not run; `nil` if all of it runs,
    /// it completed, or it failed by itself.
    package func explainWaiting(_ task: TaskID) -> WaitingReason? {
        guard let index = known(task) else { return nil }
        let state = tasks[index]
        switch state.phase {
        case .completed, .failed, .cancelled: return explainEnded(index)
        case .waiting:
            let unmet = state.spec.dependsOn.filter {
                tasks[Int($0.index)].phase != .completed
            }
            return .dependencyWaiting(tasks: unmet)
        case .beginning, .finishing: return .strategyAnswering
        case .running: break
        }
        if let shape = state.shapes.first(where: { shapes[$0].ready > 0 }) {
            return familyReason(shape)
        }
        guard state.progress.running == 0 else { return nil }
        if let rest = rests.unordered.filter({ $0.subtask.task == task }).min() {
            return .backingOff(until: rest.until)
        }
        if let gang = state.gangs.first(where: { !$0.isClosed }) {
            return gatheringReason(index, gang.members[0])
        }
        return .strategyAnswering
    }

    /// Why a task that has ended did not run to its end, unless it failed by itself.
    private func explainEnded(_ task: Int) -> WaitingReason? {
        guard tasks[task].phase > .completed, let outcome = runs[tasks[task].run].outcome else {
            return nil
        }
        switch outcome {
        case .completed: return nil
        case .cancelled(let reason): return .deactivated("its run was cancelled: \(reason)")
        case .failed(let failed, let failure):
            if failed == tasks[task].spec.id {
                return failure.kind == .misconfigured
                    ? .misconfigured(field: failure.reason, failure.message) : nil
            }
            guard let failed else { return nil }
            return depends(task, on: Int(failed.index))
                ? .dependencyFailed(tasks: [failed])
                : .deactivated("another task of its run failed: \(failure.message)")
        }
    }

    private func depends(_ task: Int, on other: Int) -> Bool {
        var seen: Set<Int> = []
        var open = [task]
        while let next = open.popLast() {
            if next == other { return true }
            guard seen.insert(next).inserted else { continue }
            open += tasks[next].spec.dependsOn.map { Int($0.index) }
        }
        return false
    }

    /// The tasks that nothing moves but a worker that is not there: each with what it lacks.
    ///
    /// Why: with a fixed set of workers, such a task would wait for ever; the shell can end it.
    package func unplaceable() -> [(task: TaskID, reason: WaitingReason)] {
        tasks.indices.compactMap { index in
            let task = tasks[index]
            guard task.phase == .running, task.progress.ready > 0, task.progress.running == 0,
                task.progress.queued == 0, task.outstanding == 0, !task.isSplitting
            else { return nil }
            for shape in task.shapes where shapes[shape].ready > 0 {
                let reason = familyReason(shape)
                guard reason.isForEver else { return nil }
                return (task.spec.id, reason)
            }
            return nil
        }
    }
}

extension WaitingReason {
    /// Whether nothing that the workers there are do will change it.
    var isForEver: Bool {
        switch self {
        case .noWorker, .noWorkerType, .exceedsMaximumWorker, .exceedsQuota,
            .topologyUnsatisfiable, .devicesApart:
            true
        default: false
        }
    }
}
