extension Coordinator {
    /// The queues there are from now on; what is queued, held and paused stays.
    mutating func configure(_ specs: [QueueSpec]) {
        for queue in sharing.queues.indices {
            sharing.queues[queue].spec = QueueSpec(name: sharing.queues[queue].spec.name)
            sharing.queues[queue].isConfigured = queue == 0
        }
        for var spec in specs {
            spec.weight = min(max(1, spec.weight), Limits.queueWeight)
            if let known = queue(named: spec.name) {
                sharing.queues[known].spec = spec
                sharing.queues[known].isConfigured = true
            } else {
                sharing.queues.append(QueueState(spec: spec))
            }
        }
        refreshSharing()
        askBackQueued()
    }

    /// Nothing more of the queue is started, or it goes on; what runs there runs on.
    mutating func pause(queue name: String, _ isPaused: Bool) {
        guard let queue = queue(named: name) else { return }
        sharing.queues[queue].isPaused = isPaused
        refreshSharing()
        if isPaused { askBackQueued() }
    }

    /// Nothing more of the run is started, or it goes on; what runs runs on.
    mutating func pause(run id: RunID, _ isPaused: Bool) {
        guard let run = runIndices[id], !runs[run].hasEnded, runs[run].isPaused != isPaused
        else { return }
        runs[run].isPaused = isPaused
        sharing.pausedRuns += isPaused ? 1 : -1
        refreshSharing()
        if isPaused { askBackQueued(ofRun: run) }
    }

    func queue(named name: String) -> Int? {
        sharing.queues.firstIndex { $0.spec.name == name }
    }

    /// A run is there, or has ended.
    mutating func countLive(run: Int, _ change: Int) {
        let key = LiveKey(queue: runs[run].queue, priority: runs[run].priority)
        let count = (sharing.live[key] ?? 0) + change
        sharing.live[key] = count > 0 ? count : nil
        if change < 0, runs[run].isPaused { sharing.pausedRuns -= 1 }
        refreshSharing()
    }

    /// Looks again whether the order of shapes matters.
    mutating func refreshSharing() {
        sharing.lowestPriority = sharing.live.keys.lazy.map(\.priority).min() ?? 0
        sharing.isShared =
            sharing.live.count > 1 || sharing.pausedRuns > 0
            || sharing.live.keys.contains { sharing.queues[$0.queue].isRestricted }
    }

    /// A shape has this many slots more.
    mutating func countSlots(of shape: Int, _ change: Int) {
        let run = tasks[shapes[shape].task].run
        let amount = ResourceAmount(classes[shapes[shape].resources].request)
        shapes[shape].slots += change
        runs[run].slots += change
        if change > 0 {
            sharing.queues[runs[run].queue].use = sharing.queues[runs[run].queue].use + amount
        } else {
            sharing.queues[runs[run].queue].use = sharing.queues[runs[run].queue].use - amount
        }
    }

    func run(of shape: Int) -> Int { tasks[shapes[shape].task].run }

    func queue(of shape: Int) -> Int { runs[run(of: shape)].queue }

    func amount(of shape: Int) -> ResourceAmount {
        ResourceAmount(classes[shapes[shape].resources].request)
    }

    /// Whether the shape may hold no further slot, whatever is free.
    func isAtLimit(_ shape: Int) -> Bool {
        let run = run(of: shape)
        if runs[run].slots >= runs[run].maximumConcurrency { return true }
        guard sharing.isShared else { return false }
        let queue = runs[run].queue
        if runs[run].isPaused || sharing.queues[queue].isPaused { return true }
        guard sharing.queues[queue].spec.quota.isLimited else { return false }
        let amount = amount(of: shape)
        return sharing.queues[queue].spec.quota.exceeded(by: amount) != nil
            || sharing.queues[queue].isOverCeiling(with: amount)
    }

    /// Whether a further slot would be more than the quota of the shape's queue.
    func wouldBorrow(_ shape: Int) -> Bool {
        let queue = queue(of: shape)
        return sharing.queues[queue].spec.quota.isLimited
            && sharing.queues[queue].isOverQuota(with: amount(of: shape))
    }

    /// The priority of a shape's run, and a point more for each while that it has waited.
    ///
    /// Why: what is urgent goes first, and what is not goes at last too.
    func agedPriority(of shape: Int) -> Int {
        let waited = shapes[shape].waitingSince.map { clock.nanoseconds - $0.nanoseconds } ?? 0
        return runs[run(of: shape)].priority + Int(waited / Limits.ageingNanosecondsPerPoint)
    }

    /// Whether a shape that has no room goes before one that holds slots.
    ///
    /// Within a queue the higher priority does, then the one with fewer slots; between queues the
    /// one that would still hold less than the other does.
    func isBehind(_ waiting: Int, _ holding: Int, isFresh: Bool) -> Bool {
        let hasFewer =
            !isFresh
            && (shapes[waiting].slots == 0 || shapes[waiting].slots + 1 < shapes[holding].slots)
        guard sharing.isShared else { return hasFewer }
        guard queue(of: waiting) == queue(of: holding) else {
            return isQueueBehind(waiting, holding)
        }
        let (left, right) = (agedPriority(of: waiting), agedPriority(of: holding))
        return left == right ? hasFewer : left > right
    }

    /// Whether the queue of a shape that waits is to get what that of the other one holds.
    func isQueueBehind(_ waiting: Int, _ holding: Int) -> Bool {
        let (left, right) = (queue(of: waiting), queue(of: holding))
        let amount = amount(of: waiting)
        let borrows = (
            sharing.queues[left].isOverQuota(with: amount), sharing.queues[right].isOverQuota()
        )
        if borrows.0 != borrows.1 { return borrows.1 }
        return sharing.queues[left].share(of: sharing.total, with: amount)
            < sharing.queues[right].share(of: sharing.total)
    }
}

extension Coordinator {
    /// Why the run cannot be in its queue.
    func queueProblem(in spec: RunSpec) -> Failure? {
        guard let name = spec.queue else { return nil }
        if let known = queue(named: name), sharing.queues[known].isConfigured { return nil }
        return Failure(
            .misconfigured, retry: .never, reason: "run.queue",
            "the queue of a run must be one of \(queueNames.joined(separator: ", ")), and is \(name): "
                + "add it to the queues of the configuration")
    }

    /// Whether what a shape holds is to end without anything in its place.
    func mustShrink(_ shape: Int) -> Bool {
        guard sharing.isShared else { return false }
        let run = run(of: shape)
        return runs[run].isPaused || mustShrink(queue: runs[run].queue)
    }

    private func mustShrink(queue: Int) -> Bool {
        let queue = sharing.queues[queue]
        return queue.isPaused || queue.isOverCeiling()
    }

    /// Asks back what is queued on workers of a run, or of all runs of queues that must shrink.
    private mutating func askBackQueued(ofRun only: Int? = nil) {
        for run in only.map({ $0..<($0 + 1) }) ?? runs.indices
        where runs[run].placed > 0 && (runs[run].isPaused || mustShrink(queue: runs[run].queue)) {
            for task in runs[run].tasks {
                for shape in tasks[task].shapes where shapes[shape].queued > shapes[shape].asked {
                    for cell in shapes[shape].cells {
                        for placement in cellLinks.members(of: cells[Int(cell)].queued) {
                            askBack(placement)
                        }
                    }
                }
            }
        }
    }
}

extension Fate {
    /// Why an attempt with this fate is to end.
    var cancelReason: CancelReason {
        switch self {
        case .timedOut: .timeout
        case .preempted: .preempted
        case .wanted, .doomed: .givenUp
        }
    }
}
