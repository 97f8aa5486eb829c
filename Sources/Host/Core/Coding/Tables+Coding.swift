import DequeModule
import HeapModule

// The coordinator's tables as bytes, field by field in the order of ``State.swift``.  What is
// empty between two events is left out.

extension Tick: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.varint(nanoseconds) }

    init(from reader: inout ByteReader) throws(CodingError) { self.init(try reader.varint()) }
}

extension RunOutcome: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .completed: writer.byte(0)
        case .failed(let task, let failure):
            writer.byte(1)
            writer.put(optional: task)
            writer.put(failure)
        case .cancelled(let reason):
            writer.byte(2)
            writer.string(reason)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .completed
        case 1: self = .failed(try reader.optional(), try reader.get())
        case 2: self = .cancelled(reason: try reader.string())
        case let number: throw reader.unknown("RunOutcome", number, at: start)
        }
    }
}

extension RunState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(id)
        writer.natural(tasks.lowerBound)
        writer.natural(tasks.count)
        writer.varint(UInt64(maximumConcurrency))
        writer.varint(random.state)
        writer.put(optional: outcome)
        writer.bool(hasEnded)
        writer.bool(isForgotten)
        writer.natural(liveTasks)
        writer.natural(slots)
        writer.natural(placed)
        writer.natural(begins)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let id = try reader.get(RunID.self)
        let first = try reader.natural()
        self.init(
            id: id, tasks: first..<(first + (try reader.natural())),
            maximumConcurrency: try reader.integer(),
            random: SplitMix64(seed: try reader.varint()))
        outcome = try reader.optional()
        hasEnded = try reader.bool()
        isForgotten = try reader.bool()
        liveTasks = try reader.natural()
        slots = try reader.natural()
        placed = try reader.natural()
        begins = try reader.natural()
    }
}

extension TaskState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(spec)
        writer.natural(run)
        writer.natural(resources)
        writer.byte(phase.rawValue)
        writer.natural(unmet)
        writer.bool(isBeginning)
        writer.bool(hasBegun)
        writer.put(split)
        writer.bool(isSplitting)
        writer.natural(emptySplits)
        writer.natural(outstanding)
        writer.bool(isCapacityDue)
        writer.bool(isTellingCapacity)
        writer.natural(depth)
        writer.put(subtaskTable: subtasks)
        writer.put(edgeTable: edges)
        writer.put(indices: shapes.map { UInt32($0) })
        writer.put(list: verdicts)
        writer.put(optional: firstFailure)
        writer.put(progress)
        writer.natural(placed)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let spec = try reader.get(TaskSpec.self)
        self.init(
            spec: spec, run: try reader.natural(), resources: try reader.natural(),
            phase: try reader.enumeration(), unmet: try reader.natural(),
            isBeginning: try reader.bool(), hasBegun: try reader.bool(), split: try reader.get(),
            isSplitting: try reader.bool(), emptySplits: try reader.natural(),
            outstanding: try reader.natural(), isCapacityDue: try reader.bool(),
            isTellingCapacity: try reader.bool(), depth: try reader.natural(),
            subtasks: try reader.subtaskTable(), edges: try reader.edgeTable(),
            shapes: try reader.indices().map { Int($0) },
            verdicts: Deque(try reader.list(of: PendingVerdict.self)),
            firstFailure: try reader.optional(),
            progress: try reader.get(), placed: try reader.natural())
        progress.task = spec.id
    }
}

extension TaskProgress: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        for number in [
            waiting, ready, queued, running, succeeded, failed, withdrawn, put, failedAttempts,
        ] {
            writer.natural(number)
        }
    }

    /// The numbers; the task and its phase are kept elsewhere.
    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(task: TaskID(0), phase: .waiting)
        waiting = try reader.natural()
        ready = try reader.natural()
        queued = try reader.natural()
        running = try reader.natural()
        succeeded = try reader.natural()
        failed = try reader.natural()
        withdrawn = try reader.natural()
        put = try reader.natural()
        failedAttempts = try reader.natural()
    }
}

extension PendingVerdict: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.varint(index)
        writer.put(failure)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(index: try reader.integer(), failure: try reader.get())
    }
}

extension ReadyQueue: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(indices: again)
        writer.put(indices: equal)
        writer.float(equalPriority)
        writer.put(list: ordered.unordered.sorted())
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init()
        again = Deque(try reader.indices())
        equal = Deque(try reader.indices())
        equalPriority = try reader.float()
        ordered = Heap(try reader.list(of: Entry.self))
    }
}

extension ReadyQueue.Entry: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.float(priority)
        writer.varint(index)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(priority: try reader.float(), index: try reader.integer())
    }
}

extension ShapeState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(spec)
        writer.natural(task)
        writer.natural(resources)
        writer.varint(timerLane)
        writer.put(queue)
        writer.natural(ready)
        writer.bool(isActive)
        writer.natural(queued)
        writer.natural(asked)
        writer.bool(isListedQueued)
        writer.natural(slots)
        writer.put(indices: cells)
        writer.put(indices: hungry)
        writer.bool(meanNanoseconds != nil)
        if let meanNanoseconds { writer.double(meanNanoseconds) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            spec: try reader.get(), task: try reader.natural(),
            resources: try reader.natural(), timerLane: try reader.integer(),
            queue: try reader.get(), ready: try reader.natural(), isActive: try reader.bool(),
            queued: try reader.natural(), asked: try reader.natural(),
            isListedQueued: try reader.bool(), slots: try reader.natural(),
            cells: try reader.indices(), hungry: Deque(try reader.indices()),
            meanNanoseconds: try reader.bool() ? try reader.mean() : nil)
    }
}

extension ResourceClass: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(request)
        writer.natural(totalSlots)
        writer.put(indices: candidates)
        writer.put(indices: reluctant)
        writer.natural(isCandidate.count)
        for flag in isCandidate { writer.bool(flag) }
        writer.put(indices: queuedShapes.map { UInt32($0) })
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            request: try reader.get(), totalSlots: try reader.natural(),
            candidates: Deque(try reader.indices()), reluctant: Deque(try reader.indices()))
        for _ in 0..<(try reader.count()) { isCandidate.append(try reader.bool()) }
        queuedShapes = try reader.indices().map { Int($0) }
    }
}

extension Cell: ByteCoded {
    /// All but what is queued and runs.
    func encode(into writer: inout ByteWriter) {
        writer.natural(worker)
        writer.natural(shape)
        writer.natural(slots)
        writer.natural(stuck)
        writer.natural(wanted)
        writer.natural(asked)
        writer.bool(isHungry)
        writer.bool(isFresh)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            worker: try reader.natural(), shape: try reader.natural(),
            slots: try reader.natural(), stuck: try reader.natural(),
            wanted: try reader.natural(), asked: try reader.natural(),
            isHungry: try reader.bool(), isFresh: try reader.bool())
    }
}

extension Placement: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(attempt.task)
        writer.varint(attempt.index)
        writer.varint(attempt.epoch)
        writer.varint(cell)
        writer.bool(isRunning)
        writer.bool(isAsked)
        writer.byte(fate.rawValue)
        writer.put(slot)
        writer.varint(lane)
        writer.put(deadline)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let subtask = SubtaskID(task: try reader.get(), index: try reader.integer())
        self.init(
            attempt: AttemptID(subtask: subtask, epoch: try reader.integer()),
            cell: try reader.integer(), isRunning: try reader.bool(),
            isAsked: try reader.bool(), fate: try reader.enumeration(), slot: try reader.get(),
            lane: try reader.integer(), deadline: try reader.get())
    }
}

extension Rest: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(until)
        writer.put(subtask.task)
        writer.varint(subtask.index)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            until: try reader.get(),
            subtask: SubtaskID(task: try reader.get(), index: try reader.integer()))
    }
}

extension ByteReader {
    /// A mean of times: neither negative nor "not a number".
    mutating func mean() throws(CodingError) -> Double {
        let start = offset
        let value = try double()
        guard value >= 0, value.isFinite else { throw CodingError(.badNumber, at: start) }
        return value
    }
}
