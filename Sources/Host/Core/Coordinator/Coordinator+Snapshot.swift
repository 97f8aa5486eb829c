extension Coordinator {
    /// The numbers of all tasks, by id.
    ///
    /// - Complexity: O(tasks).
    package func progress() -> [TaskProgress] { tasks.indices.map { progress(ofTaskAt: $0) } }

    /// The numbers of a task; `nil` if it was not submitted.
    package func progress(of task: TaskID) -> TaskProgress? {
        known(task).map { progress(ofTaskAt: $0) }
    }

    private func progress(ofTaskAt index: Int) -> TaskProgress {
        var progress = tasks[index].progress
        progress.phase = tasks[index].phase
        progress.allPut = tasks[index].split == .end
        return progress
    }

    /// The numbers of all workers that are not lost, by id.
    ///
    /// - Complexity: O(workers + shapes on them).
    package func workerUsage() -> [WorkerUsage] {
        workers.indices.filter { workers[$0].phase != .lost }.map { index in
            let worker = workers[index]
            let queued = worker.cells.reduce(0) { $0 + cells[Int($1)].queued.count }
            return WorkerUsage(
                worker: id(ofWorker: index), phase: phase(ofWorkerAt: index),
                total: worker.ledger.total,
                free: worker.ledger.free, measured: worker.ledger.measured,
                slots: worker.ledger.count, queued: queued)
        }
    }

    private func phase(ofWorkerAt index: Int) -> WorkerPhase {
        guard workers[index].phase == .active else { return workers[index].phase }
        if workers[index].isSuspect { return .suspect }
        return workers[index].health.quarantinedUntil == nil ? .active : .quarantined
    }
}
