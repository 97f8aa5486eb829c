extension Coordinator {
    /// The rules that do not hold, a sentence each; empty unless there is a bug.
    ///
    /// - Complexity: O(everything); for tests and the simulator.
    package func violations() -> [String] {
        taskViolations() + workerViolations() + shapeViolations() + runViolations()
            + sharingViolations() + escalationViolations() + alternativeViolations()
            + gangViolations() + placingViolations() + widthViolations()
    }

    private func taskViolations() -> [String] {
        var found: [String] = []
        for task in tasks {
            let progress = task.progress
            let sum =
                progress.waiting + progress.ready + progress.queued + progress.running
                + progress.succeeded + progress.failed + progress.withdrawn
            if sum != progress.put {
                found.append("task \(task.spec.id.index): the numbers must add up to all put")
            }
            if task.outstanding < 0 || task.unmet < 0 || task.placed < 0 {
                found.append("task \(task.spec.id.index): a count must not be negative")
            }
            if task.phase == .completed, task.live != 0 {
                found.append("task \(task.spec.id.index): completed with live subtasks")
            }
            guard !task.hasEnded else { continue }
            let ready = task.shapes.reduce(0) { $0 + shapes[$1].ready }
            let inReady = task.subtasks.count { $0.state == .ready }
            if ready != progress.ready || inReady != ready {
                found.append("task \(task.spec.id.index): ready subtasks are miscounted")
            }
            let placed = task.subtasks.count { $0.isPlaced }
            if placed != task.placed {
                found.append("task \(task.spec.id.index): attempts on workers are miscounted")
            }
        }
        return found
    }

    private func workerViolations() -> [String] {
        var found: [String] = []
        for (index, worker) in workers.enumerated() {
            found += worker.ledger.violations().map { "worker \(index): \($0)" }
            let held = worker.slots.count { $0.cell != noIndex }
            if held != worker.ledger.count {
                found.append("worker \(index): each slot must have one reservation")
            }
            let inCells = worker.cells.reduce(0) { $0 + cells[Int($1)].slots }
            if inCells != held { found.append("worker \(index): slots are miscounted") }
            if worker.phase == .lost, worker.isSuspect || held > 0 || !worker.cells.isEmpty {
                found.append("worker \(index): is lost, and must hold nothing")
            }
            if worker.health.quarantine != nil, worker.health.quarantinedUntil == nil {
                found.append("worker \(index): in quarantine since a moment, and not in quarantine")
            }
            if worker.health.quarantinedUntil != nil, !quarantined.contains(UInt32(index)) {
                found.append("worker \(index): its quarantine would not end")
            }
            for cell in worker.cells where !cells[Int(cell)].isUsed {
                found.append("worker \(index): cell \(cell) is not used")
            }
        }
        return found
    }

    private func shapeViolations() -> [String] {
        var found: [String] = []
        var attempts = 0
        for (index, shape) in shapes.enumerated() {
            var (queued, slots, asked) = (0, 0, 0)
            for cell in shape.cells.map({ cells[Int($0)] }) {
                queued += cell.wanted
                slots += cell.slots
                asked += cell.asked
                attempts += cell.queued.count + cell.running.count
                if cell.wanted > cell.asked, cell.slots == cell.stuck {
                    found.append("shape \(index): attempts are queued behind no slot")
                }
                if cell.wanted > Limits.queuedPerWorkerAndShape {
                    found.append("shape \(index): too many attempts are queued on a worker")
                }
            }
            if (queued, slots, asked) != (shape.queued, shape.slots, shape.asked) {
                found.append("shape \(index): queued attempts or slots are miscounted")
            }
            if shape.ready > 0, !shape.isActive {
                found.append("shape \(index): ready subtasks would not be looked at")
            }
        }
        if attempts != placements.count { found.append("attempts on workers are miscounted") }
        return found
    }

    private func runViolations() -> [String] {
        var found = servingViolations()
        for run in runs {
            if run.slots < 0 || run.placed < 0 || run.liveTasks < 0 || run.begins < 0 {
                found.append("run \(run.id.rawValue): a count must not be negative")
            }
            if run.slots > run.maximumConcurrency {
                found.append("run \(run.id.rawValue): holds more slots than it may")
            }
            if run.hasEnded, run.deadline != nil {
                found.append("run \(run.id.rawValue): ended, and is to be cancelled")
            }
            if run.hasEnded, run.placed != 0 {
                found.append("run \(run.id.rawValue): ended with attempts on workers")
            }
        }
        return found
    }
}
