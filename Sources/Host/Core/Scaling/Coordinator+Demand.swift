extension Coordinator {
    /// What wants to run and does not, by shape: what is ready or queued, what will have rested, and
    /// what the graph makes ready, within so many nanoseconds.
    ///
    /// What is paused, or held back by a limit of its run or queue, wants no workers: together no
    /// more is wanted than the limits of runs and the quotas of queues leave.
    ///
    /// Complexity: O(tasks that have not ended and their shapes).
    package func scalingDemand(within nanoseconds: UInt64) -> [ScalingDemand] {
        var demand: [ScalingDemand] = []
        var waiting: [Int] = []
        var room = DemandRoom(sharing.queues)
        for task in tasks.indices where !tasks[task].hasEnded {
            let run = tasks[task].run
            guard !runs[run].isPaused, !sharing.queues[runs[run].queue].isPaused else { continue }
            if tasks[task].phase == .waiting {
                waiting.append(task)
                continue
            }
            for shape in tasks[task].shapes {
                let wanted = shapes[shape].ready + shapes[shape].queued
                if wanted > 0 { want(wanted, of: shape, &room, &demand) }
            }
        }
        for (shape, count) in rested(within: nanoseconds) { want(count, of: shape, &room, &demand) }
        // What is expected comes last: it takes no room from what is there.
        expect(waiting, within: nanoseconds, &room, &demand)
        return demand
    }

    /// Adds slots of a shape to the demand, as many as its run and its queue may hold.
    private func want(
        _ count: Int, of shape: Int, _ room: inout DemandRoom, _ demand: inout [ScalingDemand]
    ) {
        let run = run(of: shape)
        let amount = amount(of: shape)
        guard sharing.queues[runs[run].queue].spec.quota.exceeded(by: amount) == nil else { return }
        let allowed = room.take(count, of: amount, run: (run, runs[run]))
        guard allowed > 0 else { return }
        demand.append(
            ScalingDemand(
                request: classes[shapes[shape].resources].request, count: allowed,
                nanoseconds: shapes[shape].meanNanoseconds.map { UInt64(max(0, min($0, 9e18))) },
                run: timed(run)))
    }

    /// By shape: how many rest that will have rested.
    private func rested(within nanoseconds: UInt64) -> [(shape: Int, count: Int)] {
        let end = clock.advanced(byNanoseconds: nanoseconds)
        var counts: [Int: Int] = [:]
        for rest in rests.unordered where rest.until <= end {
            let task = tasks[Int(rest.subtask.task.index)]
            guard rest.subtask.index < task.subtasks.count, !task.hasEnded,
                !runs[task.run].isPaused, !sharing.queues[runs[task.run].queue].isPaused
            else { continue }
            counts[Int(task.subtasks[Int(rest.subtask.index)].shape), default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { (shape: $0.key, count: $0.value) }
    }

    /// What runs on a worker, and the work that would be lost if it ended now; `nil` if it is not there.
    package func scalingWork(
        on worker: WorkerID
    ) -> (running: [ScalingDemand], workNanoseconds: UInt64)? {
        guard let place = known(worker) else { return nil }
        let running = workers[place].cells.map { cells[Int($0)] }.filter { $0.slots > 0 }.map {
            var demand = ScalingDemand(
                request: classes[shapes[$0.shape].resources].request, count: $0.slots,
                run: timed(run(of: $0.shape)))
            if demand.run != nil { demand.ranNanoseconds = ran(on: $0) }
            return demand
        }
        return (running, work(on: place))
    }

    /// What runs on every worker that is there.
    ///
    /// Complexity: O(workers and attempts that run), with nothing allocated for each.
    package func workSnapshot() -> WorkSnapshot {
        var snapshot = WorkSnapshot(requests: classes.map(\.request))
        snapshot.reserve(workers: workers.count, cells: cells.count)
        for place in workers.indices where workers[place].phase != .lost {
            snapshot.begin(id(ofWorker: place), workNanoseconds: work(on: place))
            for index in workers[place].cells where cells[Int(index)].slots > 0 {
                let cell = cells[Int(index)]
                guard let run = timed(run(of: cell.shape)) else {
                    snapshot.add(shapes[cell.shape].resources, count: cell.slots)
                    continue
                }
                snapshot.add(
                    shapes[cell.shape].resources, count: cell.slots, run: run,
                    ranNanoseconds: ran(on: cell))
            }
        }
        return snapshot
    }

    /// How long all that runs on a worker has run, in nanoseconds.
    private func work(on place: Int) -> UInt64 {
        var work: UInt64 = 0
        for index in workers[place].cells { work &+= ran(on: cells[Int(index)]) }
        return work
    }

    /// How long what runs of one shape on a worker has run, in nanoseconds.
    private func ran(on cell: Cell) -> UInt64 {
        var ran: UInt64 = 0
        var placement = cell.running.head
        while placement != noIndex {
            let started = placements[placement].started
            if clock > started { ran &+= clock.nanoseconds - started.nanoseconds }
            placement = cellLinks.next(after: placement)
        }
        return ran
    }

    /// Whether a worker is there, is to take nothing new, and has nothing that runs; `nil` if it is
    /// not there.
    package func standing(of worker: WorkerID) -> WorkerStanding? {
        known(worker).map { place in
            WorkerStanding(
                isDraining: workers[place].phase == .draining,
                isIdle: !workers[place].cells.contains { cells[Int($0)].slots > 0 })
        }
    }
}

/// How a worker is at a moment, as far as a decision about it depends on that.
package struct WorkerStanding: Hashable, Sendable {
    /// Whether it is to take nothing new.
    package var isDraining: Bool
    /// Whether nothing runs on it.
    package var isIdle: Bool

    /// A worker that is there.
    package init(isDraining: Bool, isIdle: Bool) {
        self.isDraining = isDraining
        self.isIdle = isIdle
    }
}
