// Placing by a policy: which worker is taken, and why.  Until a policy is named, workers take
// turns; so a journal that was written before there were policies is read as it was written.

extension Coordinator {
    /// Subtasks are placed by these policies from now on.
    mutating func configure(_ settings: PlacementSettings) {
        guard placing.settings != settings else { return }
        placing.begin(settings)
        for worker in workers.indices { placing.touch(worker) }
        for resources in classes.indices { placing.want(resources) }
        roomChanges &+= 1
    }

    /// A subtask of a shape was put.
    mutating func noteArrival(of shape: Int) {
        guard placing.learns else { return }
        syncPlacing()
        let resources = shapes[shape].resources
        let number = placing.number(of: resources, classes[resources].request)
        placing.placer.arrived(number)
        placing.shadow?.arrived(number)
    }

    private mutating func syncPlacing() {
        for worker in placing.takeStale() { placing.update(worker, workers[worker]) }
        for seat in placing.seats.indices {
            placing.seats[seat].look(atKindChanges: placing.placer.kindChanges)
        }
    }

    /// Takes in which workers there are, so that plugins can be asked before something is placed.
    mutating func prepareQuestions() {
        guard placing.seats.contains(where: \.isOn) else { return }
        syncPlacing()
    }

    /// Reserves on the worker that the policy takes, if any but those has room.
    ///
    /// - Complexity: what has changed since such a request was placed last, not the workers.
    mutating func chosenSlot(
        for shape: Int, besides refused: Set<Int>
    ) -> (worker: Int, slot: SlotID)? {
        syncPlacing()
        let resources = shapes[shape].resources
        let number = placing.number(of: resources, classes[resources].request)
        for seat in PolicySeat.allCases { placing.order(resources, number, in: seat) }
        for worker in refused { close(worker) }
        var isWhole = refused.isEmpty
        while let place = placing.placer.choose(number) {
            guard workers[place.node].takesWork, isOpen(place.node, to: shape) else {
                close(place.node)
                isWhole = false
                continue
            }
            let note = note(resources, number, at: place)
            guard let slot = makeSlot(of: shape, on: place.node, devices: place.devices) else {
                close(place.node)
                isWhole = false
                continue
            }
            placing.keep(note, worker: place.node, slot: slot)
            return (place.node, slot)
        }
        // Workers that were closed to this shape may be open to others.
        if isWhole { classes[resources].fullSince = roomChanges }
        return nil
    }

    /// Nothing is placed on a worker until the next look at it, at the next placement.
    private mutating func close(_ worker: Int) {
        placing.placer.close(worker)
        placing.shadow?.close(worker)
        placing.touch(worker)
    }

    private mutating func note(
        _ resources: Int, _ number: Int, at place: ChosenPlace
    ) -> PlacementNote {
        let (fitness, values) = placing.placer.explain(number, on: place.node)
        var note = PlacementNote(
            worker: id(ofWorker: place.node), policy: placing.placer.policy, fitness: fitness,
            values: values)
        placing.addPlugin(to: &note, resources, number, on: place.node)
        guard let other = placing.shadow?.choose(number) else { return note }
        func score(on worker: Int) -> Double {
            placing.pluginScore(resources, on: worker, in: .shadow)
                ?? placing.shadow?.explain(number, on: worker).values.last?.value ?? 0
        }
        if let policy = placing.settings?.shadow {
            let plugin = placing.settings?.shadowPlugin
            // A plugin without a say would have done nothing.
            if plugin != nil, placing.shadow?.isOrdered(number) != true { return note }
            note.shadow = PlacementNote.Shadow(
                policy: plugin ?? policy.rawValue, worker: id(ofWorker: other.node),
                score: score(on: other.node), scoreOfTaken: score(on: place.node))
        }
        return note
    }

    /// What of the index is not as the books say.
    func placingViolations() -> [String] {
        guard placing.isOn else { return [] }
        return workers.indices.flatMap { worker -> [String] in
            guard !placing.isTouched(worker) else { return [] }
            let state = workers[worker]
            var found: [String] = []
            if (placing.placer.free(of: worker) != nil) != (state.phase == .active) {
                found.append("worker \(worker): the index must have it while it is active")
            }
            if placing.placer.isOpen(worker), state.heldFor == noIndex,
                placing.placer.free(of: worker) != state.ledger.free
            {
                found.append("worker \(worker): what is free is not what the index says")
            }
            return found
        }
    }

    // MARK: Asking

    /// The latest choice that the policy in the shadow would have made otherwise; `nil` for none
    /// since the coordinator began or was restored.
    package var latestPlacementDifference: PlacementNote? { placing.latestDifference }

    /// The policies in use; `nil` while none was named.
    package var placementSettings: PlacementSettings? { placing.settings }

    /// How many slots the policies chose the worker of.
    package var placementCounts: PlacementCounts { placing.counts }

    /// Why a subtask that runs is where it is; `nil` if it does not run, no policy chose, or it was
    /// too long ago: the latest ``Limits/placementNotes`` are kept.
    package func placementNote(of subtask: SubtaskID) -> PlacementNote? {
        guard let task = known(subtask.task), subtask.index < tasks[task].subtasks.count else {
            return nil
        }
        let record = tasks[task].subtasks[Int(subtask.index)]
        guard record.isPlaced, placements[record.link].isRunning else { return nil }
        let worker = cells[Int(placements[record.link].cell)].worker
        return placing.note(worker: worker, slot: placements[record.link].slot)
    }

    /// How many of the workers a subtask could not run on now, by what is short there.
    ///
    /// - Complexity: O(workers).
    package func rejections(of subtask: SubtaskID) -> [(reason: Fitness.Unfit, workers: Int)] {
        guard let task = known(subtask.task), subtask.index < tasks[task].subtasks.count else {
            return []
        }
        let shape = Int(tasks[task].subtasks[Int(subtask.index)].shape)
        let request = PlacementRequest(classes[shapes[shape].resources].request)
        var counts: [Fitness.Unfit: Int] = [:]
        for worker in workers where worker.isKnown {
            guard worker.takesWork else {
                counts[.workerNotFound, default: 0] += 1
                continue
            }
            let fitness = Fitness.calculate(
                request, free: worker.ledger.free, total: worker.ledger.total,
                labels: worker.ledger.labels)
            for reason in fitness.unfit { counts[reason, default: 0] += 1 }
        }
        return Fitness.Unfit.allCases.compactMap { reason in counts[reason].map { (reason, $0) } }
    }
}

extension Placing {
    /// Whether one of the policies looks at what comes.
    var learns: Bool {
        isOn && (placer.policy.needsTypicalRequests || shadow?.policy.needsTypicalRequests == true)
    }
}
