import FanfoldCore

/// The books of the loop as bytes, for a snapshot: all that the coordinator does not know.
///
/// Payloads, parts and strategies are not in it: they come back when strategies are told again.
extension EngineLoop {
    private static let stateVersion: UInt8 = 1

    /// The coordinator and the books, exactly as they are between two turns.
    package func encodedState() -> [UInt8] {
        var writer = ByteWriter()
        writer.byte(Self.stateVersion)
        writer.varint(now.nanoseconds)
        writer.blob(coordinator.encoded())
        writer.varint(UInt64(shapeCount))
        writer.varint(UInt64(workers.count))
        for worker in workers { writer.blob(worker.label) }
        writer.varint(UInt64(runs.count))
        for run in runs { write(run, to: &writer) }
        for task in tasks { write(task, to: &writer) }
        return writer.bytes
    }

    private func write(_ run: LiveRun, to writer: inout ByteWriter) {
        writer.varint(run.id.rawValue)
        writer.blob(run.label)
        writer.varint(UInt64(run.tasks.count))
        writer.varint(run.submittedAt.nanoseconds)
        writer.varint(run.endedAt.map { $0.nanoseconds + 1 } ?? 0)
        switch run.outcome {
        case nil: writer.byte(0)
        case .completed: writer.byte(1)
        case .failed(let task, let failure):
            writer.byte(2)
            writer.varint(task.map { UInt64($0.index) + 1 } ?? 0)
            writer.failure(failure)
        case .cancelled(let reason):
            writer.byte(3)
            writer.string(reason)
        }
        writer.string(run.cancelReason ?? "")
        writer.bool(run.isForgotten)
    }

    private func write(_ task: TaskRuntime, to writer: inout ByteWriter) {
        writer.string(task.name)
        writer.varint(UInt64(task.answersHad))
        let figures = task.figures
        writer.varint(figures.begunAt.map { $0.nanoseconds + 1 } ?? 0)
        writer.varint(figures.endedAt.map { $0.nanoseconds + 1 } ?? 0)
        for number in [
            figures.ranNanoseconds, figures.cpuNanoseconds,
            UInt64(clamping: figures.peakMemoryBytes), UInt64(clamping: figures.bytesIn),
            UInt64(clamping: figures.bytesOut), UInt64(clamping: figures.attempts),
        ] { writer.varint(number) }
        switch task.outcome {
        case nil: writer.byte(0)
        case .completed: writer.byte(1)
        case .failed(let failure):
            writer.byte(2)
            writer.failure(failure)
        case .cancelled(let reason):
            writer.byte(3)
            writer.string(reason)
        }
        let known = task.allShapes
        writer.varint(UInt64(known.count))
        for shape in known { writer.varint(UInt64(shape.index)) }
    }

    /// Takes over what ``encodedState()`` wrote, in a loop that has done nothing yet.
    ///
    /// - Parameter worker: a worker of the snapshot, by its label; it has not come back yet.
    /// - Returns: the moment of the snapshot.
    package mutating func restore(
        _ bytes: [UInt8], worker: (_ label: [UInt8]) -> WorkerEntry
    ) throws(CodingError) -> Tick {
        var reader = ByteReader(bytes)
        try reader.version(Self.stateVersion)
        let moment = Tick(try reader.varint())
        coordinator = try Coordinator(decoding: Array(try reader.blob()))
        shapeCount = try reader.integer()
        for _ in 0..<(try reader.count()) { workers.append(worker(Array(try reader.blob()))) }
        for _ in 0..<(try reader.count()) { try readRun(&reader) }
        for run in runs.indices {
            for place in runs[run].tasks { try readTask(place, run: run, &reader) }
        }
        try reader.finish()
        guard tasks.count == Int(coordinator.nextTask.index) else {
            throw CodingError(
                .contradiction("the books and the coordinator count different tasks"),
                at: bytes.count)
        }
        return moment
    }

    private mutating func readRun(_ reader: inout ByteReader) throws(CodingError) {
        let id = RunID(try reader.varint())
        let label = Array(try reader.blob())
        let first = runs.last?.tasks.upperBound ?? 0
        let count = try reader.count()
        let submitted = Tick(try reader.varint())
        var run = LiveRun(
            id: id, prepared: nil, tasks: first..<(first + count), submittedAt: submitted,
            label: label)
        run.endedAt = try reader.moment()
        switch try reader.byte() {
        case 0: break
        case 1: run.outcome = .completed
        case 2:
            let task = try reader.varint()
            run.outcome = .failed(
                task == 0 ? nil : TaskID(UInt32(truncatingIfNeeded: task - 1)),
                try reader.failure())
        default: run.outcome = .cancelled(reason: try reader.string())
        }
        let reason = try reader.string()
        if !reason.isEmpty { run.cancelReason = reason }
        run.isForgotten = try reader.bool()
        if !run.isForgotten { runPlaces[id] = runs.count }
        runs.append(run)
    }

    private mutating func readTask(
        _ place: Int, run: Int, _ reader: inout ByteReader
    ) throws(CodingError) {
        let id = TaskID(UInt32(place))
        let name = try reader.string()
        var task = TaskRuntime(
            TaskSpec(id: id, name: name, needs: coordinator.needs(of: id) ?? .init()), plan: nil,
            run: run)
        task.answersHad = try reader.integer()
        task.figures.begunAt = try reader.moment()
        task.figures.endedAt = try reader.moment()
        task.figures.ranNanoseconds = try reader.varint()
        task.figures.cpuNanoseconds = try reader.varint()
        task.figures.peakMemoryBytes = Int64(clamping: try reader.varint())
        task.figures.bytesIn = Int64(clamping: try reader.varint())
        task.figures.bytesOut = Int64(clamping: try reader.varint())
        task.figures.attempts = Int(clamping: try reader.varint())
        switch try reader.byte() {
        case 0: break
        case 1: task.outcome = .completed
        case 2: task.outcome = .failed(try reader.failure())
        default: task.outcome = .cancelled(reason: try reader.string())
        }
        for _ in 0..<(try reader.count()) {
            task.knownShapes.append(ShapeID(try reader.integer()))
        }
        tasks.append(task)
    }
}

extension ByteWriter {
    /// A failure, as the event that would carry it.
    package mutating func failure(_ failure: Failure) {
        blob(Event.strategyFailed(TaskID(0), failure).encoded())
    }
}

extension ByteReader {
    /// A failure that ``ByteWriter/failure(_:)`` wrote.
    package mutating func failure() throws(CodingError) -> Failure {
        let start = offset
        guard case .strategyFailed(_, let failure) = try Event(decoding: Array(try blob())) else {
            throw CodingError(.contradiction("wanted a failure"), at: start)
        }
        return failure
    }

    fileprivate mutating func moment() throws(CodingError) -> Tick? {
        let number = try varint()
        return number == 0 ? nil : Tick(number - 1)
    }
}
