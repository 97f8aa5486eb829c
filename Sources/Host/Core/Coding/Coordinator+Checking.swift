extension Coordinator {
    /// Refuses tables that point past each other, so that no event can trap on them later.
    func check() throws(BrokenRule) {
        for task in tasks.indices { try check(task: task) }
        try checkPlacements()
        try checkRuns()
        try checkShapes()
        try checkWorkers()
        try require(
            activeShapes.allSatisfy { shapes.indices.contains($0) }, "an active shape is there")
        try require(orphans.allSatisfy { $0 < cells.count }, "an orphaned cell is there")
        let unused = cells.count { !$0.isUsed }
        let isFree = freeCells.allSatisfy { $0 < cells.count && !isUsed($0) }
        try require(
            isFree && Set(freeCells).count == freeCells.count && freeCells.count == unused,
            "each cell that is not used is free")
        if let rule = violations().first { throw BrokenRule(rule: rule) }
    }

    private func checkRuns() throws(BrokenRule) {
        var next = 0
        for run in runs {
            try require(
                run.tasks.lowerBound == next && run.tasks.upperBound <= tasks.count,
                "tasks count on from run to run")
            next = run.tasks.upperBound
        }
        try require(next == tasks.count, "each task belongs to a run")
    }

    private func check(task: Int) throws(BrokenRule) {
        let state = tasks[task]
        try require(
            Int(state.spec.id.index) == task && runs.indices.contains(state.run)
                && runs[state.run].tasks.contains(task)
                && classes.indices.contains(state.resources),
            "a task has its id, its run and its needs")
        try require(
            state.spec.dependsOn.allSatisfy { runs[state.run].tasks.contains(Int($0.index)) },
            "a task depends on tasks of its run")
        try require(
            state.shapes.allSatisfy { shapes.indices.contains($0) && shapes[$0].task == task },
            "a task has its own shapes")
        let (count, edges) = (state.subtasks.count, state.edges.count)
        try require(
            state.verdicts.allSatisfy { $0.index < count }, "a verdict is about a subtask")
        for (index, edge) in state.edges.enumerated() {
            try require(
                edge.dependent < count && (edge.next == noIndex || edge.next < index),
                "an edge goes to a subtask, and on to an earlier edge")
        }
        for (index, record) in state.subtasks.enumerated() {
            let shape = Int(record.shape)
            let isWhole =
                shapes.indices.contains(shape) && shapes[shape].task == task
                && (state.hasEnded || record.dependents == noIndex || record.dependents < edges)
                && (record.state != .placed || record.isPlaced || state.hasEnded)
            try require(isWhole, "a subtask has its shape and its dependents")
            if record.isPlaced { try checkPlaced(record, UInt32(index), task) }
        }
    }

    private func checkPlaced(_ record: SubtaskRecord, _ index: UInt32, _ task: Int)
        throws(BrokenRule)
    {
        let isThere = record.link < placements.records.count
        try require(isThere, "a subtask on a worker has an attempt")
        let placement = placements[record.link]
        try require(
            Int(placement.attempt.task.index) == task && placement.attempt.index == index
                && placement.attempt.epoch == record.epoch && isUsed(placement.cell)
                && cells[Int(placement.cell)].shape == Int(record.shape),
            "a subtask on a worker has its own attempt")
    }

    private func checkPlacements() throws(BrokenRule) {
        let free = Set(placements.free)
        for (index, placement) in placements.records.enumerated()
        where !free.contains(UInt32(index)) {
            let task = Int(placement.attempt.task.index)
            let isThere =
                tasks.indices.contains(task)
                && placement.attempt.index < tasks[task].subtasks.count
            try require(isThere, "an attempt has a subtask")
            let record = tasks[task].subtasks[Int(placement.attempt.index)]
            try require(
                record.isPlaced && record.link == index, "an attempt belongs to its subtask")
        }
    }

    private func checkShapes() throws(BrokenRule) {
        for shape in shapes {
            try require(
                tasks.indices.contains(shape.task) && classes.indices.contains(shape.resources)
                    && (shape.timerLane == noIndex || shape.timerLane < lanes.count),
                "a shape has its task, its needs and its timers")
            try require(
                shape.hungry.allSatisfy { $0 < cells.count }, "a hungry cell is there")
            let count = tasks[shape.task].subtasks.count
            try require(
                shape.queue.again.allSatisfy { $0 < count }
                    && shape.queue.equal.allSatisfy { $0 < count }
                    && shape.queue.ordered.unordered.allSatisfy { $0.index < count },
                "what is ready is a subtask")
        }
        for resources in classes {
            try require(
                resources.request.problem == nil
                    && resources.queuedShapes.allSatisfy { shapes.indices.contains($0) }
                    && resources.isCandidate.count <= workers.count
                    && (Array(resources.candidates) + Array(resources.reluctant)).allSatisfy {
                        $0 < resources.isCandidate.count && resources.isCandidate[Int($0)]
                    },
                "a class of requests has workers and shapes")
        }
    }

    private func checkWorkers() throws(BrokenRule) {
        for (index, worker) in workers.enumerated() {
            for slot in worker.slots where slot.cell != noIndex {
                try require(
                    isUsed(slot.cell) && cells[Int(slot.cell)].worker == index,
                    "a slot belongs to a cell of its worker")
            }
            let free = worker.slots.count { $0.cell == noIndex }
            let isFree = worker.freeSlots.allSatisfy {
                $0 < worker.slots.count && worker.slots[Int($0)].cell == noIndex
            }
            try require(
                isFree && Set(worker.freeSlots).count == worker.freeSlots.count
                    && worker.freeSlots.count == free,
                "each slot that is not held is free")
            try require(
                worker.cells.allSatisfy { isUsed($0) && cells[Int($0)].worker == index },
                "a worker has its own cells")
        }
        let used = cells.count { $0.isUsed }
        let ofWorkers = workers.reduce(0) { $0 + $1.cells.count }
        let ofShapes = shapes.reduce(0) { $0 + $1.cells.count }
        try require(
            used == ofWorkers && used == ofShapes, "a cell has one worker and one shape")
    }
}
