// Gangs: subtasks that run at the same time or not at all.
//
// The members are all of one shape, in the order in which they were put.  One that could run
// gathers until all have; then all are ready, and stand in the queue of the shape as one entry,
// that of the first.  When the try of a member comes to nothing, the others are called back and
// all begin again; once a member has succeeded that cannot be, and what fails fails for good.

/// Subtasks that run at the same time or not at all.
struct Gang: Hashable, Sendable {
    var shape: Int
    var members: [UInt32]
    /// Whether no further member is to come.
    var isClosed = false
}

// MARK: Who belongs together

extension Coordinator {
    /// A shape was declared of which so many run together.
    mutating func declareGang(of shape: Int) {
        let (task, gang) = (shapes[shape].task, shapes[shape].spec.gang)
        let most = min(Limits.membersPerGang, runs[tasks[task].run].maximumConcurrency)
        guard (1...most).contains(gang) else {
            guard !tasks[task].hasEnded else { return }
            return fail(
                task,
                Failure(
                    .misconfigured, retry: .never, reason: "needs.gang",
                    "a gang has 1 to \(most) members, as many as the run may have slots, and is "
                        + "to have \(gang)"))
        }
        shapes[shape].gang = gang
    }

    /// A subtask that was put belongs to the last gang of its shape that has room, or to a new one.
    mutating func join(_ task: Int, _ index: UInt32) {
        let shape = Int(tasks[task].subtasks[Int(index)].shape)
        let open = tasks[task].gangs.lastIndex { $0.shape == shape && !$0.isClosed }
        let gang = open ?? tasks[task].gangs.count
        if open == nil { tasks[task].gangs.append(Gang(shape: shape, members: [])) }
        tasks[task].gangs[gang].members.append(index)
        tasks[task].gangOf[index] = gang
        if tasks[task].gangs[gang].members.count == shapes[shape].gang {
            tasks[task].gangs[gang].isClosed = true
        }
    }

    /// Gangs that get no further members begin with those they have.
    mutating func closeGangs(_ task: Int) {
        guard tasks[task].split != .more, !tasks[task].hasEnded else { return }
        for gang in tasks[task].gangs.indices.reversed() {
            // Open ones are the last of their shapes.
            guard tasks[task].gangs.count - gang <= tasks[task].shapes.count else { return }
            guard !tasks[task].gangs[gang].isClosed else { continue }
            tasks[task].gangs[gang].isClosed = true
            formGang(of: tasks[task].gangs[gang].members[0], task)
        }
    }
}

// MARK: Gathering

extension Coordinator {
    /// A member that could run waits for the others, which are called back if they run.
    ///
    /// The subtask counts as waiting, and goes on to do so until all are there.
    ///
    /// - Returns: Whether it is one of a gang.
    mutating func gather(_ task: Int, _ index: UInt32) -> Bool {
        guard !tasks[task].gangOf.isEmpty, let gang = tasks[task].gangOf[index] else {
            return false
        }
        let hasSucceeded = tasks[task].gangs[gang].members.contains {
            tasks[task].subtasks[Int($0)].state == .succeeded
        }
        guard !hasSucceeded else {
            failForGood(task, index, Self.brokenGang)
            return true
        }
        tasks[task].subtasks[Int(index)].state = .gathering
        recallGang(of: index, task)
        formGang(of: index, task)
        return true
    }

    static let brokenGang = Failure(
        .other, retry: .never, reason: "gang.broken",
        "the members of a gang run at the same time, and another one had succeeded already: it "
            + "cannot be tried again without it")

    /// Whether the attempt of a subtask may be ended so that it is tried again later.
    func mayRecall(_ task: Int, _ index: UInt32) -> Bool {
        guard !tasks[task].gangOf.isEmpty, let gang = tasks[task].gangOf[index] else { return true }
        return !tasks[task].gangs[gang].members.contains {
            tasks[task].subtasks[Int($0)].state == .succeeded
        }
    }

    /// Ends the attempts of the others, free of charge, unless one has succeeded.
    mutating func recallGang(of index: UInt32, _ task: Int) {
        guard !tasks[task].gangOf.isEmpty, let gang = tasks[task].gangOf[index],
            mayRecall(task, index)
        else { return }
        for member in tasks[task].gangs[gang].members where member != index {
            let record = tasks[task].subtasks[Int(member)]
            if record.state == .ready { disband(gang, of: task) }
            guard record.state == .placed, placements[record.link].fate == .wanted else { continue }
            let placement = placements[record.link]
            placements[record.link].fate = .preempted
            orderCancel(placement.attempt, on: cells[Int(placement.cell)].worker, .preempted)
            setTimer(record.link, lane: 0)
        }
    }

    /// Members that were ready gather again.
    private mutating func disband(_ gang: Int, of task: Int) {
        for member in tasks[task].gangs[gang].members
        where tasks[task].subtasks[Int(member)].state == .ready {
            tasks[task].subtasks[Int(member)].state = .gathering
            tasks[task].progress.waiting += 1
            tasks[task].progress.ready -= 1
            shapes[tasks[task].gangs[gang].shape].ready -= 1
        }
    }

    /// If all of its members that have not ended are there, a gang is ready.
    mutating func formGang(of index: UInt32, _ task: Int) {
        guard !tasks[task].gangOf.isEmpty, let gang = tasks[task].gangOf[index],
            tasks[task].gangs[gang].isClosed
        else { return }
        shapes[tasks[task].gangs[gang].shape].roomSeen = nil
        var gathered: [UInt32] = []
        for member in tasks[task].gangs[gang].members {
            switch tasks[task].subtasks[Int(member)].state {
            case .gathering: gathered.append(member)
            case .succeeded, .failed, .withdrawn: continue
            case .blocked, .ready, .resting, .placed, .judged: return
            }
        }
        guard let leader = gathered.first else { return }
        for member in gathered { tasks[task].subtasks[Int(member)].state = .ready }
        tasks[task].progress.waiting -= gathered.count
        tasks[task].progress.ready += gathered.count
        let shape = tasks[task].gangs[gang].shape
        shapes[shape].ready += gathered.count
        shapes[shape].queue.push(leader, priority: tasks[task].subtasks[Int(leader)].priority)
        guard !shapes[shape].isActive else { return }
        shapes[shape].isActive = true
        activeShapes.append(shape)
    }

    /// How many of its gang a member waits for.
    func gatheringReason(_ task: Int, _ index: UInt32) -> WaitingReason? {
        guard let gang = tasks[task].gangOf[index] else { return nil }
        let state = tasks[task].gangs[gang]
        let there = state.members.count {
            [.gathering, .ready].contains(tasks[task].subtasks[Int($0)].state)
        }
        let size = state.isClosed ? state.members.count : shapes[state.shape].gang
        return .gangWaiting(missing: size - there, size: size)
    }
}

// MARK: All or none

extension Coordinator {
    /// Starts the next gang of a shape, if there is room for all of it.
    mutating func startGang(_ shape: Int) -> Bool {
        let task = shapes[shape].task
        while let leader = shapes[shape].queue.pop() {
            let members = readyMembers(with: leader, of: task)
            guard !members.isEmpty else { continue }
            guard let slots = gangSlots(members.count, of: shape) else {
                shapes[shape].queue.pushFirst(leader)
                return false
            }
            shapes[shape].ready -= members.count
            tasks[task].progress.ready -= members.count
            touch(task: task)
            let workers = slots.map { id(ofWorker: $0.worker) }
            for (rank, member) in members.enumerated() {
                put(
                    member, of: shape, on: slots[rank].worker, slot: slots[rank].slot,
                    gang: GangPlace(rank: rank, workers: workers))
            }
            return true
        }
        return false
    }

    /// The members that an entry of the queue stands for: none if it is there no more.
    private func readyMembers(with leader: UInt32, of task: Int) -> [UInt32] {
        guard let gang = tasks[task].gangOf[leader] else { return [] }
        return tasks[task].gangs[gang].members.filter {
            tasks[task].subtasks[Int($0)].state == .ready
        }
    }

    /// Slots on as few workers as can be, those of one worker one after the other: the smallest
    /// worker that takes all, or else the largest ones; of equal ones those that a policy which is a
    /// plugin scores highest, and then the first.
    ///
    /// Complexity: O(workers), once for each change of what is free.
    private mutating func gangSlots(
        _ count: Int, of shape: Int
    ) -> [(worker: Int, slot: SlotID)]? {
        guard !isAtLimit(shape, gang: count), shapes[shape].roomSeen != roomChanges else {
            return nil
        }
        let able = workers.indices.compactMap { worker -> (worker: Int, room: Int)? in
            let room = gangRoom(of: shape, on: worker)
            return room > 0 ? (worker, room) : nil
        }
        guard able.reduce(0, { $0 + $1.room }) >= count else {
            shapes[shape].roomSeen = roomChanges
            return nil
        }
        let scores = pluginScores(of: shape, on: able.map(\.worker))
        let one = able.indices.filter { able[$0].room >= count }
            .min { (able[$0].room, -scores[$0], $0) < (able[$1].room, -scores[$1], $1) }
        let order =
            (one.map { [$0] }
            ?? able.indices.sorted {
                (-able[$0].room, -scores[$0], $0) < (-able[$1].room, -scores[$1], $1)
            }).map { able[$0] }
        var slots: [(worker: Int, slot: SlotID)] = []
        for (worker, room) in order {
            for _ in 0..<min(room, count - slots.count) {
                guard let slot = makeSlot(of: shape, on: worker) else { break }
                slots.append((worker, slot))
            }
        }
        guard slots.count == count else {
            for (worker, slot) in slots { handOn(slot, of: worker, to: nil) }
            return nil
        }
        return slots
    }

    private func gangRoom(of shape: Int, on worker: Int) -> Int {
        let request = classes[shapes[shape].resources].request
        guard workers[worker].takesWork, isOpen(worker, to: shape),
            workers[worker].ledger.hasLabels(of: request)
        else { return 0 }
        let held = cellIndices[cellKey(shape, worker)].map { cells[Int($0)].slots } ?? 0
        return min(
            Ledger.count(of: request, in: workers[worker].ledger.free),
            Limits.slotsPerWorkerAndShape - held)
    }

    /// Whether its run or its queue lets a shape have no more slots, or fewer than these.
    private func isAtLimit(_ shape: Int, gang count: Int) -> Bool {
        let run = run(of: shape)
        if isAtLimit(shape) || runs[run].slots + count > runs[run].maximumConcurrency {
            return true
        }
        let queue = sharing.queues[runs[run].queue]
        guard sharing.isShared, queue.spec.quota.isLimited else { return false }
        let amount = amount(of: shape) * count
        return queue.spec.quota.exceeded(by: amount) != nil
            || queue.isOverCeiling(with: amount)
    }

    /// Slots that must become free before a gang of the shape can begin; 0 if it is none.
    func slotsLacking(forGangOf shape: Int) -> Int {
        guard shapes[shape].gang > 1 else { return 0 }
        let free = workers.indices.reduce(0) { $0 + gangRoom(of: shape, on: $1) }
        return max(0, shapes[shape].gang - free)
    }
}

// MARK: In a snapshot

extension Coordinator {
    /// Writes the tables, if there is anything in them.
    func encodeGangs(into writer: inout ByteWriter) {
        let shaped = shapes.indices.filter { shapes[$0].gang > 1 }
        guard !shaped.isEmpty else { return }
        writer.byte(CoordinatorSection.gangs.rawValue)
        writer.natural(shaped.count)
        for shape in shaped {
            writer.natural(shape)
            writer.natural(shapes[shape].gang)
        }
        let ganged = tasks.indices.filter { !tasks[$0].gangs.isEmpty }
        writer.natural(ganged.count)
        for task in ganged {
            writer.natural(task)
            writer.natural(tasks[task].gangs.count)
            for gang in tasks[task].gangs {
                writer.natural(gang.shape)
                writer.put(indices: gang.members)
                writer.bool(gang.isClosed)
            }
        }
    }

    /// Reads what ``encodeGangs(into:)`` wrote after its number.
    mutating func readGangs(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let shape = try reader.index(in: shapes.count)
            let place = reader.offset
            let gang = try reader.natural()
            guard (2...Limits.membersPerGang).contains(gang) else {
                throw CodingError(.badNumber, at: place)
            }
            shapes[shape].gang = gang
            shapes[shape].spec.gang = gang
        }
        for _ in 0..<(try reader.count()) {
            let task = try reader.index(in: tasks.count)
            for number in 0..<(try reader.count()) {
                let shape = try reader.index(in: shapes.count)
                let place = reader.offset
                let members = try reader.indices()
                let isClosed = try reader.bool()
                guard !members.isEmpty,
                    members.allSatisfy({
                        $0 < tasks[task].subtasks.count && tasks[task].gangOf[$0] == nil
                    })
                else { throw CodingError(.badNumber, at: place) }
                tasks[task].gangs.append(Gang(shape: shape, members: members, isClosed: isClosed))
                for member in members { tasks[task].gangOf[member] = number }
            }
        }
    }

    /// What is wrong with gangs.
    func gangViolations() -> [String] {
        var found: [String] = []
        for task in tasks where !task.hasEnded {
            for (index, gang) in task.gangs.enumerated() {
                let states = gang.members.map { task.subtasks[Int($0)].state }
                let running = states.contains(.placed)
                let isWaiting = states.contains(.ready) || states.contains(.gathering)
                if states.contains(.ready), states.contains(.gathering) || running {
                    found.append("task \(task.spec.id.index): gang \(index) is ready in part")
                }
                if running, isWaiting, states.contains(.succeeded) {
                    found.append("task \(task.spec.id.index): gang \(index) runs in part")
                }
                if gang.members.count > shapes[gang.shape].gang {
                    found.append("task \(task.spec.id.index): gang \(index) is too large")
                }
            }
        }
        return found
    }
}
