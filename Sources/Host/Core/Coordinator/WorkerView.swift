/// What is on a worker, and what speaks against it, for people.
package struct WorkerView: Hashable, Sendable {
    /// An attempt on the worker.
    package struct Attempt: Hashable, Sendable {
        /// How far it is.
        package enum Phase: Hashable, Sendable {
            /// It runs.
            case running
            /// It runs, and was told to end.
            case ending
            /// It waits behind others there.
            case queued
        }

        /// The attempt.
        package var attempt: AttemptID
        /// How far it is.
        package var phase: Phase
        /// Since when it runs; `nil` if it does not.
        package var started: Tick?
        /// What is reserved for it; nothing while it is queued.
        package var held = ResourceAmount()
        /// Devices that it has, by their places on the worker.
        package var devices: [Int] = []
    }

    /// What the worker is kept for.
    package struct Kept: Hashable, Sendable {
        /// The task whose subtasks get it.
        package var task: TaskID
        /// Slots that it is still to get there.
        package var slots: Int
        /// When the worker is everybody's again at last.
        package var until: Tick
        /// Whether attempts were ended there to make room.
        package var isPreemptive: Bool
    }

    /// What is on it: first what has run longest, then what is queued.
    package var attempts: [Attempt] = []
    /// How many there are, those that are not listed included.
    package var attemptCount = 0
    /// Attempts that failed there since the last that succeeded.
    package var failuresInARow = 0
    /// Tasks of which something failed there last and succeeded elsewhere, each once.
    package var blamedFor: [TaskID] = []
    /// Times that it was put in quarantine since an attempt last succeeded there.
    package var quarantines = 0
    /// What it is kept for; `nil` while everybody may have it.
    package var kept: Kept?
}

extension Coordinator {
    /// What is on a worker, at most `limit` attempts of it; `nil` if it is not known.
    ///
    /// - Complexity: O(n log n) in the attempts on it.
    package func view(ofWorker id: WorkerID, limit: Int) -> WorkerView? {
        guard let worker = known(id) else { return nil }
        var view = WorkerView()
        let health = workers[worker].health
        view.failuresInARow = health.failuresInARow
        view.quarantines = health.quarantines
        for shape in health.blamedFor {
            let task = taskID(ofShape: Int(shape))
            if !view.blamedFor.contains(task) { view.blamedFor.append(task) }
        }
        view.kept = sharing.holds.first { $0.worker == worker }.map {
            WorkerView.Kept(
                task: taskID(ofShape: $0.shape), slots: max(0, $0.wanted), until: $0.until,
                isPreemptive: $0.isPreemptive)
        }
        var running: [UInt32] = []
        var queued: [UInt32] = []
        for cell in workers[worker].cells {
            running += cellLinks.members(of: cells[Int(cell)].running)
            queued += cellLinks.members(of: cells[Int(cell)].queued)
        }
        view.attemptCount = running.count + queued.count
        running.sort {
            (placements[$0].started, placements[$0].attempt)
                < (placements[$1].started, placements[$1].attempt)
        }
        queued.sort { placements[$0].attempt < placements[$1].attempt }
        view.attempts = (running + queued).prefix(limit).map { self.attempt($0, on: worker) }
        return view
    }

    private func attempt(_ index: UInt32, on worker: Int) -> WorkerView.Attempt {
        let placement = placements[index]
        guard placement.isRunning else {
            return WorkerView.Attempt(attempt: placement.attempt, phase: .queued)
        }
        return WorkerView.Attempt(
            attempt: placement.attempt, phase: placement.fate == .wanted ? .running : .ending,
            started: placement.started, held: amount(of: cells[Int(placement.cell)].shape),
            devices: workers[worker].ledger.devices(of: placement.slot))
    }

    private func taskID(ofShape shape: Int) -> TaskID { tasks[shapes[shape].task].spec.id }
}
