extension Coordinator {
    /// Whether nothing of a subtask is to come any more: it succeeded, failed or was withdrawn.
    ///
    /// One that is not known has not ended.
    package func hasEnded(_ subtask: SubtaskID) -> Bool {
        guard let task = known(subtask.task), subtask.index < tasks[task].subtasks.count else {
            return false
        }
        return switch tasks[task].subtasks[Int(subtask.index)].state {
        case .succeeded, .failed, .withdrawn: true
        case .blocked, .gathering, .ready, .resting, .placed, .judged: false
        }
    }
}

extension Coordinator {
    /// What it was told last of workers that are not there yet.
    package var supply: Supply { sharing.supply }

    /// What the subtasks of a task need unless they say otherwise.
    package func needs(of task: TaskID) -> ResourceRequest? {
        known(task).map { tasks[$0].spec.needs }
    }
}

/// Where a subtask is, for people.
package struct SubtaskView: Hashable, Sendable {
    /// How far it is.
    package enum Phase: Hashable, Sendable {
        /// It comes after others, waits for its gang, rests, or its failure is being judged.
        case waiting
        /// It could be placed.
        case ready
        /// It is queued on a worker.
        case queued(WorkerID)
        /// It runs on a worker.
        case running(WorkerID)
        /// It succeeded.
        case succeeded
        /// It failed for good.
        case failed
        /// It is not needed.
        case withdrawn
    }

    /// How far it is.
    package var phase: Phase
    /// Tries that were placed.
    package var placements: Int
}

extension Coordinator {
    /// Where a subtask is; `nil` if it is not known, or its task's records are gone.
    package func subtask(_ id: SubtaskID) -> SubtaskView? {
        guard let task = known(id.task), id.index < tasks[task].subtasks.count else { return nil }
        let record = tasks[task].subtasks[Int(id.index)]
        let phase: SubtaskView.Phase
        switch record.state {
        case .blocked, .gathering, .resting, .judged: phase = .waiting
        case .ready: phase = .ready
        case .succeeded: phase = .succeeded
        case .failed: phase = .failed
        case .withdrawn: phase = .withdrawn
        case .placed:
            let placement = placements[record.link]
            let worker = self.id(ofWorker: cells[Int(placement.cell)].worker)
            phase = placement.isRunning ? .running(worker) : .queued(worker)
        }
        return SubtaskView(phase: phase, placements: Int(record.epoch))
    }
}
