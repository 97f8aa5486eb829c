extension Coordinator {
    /// The rules of queues that do not hold.
    func sharingViolations() -> [String] {
        var found: [String] = []
        var use = [ResourceAmount](repeating: ResourceAmount(), count: sharing.queues.count)
        for shape in shapes.indices {
            let queue = queue(of: shape)
            use[queue] = use[queue] + amount(of: shape) * shapes[shape].slots
        }
        for (index, queue) in sharing.queues.enumerated() where queue.use != use[index] {
            found.append("queue \(queue.spec.name): what it holds is miscounted")
        }
        let total = workers.filter { $0.phase == .active }.reduce(ResourceAmount()) {
            $0 + ResourceAmount($1.ledger.total)
        }
        if total != sharing.total { found.append("what all workers have is miscounted") }
        var live: [LiveKey: Int] = [:]
        for run in runs where !run.hasEnded {
            live[LiveKey(queue: run.queue, priority: run.priority), default: 0] += 1
        }
        if live != sharing.live { found.append("runs that have not ended are miscounted") }
        if runs.count(where: { $0.isPaused && !$0.hasEnded }) != sharing.pausedRuns {
            found.append("paused runs are miscounted")
        }
        for (index, worker) in workers.enumerated() {
            let holds = sharing.holds.filter { $0.worker == index }
            let shape = holds.first.map { UInt32($0.shape) } ?? noIndex
            if holds.count > 1 || shape != worker.heldFor {
                found.append("worker \(index): must be kept for one shape at most, and know it")
            }
        }
        if sharing.holds.count > Limits.holds { found.append("too many workers are kept") }
        return found
    }
}
