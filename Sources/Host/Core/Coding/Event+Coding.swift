extension Event {
    /// The version of the bytes of events: counts up when they change.
    package static let codingVersion: UInt8 = 1

    /// The event as bytes for a journal: the version, then the event.
    ///
    /// Shape: one byte for the version, one for the case, then its values in order.  A number of
    /// a case is never used for another.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 32)
        writer.byte(Self.codingVersion)
        encode(into: &writer)
        return writer.bytes
    }

    /// The event that ``encoded()`` wrote, for any bytes.
    ///
    /// Throws: What is wrong with the bytes, and where.
    package init(decoding bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        try reader.version(Self.codingVersion)
        try self.init(from: &reader)
        try reader.finish()
    }
}

extension Event: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .runSubmitted(let spec):
            let isPlain = spec.queue == nil && spec.priority == 0
            writer.byte(isPlain ? 1 : 30)
            writer.put(spec)
            if !isPlain { spec.encodeSharing(into: &writer) }
        case .runCancelled(let run, let reason):
            writer.byte(2)
            writer.put(run)
            writer.string(reason)
        case .shapeDeclared(let shape, let spec):
            writer.byte(spec.gang == 1 ? 3 : 71)
            writer.put(shape)
            writer.put(spec)
            if spec.gang != 1 { writer.zigzag(Int64(spec.gang)) }
        case .shapeEscalated(let shape, let larger):
            writer.byte(40)
            writer.put(shape)
            writer.put(larger)
        case .shapeAlternative(let shape, let other):
            writer.byte(70)
            writer.put(shape)
            writer.put(other)
        case .timeElapsed: writer.byte(16)
        case .runForgotten(let run):
            writer.byte(21)
            writer.put(run)
        case .placementConfigured(let settings):
            writer.byte(settings.plugin == nil && settings.shadowPlugin == nil ? 50 : 52)
            writer.put(settings)
            settings.encodePlugins(into: &writer)
        case .policyAnswered(let answer):
            writer.byte(53)
            writer.put(answer)
        case .policyFailed(let seat, let fault, let isSetAside):
            writer.byte(54)
            writer.byte(seat.rawValue)
            writer.byte(fault.rawValue)
            writer.bool(isSetAside)
        case .queuesConfigured, .queuePaused, .runPaused, .runTimed, .supplyChanged:
            encodeSharing(into: &writer)
        case .scalingRecorded, .workerDrainCancelled, .runServed, .widthsEstimated:
            encodeScaling(into: &writer)
        case .workerRegistered, .workerDraining, .workerLost, .workerMeasured, .workerSuspected,
            .workerTrusted, .workerDoubted, .workerReattached, .workerPardoned:
            encodeWorker(into: &writer)
        case .strategyBegan, .strategySplit, .strategyReplied, .strategyFinished, .strategyFailed:
            encodeStrategy(into: &writer)
        case .attemptsEnded(let worker, let reports):
            writer.byte(13)
            writer.put(worker)
            writer.put(reports: reports)
        case .attemptsTakenBack(let worker, let attempts):
            writer.byte(14)
            writer.put(worker)
            writer.put(attempts: attempts)
        case .slotsReturned(let worker, let slots):
            writer.byte(15)
            writer.put(worker)
            writer.put(list: slots)
        }
    }

    private func encodeWorker(into writer: inout ByteWriter) {
        func put(_ number: UInt8, _ worker: WorkerID) {
            writer.byte(number)
            writer.put(worker)
        }
        switch self {
        case .workerRegistered(let spec):
            writer.byte(4)
            writer.put(spec)
        case .workerDraining(let worker): put(5, worker)
        case .workerLost(let worker, let reason):
            put(6, worker)
            writer.string(reason)
        case .workerMeasured(let worker, let use):
            put(7, worker)
            writer.put(use)
        case .workerSuspected(let worker): put(17, worker)
        case .workerTrusted(let worker): put(18, worker)
        case .workerDoubted(let worker): put(19, worker)
        case .workerPardoned(let worker): put(41, worker)
        case .workerReattached(let worker, let inventory):
            put(20, worker)
            writer.put(inventory)
        default: preconditionFailure("only events of workers are written here")
        }
    }

    private func encodeStrategy(into writer: inout ByteWriter) {
        func put(_ number: UInt8, _ task: TaskID) {
            writer.byte(number)
            writer.put(task)
        }
        switch self {
        case .strategyBegan(let task): put(8, task)
        case .strategySplit(let task, let added, let state):
            put(9, task)
            writer.put(state)
            writer.put(subtasks: added)
        case .strategyReplied(let task, let reply):
            put(10, task)
            writer.put(reply)
        case .strategyFinished(let task): put(11, task)
        case .strategyFailed(let task, let failure):
            put(12, task)
            writer.put(failure)
        default: preconditionFailure("only events of strategies are written here")
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 1: self = .runSubmitted(try reader.get())
        case 2: self = .runCancelled(try reader.get(), reason: try reader.string())
        case 3: self = .shapeDeclared(try reader.get(), try reader.get())
        case 4: self = .workerRegistered(try reader.get())
        case 5: self = .workerDraining(try reader.get())
        case 6: self = .workerLost(try reader.get(), reason: try reader.string())
        case 7: self = .workerMeasured(try reader.get(), try reader.get())
        case 8: self = .strategyBegan(try reader.get())
        case 9:
            let task = try reader.get(TaskID.self)
            let state = try reader.get(SplitState.self)
            self = .strategySplit(task, added: try reader.subtasks(), state: state)
        case 10: self = .strategyReplied(try reader.get(), try reader.get())
        case 11: self = .strategyFinished(try reader.get())
        case 12: self = .strategyFailed(try reader.get(), try reader.get())
        case 13: self = .attemptsEnded(try reader.get(), try reader.reports())
        case 14: self = .attemptsTakenBack(try reader.get(), try reader.attempts())
        case 15: self = .slotsReturned(try reader.get(), try reader.list())
        case 16: self = .timeElapsed
        case 17: self = .workerSuspected(try reader.get())
        case 18: self = .workerTrusted(try reader.get())
        case 19: self = .workerDoubted(try reader.get())
        case 20: self = .workerReattached(try reader.get(), try reader.get())
        case 21: self = .runForgotten(try reader.get())
        case 30:
            var spec = try reader.get(RunSpec.self)
            try spec.decodeSharing(from: &reader)
            self = .runSubmitted(spec)
        case 31: self = .queuesConfigured(try reader.list())
        case 32: self = .queuePaused(try reader.string(), try reader.bool())
        case 41: self = .workerPardoned(try reader.get())
        case 58: self = .widthsEstimated(try reader.get(), try reader.list())
        case 59: self = .runServed(try reader.get())
        case 60: self = .scalingRecorded(state: Array(try reader.blob()), try reader.list())
        case 61: self = .workerDrainCancelled(try reader.get())
        case 33: self = .runPaused(try reader.get(), try reader.bool())
        case 34: self = .supplyChanged(try reader.get())
        case 42: self = .runTimed(try reader.get(), deadline: try reader.get())
        case 40: self = .shapeEscalated(try reader.get(), to: try reader.get())
        case 50: self = .placementConfigured(try reader.get())
        case 52:
            var settings = try reader.get(PlacementSettings.self)
            try settings.decodePlugins(from: &reader)
            self = .placementConfigured(settings)
        case 53: self = .policyAnswered(try reader.get())
        case 54:
            self = .policyFailed(
                try reader.seat(), try reader.fault(), isSetAside: try reader.bool())
        case 71:
            let shape = try reader.get(ShapeID.self)
            var spec = try reader.get(ShapeSpec.self)
            spec.gang = try reader.signed()
            self = .shapeDeclared(shape, spec)
        case 70: self = .shapeAlternative(try reader.get(), or: try reader.get())
        case let number: throw reader.unknown("Event", number, at: start)
        }
    }
}

extension MeasuredUse: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.zigzag(milliCores)
        writer.zigzag(memoryBytes)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(milliCores: try reader.zigzag(), memoryBytes: try reader.zigzag())
    }
}

extension WorkerInventory: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.varint(session)
        writer.put(attempts: queued)
        writer.put(attempts: running.map(\.attempt))
        for each in running { writer.put(each.slot) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(session: try reader.varint(), queued: try reader.attempts())
        for attempt in try reader.attempts() {
            running.append(RunningAttempt(attempt: attempt, slot: try reader.get()))
        }
    }
}

extension SplitState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .more: writer.byte(0)
        case .wait: writer.byte(1)
        case .end: writer.byte(2)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .more
        case 1: self = .wait
        case 2: self = .end
        case let number: throw reader.unknown("SplitState", number, at: start)
        }
    }
}

extension FailureVerdict: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .retry: writer.byte(0)
        case .replaced: writer.byte(1)
        case .skip: writer.byte(2)
        case .failTask: writer.byte(3)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .retry
        case 1: self = .replaced
        case 2: self = .skip
        case 3: self = .failTask
        case let number: throw reader.unknown("FailureVerdict", number, at: start)
        }
    }
}

extension StrategyReply: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch answer {
        case .results: writer.byte(0)
        case .failure(let index, let verdict):
            writer.byte(1)
            writer.varint(index)
            writer.put(verdict)
        case .capacity: writer.byte(2)
        }
        writer.put(subtasks: added)
        writer.put(distances: withdrawn)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let answer: Answer
        switch try reader.byte() {
        case 0: answer = .results
        case 1: answer = .failure(index: try reader.integer(), try reader.get())
        case 2: answer = .capacity
        case let number: throw reader.unknown("StrategyReply.Answer", number, at: start)
        }
        self.init(answer, added: try reader.subtasks(), withdrawn: try reader.distances())
    }
}
