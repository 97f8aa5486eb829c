// Queues, and what came with them, as bytes.  They stand after the tables of the first version,
// under a number of their own: a coordinator that was written before them has none.

extension Event {
    func encodeSharing(into writer: inout ByteWriter) {
        switch self {
        case .queuesConfigured(let specs):
            writer.byte(31)
            writer.put(list: specs)
        case .queuePaused(let name, let isPaused):
            writer.byte(32)
            writer.string(name)
            writer.bool(isPaused)
        case .runPaused(let run, let isPaused):
            writer.byte(33)
            writer.put(run)
            writer.bool(isPaused)
        case .runTimed(let run, let deadline):
            writer.byte(42)
            writer.put(run)
            writer.put(deadline)
        case .supplyChanged(let supply):
            writer.byte(34)
            writer.put(supply)
        default: preconditionFailure("only events of queues are written here")
        }
    }
}

extension Supply: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .given: writer.byte(0)
        case .elastic: writer.byte(4)
        case .scalingUp(let workers, let expected):
            writer.byte(1)
            writer.zigzag(Int64(workers))
            writer.put(expected)
        case .unavailable(let provider, let until):
            writer.byte(2)
            writer.string(provider)
            writer.put(until)
        case .budgetExhausted(let spent, let limit):
            writer.byte(3)
            writer.zigzag(spent)
            writer.zigzag(limit)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .given
        case 1: self = .scalingUp(workers: try reader.signed(), expected: try reader.get())
        case 2: self = .unavailable(provider: try reader.string(), until: try reader.get())
        case 3:
            self = .budgetExhausted(
                spentMicros: try reader.zigzag(), limitMicros: try reader.zigzag())
        case 4: self = .elastic
        case let number: throw reader.unknown("Supply", number, at: start)
        }
    }
}

extension RunSpec {
    /// What a run has besides the values of its first version.
    func encodeSharing(into writer: inout ByteWriter) {
        writer.bool(queue != nil)
        if let queue { writer.string(queue) }
        writer.zigzag(Int64(priority))
    }

    mutating func decodeSharing(from reader: inout ByteReader) throws(CodingError) {
        queue = try reader.bool() ? try reader.string() : nil
        priority = try reader.signed()
    }
}

extension QueueSpec: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.string(name)
        writer.zigzag(Int64(weight))
        for limit in [quota.milliCores, quota.memoryBytes, quota.deviceMilli] {
            writer.bool(limit != nil)
            if let limit { writer.zigzag(limit) }
        }
        writer.put(quota.borrowing)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(name: try reader.string(), weight: try reader.signed())
        quota.milliCores = try reader.bool() ? try reader.zigzag() : nil
        quota.memoryBytes = try reader.bool() ? try reader.zigzag() : nil
        quota.deviceMilli = try reader.bool() ? try reader.zigzag() : nil
        quota.borrowing = try reader.get()
    }
}

/// 0 and 1 are what was written before there were limits: whether the queue may borrow.
extension Borrowing: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .nothing: writer.byte(0)
        case .anything: writer.byte(1)
        case .atMost(let limit):
            writer.byte(2)
            for limit in [limit.milliCores, limit.memoryBytes, limit.deviceMilli] {
                writer.bool(limit != nil)
                if let limit { writer.zigzag(limit) }
            }
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .nothing
        case 1: self = .anything
        case 2:
            var limit = BorrowingLimit()
            limit.milliCores = try reader.bool() ? try reader.zigzag() : nil
            limit.memoryBytes = try reader.bool() ? try reader.zigzag() : nil
            limit.deviceMilli = try reader.bool() ? try reader.zigzag() : nil
            self = .atMost(limit)
        case let number: throw reader.unknown("Borrowing", number, at: start)
        }
    }
}

extension Hold: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.natural(worker)
        writer.natural(shape)
        writer.natural(wanted)
        writer.put(until)
        writer.bool(isPreemptive)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            worker: try reader.natural(), shape: try reader.natural(),
            wanted: try reader.natural(), until: try reader.get(),
            isPreemptive: try reader.bool())
    }
}

extension Coordinator {
    func encodeSharing(into writer: inout ByteWriter) {
        writer.byte(CoordinatorSection.sharing.rawValue)
        writer.natural(sharing.queues.count)
        for queue in sharing.queues {
            writer.put(queue.spec)
            writer.bool(queue.isConfigured)
            writer.bool(queue.isPaused)
        }
        let placed = runs.indices.filter {
            runs[$0].queue != 0 || runs[$0].priority != 0 || runs[$0].isPaused
        }
        writer.natural(placed.count)
        for run in placed {
            writer.natural(run)
            writer.natural(runs[run].queue)
            writer.zigzag(Int64(runs[run].priority))
            writer.bool(runs[run].isPaused)
        }
        let waiting = shapes.indices.filter { shapes[$0].waitingSince != nil }
        writer.natural(waiting.count)
        for shape in waiting {
            writer.natural(shape)
            writer.put(shapes[shape].waitingSince ?? .zero)
        }
        writer.put(sharing.supply)
        writer.put(list: sharing.holds)
        writer.put(sharing.nextClaim)
        let free = Set(placements.free)
        let started = placements.records.indices.filter {
            placements.records[$0].started > .zero && !free.contains(UInt32($0))
        }
        writer.natural(started.count)
        for placement in started {
            writer.natural(placement)
            writer.put(placements.records[placement].started)
        }
    }

    /// Reads what ``encodeSharing(into:)`` wrote after its number.
    ///
    /// Returns: Placements and the moments at which they began to run.
    mutating func readSharing(
        _ reader: inout ByteReader
    ) throws(CodingError) -> [(placement: Int, tick: Tick)] {
        sharing.queues = []
        for _ in 0..<(try reader.count()) {
            sharing.queues.append(
                QueueState(
                    spec: try reader.get(), isConfigured: try reader.bool(),
                    isPaused: try reader.bool()))
        }
        for _ in 0..<(try reader.count()) {
            let run = try reader.index(in: runs.count)
            runs[run].queue = try reader.index(in: sharing.queues.count)
            runs[run].priority = try reader.signed()
            runs[run].isPaused = try reader.bool()
        }
        for _ in 0..<(try reader.count()) {
            let shape = try reader.index(in: shapes.count)
            shapes[shape].waitingSince = try reader.get()
        }
        sharing.supply = try reader.get()
        sharing.holds = try reader.list()
        sharing.nextClaim = try reader.get()
        var started: [(placement: Int, tick: Tick)] = []
        for _ in 0..<(try reader.count()) {
            let placement = try reader.index(in: placements.records.count)
            started.append((placement, try reader.get()))
        }
        return started
    }

    mutating func restoreStarted(
        _ started: [(placement: Int, tick: Tick)]
    ) throws(BrokenRule) {
        for (placement, tick) in started {
            try require(tick <= clock, "an attempt began before now")
            placements[UInt32(placement)].started = tick
        }
    }

    /// Makes what follows from the other tables.
    mutating func restoreSharing() throws(BrokenRule) {
        try require(
            sharing.queues.first?.spec.name == QueueSpec.defaultName
                && Set(sharing.queues.map(\.spec.name)).count == sharing.queues.count
                && sharing.queues.allSatisfy { (1...Limits.queueWeight).contains($0.spec.weight) },
            "queues have names and weights, and the first is of those that name none")
        for shape in shapes.indices {
            try require(
                shapes[shape].waitingSince.map { $0 <= clock } ?? true,
                "a shape has waited since a moment before now")
            try require(
                tasks.indices.contains(shapes[shape].task)
                    && runs.indices.contains(tasks[shapes[shape].task].run)
                    && classes.indices.contains(shapes[shape].resources),
                "a shape has its task, its run and its needs")
            let queue = queue(of: shape)
            sharing.queues[queue].use =
                sharing.queues[queue].use + amount(of: shape) * shapes[shape].slots
        }
        for worker in workers where worker.phase == .active {
            sharing.total = sharing.total + ResourceAmount(worker.ledger.total)
        }
        for run in runs where !run.hasEnded {
            try require(
                Limits.priorities.contains(run.priority), "a run has a priority in its bounds")
            sharing.live[LiveKey(queue: run.queue, priority: run.priority), default: 0] += 1
            if run.isPaused { sharing.pausedRuns += 1 }
        }
        for hold in sharing.holds {
            try require(
                workers.indices.contains(hold.worker) && shapes.indices.contains(hold.shape),
                "a worker is kept for a shape")
            workers[hold.worker].heldFor = UInt32(hold.shape)
        }
        refreshSharing()
    }
}

extension ByteReader {
    /// A place in a table of so many.
    mutating func index(in count: Int) throws(CodingError) -> Int {
        let start = offset
        let value = try natural()
        guard value < count else { throw CodingError(.badNumber, at: start) }
        return value
    }
}
