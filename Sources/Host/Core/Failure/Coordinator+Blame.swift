extension Coordinator {
    /// An attempt succeeded: neither its worker nor its subtask is to blame for anything.
    mutating func praise(worker: Int, shape: Int, _ task: Int, _ index: UInt32) {
        workers[worker].health.succeeded(UInt32(shape))
        shapes[shape].succeededOn = UInt32(worker)
        if !tasks[task].blamed.isEmpty { tasks[task].blamed[index] = nil }
    }

    /// An attempt failed: notes whom it speaks against.
    ///
    /// - Returns: what the subtask fails with for good, if it is to blame itself.
    mutating func blame(
        worker: Int, shape: Int, _ task: Int, _ index: UInt32, _ failure: Failure
    ) -> Failure? {
        guard failure.kind.blamesWorker, workers[worker].phase != .lost else { return nil }
        let isGood = workers[worker].health.isGood
        let last = shapes[shape].succeededOn
        workers[worker].health.failed(
            UInt32(shape), succeedsElsewhere: last != noIndex && last != UInt32(worker))
        quarantineIfDue(worker)
        guard failure.kind.blamesSubtask else { return nil }
        var blamed = tasks[task].blamed[index] ?? []
        guard blamed.count < Limits.blamedWorkersPerSubtask else { return nil }
        if !blamed.contains(where: { $0.worker == UInt32(worker) }) {
            blamed.append(BlamedWorker(worker: UInt32(worker), wasGood: isGood))
            tasks[task].blamed[index] = blamed
        }
        let good = blamed.filter(\.wasGood)
        guard good.count >= Limits.goodWorkersPerPoison else { return nil }
        let names = good.map { "\($0.worker)" }.joined(separator: ", ")
        return Failure(
            failure.kind, retry: .never, reason: "subtask.poison",
            "it failed on \(good.count) workers that do well with other subtasks (\(names)), so that "
                + "no other try is made; the last time: \(failure.message)")
    }

    /// Puts a worker in quarantine if there is reason to, and half of the workers at least are not in
    /// quarantine then.
    ///
    /// Those that are silent count: most are back in a moment, and until then one that fails everything
    /// would be given everything.
    private mutating func quarantineIfDue(_ worker: Int) {
        guard workers[worker].health.quarantinedUntil == nil, workers[worker].phase == .active,
            let reason = workers[worker].health.complaint
        else { return }
        let active = workers.lazy.filter { $0.phase == .active }
        let left = active.count { $0.health.quarantinedUntil == nil } - 1
        guard left > 0, 2 * left >= active.count else { return }
        let doublings = min(workers[worker].health.quarantines, 16)
        let nanoseconds = min(
            Limits.longestQuarantineNanoseconds, Limits.quarantineNanoseconds << UInt64(doublings))
        workers[worker].health.quarantines += 1
        workers[worker].health.quarantinedUntil = clock.advanced(byNanoseconds: nanoseconds)
        workers[worker].health.quarantine = QuarantineStart(since: clock, reason: reason)
        quarantined.append(UInt32(worker))
        for cell in workers[worker].cells {
            for placement in cellLinks.members(of: cells[Int(cell)].queued) { askBack(placement) }
        }
    }

    /// Gives workers whose quarantine is over another chance: one more failure, and they are back.
    mutating func endQuarantines() {
        guard !quarantined.isEmpty else { return }
        for worker in quarantined {
            guard let until = workers[Int(worker)].health.quarantinedUntil, until <= clock else {
                continue
            }
            pardon(Int(worker), failuresInARow: Limits.failuresInARowPerWorker - 1)
        }
        quarantined.removeAll { workers[Int($0)].health.quarantinedUntil == nil }
    }

    /// Somebody has put the worker right: nothing speaks against it any more.
    mutating func pardon(_ id: WorkerID) {
        guard let worker = known(id) else { return }
        workers[worker].health.quarantines = 0
        pardon(worker, failuresInARow: 0)
        quarantined.removeAll { $0 == UInt32(worker) }
    }

    private mutating func pardon(_ worker: Int, failuresInARow: Int) {
        workers[worker].health.quarantinedUntil = nil
        workers[worker].health.quarantine = nil
        workers[worker].health.failuresInARow = failuresInARow
        if failuresInARow == 0 { workers[worker].health.blamedFor = [] }
        while workers[worker].health.blamedFor.count >= Limits.blamedShapesPerWorker {
            workers[worker].health.blamedFor.removeFirst()
        }
        guard workers[worker].phase == .active else { return }
        offer(worker)
        for cell in workers[worker].cells { markHungry(cell) }
    }

    /// Why a worker is in quarantine, since when, and until when; `nil` if it is not.
    package func quarantine(of id: WorkerID) -> Quarantine? {
        guard let worker = known(id), let until = workers[worker].health.quarantinedUntil else {
            return nil
        }
        let health = workers[worker].health
        let reason = health.quarantine?.reason ?? health.complaint
        return Quarantine(
            reason: reason ?? .failuresInARow(health.failuresInARow),
            since: health.quarantine?.since, until: until)
    }

    /// Whether a subtask is better tried on another worker, and there is one that could take it.
    func isAvoided(_ task: Int, _ index: UInt32, on worker: Int) -> Bool {
        guard let blamed = tasks[task].blamed[index],
            blamed.contains(where: { $0.worker == UInt32(worker) })
        else { return false }
        let resources = shapes[Int(tasks[task].subtasks[Int(index)].shape)].resources
        let request = classes[resources].request
        return workers.indices.contains { other in
            workers[other].takesWork && !blamed.contains { $0.worker == UInt32(other) }
                && workers[other].ledger.hasLabels(of: request)
                && Ledger.count(of: request, in: workers[other].ledger.total) > 0
        }
    }

    /// Whether a worker fails one attempt after the other, and half at least of those that could take
    /// the shape do not: that says nothing of the run.
    ///
    /// Those that are silent count among them; most are back in a moment.
    private func failsAlone(_ worker: Int, _ shape: Int) -> Bool {
        guard workers[worker].health.failsAll else { return false }
        let request = classes[shapes[shape].resources].request
        var (able, failing) = (0, 0)
        for other in workers.lazy
        where other.phase == .active && other.ledger.hasLabels(of: request)
            && Ledger.count(of: request, in: other.ledger.total) > 0
        {
            able += 1
            if other.health.failsAll { failing += 1 }
        }
        return 2 * failing <= able
    }

    /// Whether a run has used up the tries that it may make beside the first of each subtask.
    ///
    /// A try after a failure on a worker that fails everything, while others do not, is none of them: the
    /// run is not broken.  What one subtask may take is limited by its own tries.
    ///
    /// Source: B. Beyer et al., "Site Reliability Engineering", O'Reilly 2016, chapter 21: a budget of
    /// retries as a share of requests keeps what is broken as a whole from being tried many times.
    mutating func takeRetry(_ task: Int, worker: Int, shape: Int) -> Failure? {
        if failsAlone(worker, shape) { return nil }
        let run = tasks[task].run
        let put = runs[run].tasks.reduce(0) { $0 + tasks[$1].progress.put }
        let budget = Limits.retriesPerRun + put / Limits.subtasksPerRetry
        guard runs[run].retries < budget else {
            return Failure(
                .other, retry: .never, reason: "run.retry-budget",
                "the run has used up its \(budget) further tries "
                    + "(\(Limits.retriesPerRun) and one for each \(Limits.subtasksPerRetry) of "
                    + "\(put) subtasks): more of it is broken than tries could mend")
        }
        runs[run].retries += 1
        return nil
    }
}
