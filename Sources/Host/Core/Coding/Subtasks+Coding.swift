// Subtasks, attempts and their ends as bytes: what a journal is full of.

/// Subtasks that one run of equal ones stands for at most.
///
/// Why: what is read must stay in proportion to the bytes it is read from.
private let subtasksPerRun = 64

extension ByteWriter {
    /// Subtasks in runs of equal ones: a header for each, and what is new in it.
    ///
    /// Shape: the count of runs; then for each `(subtasks - 1) << 3 | flags` as a varint, where
    /// flag 1 says that a shape follows, flag 2 a priority, flag 4 a list of dependencies.
    mutating func put(subtasks: [SubtaskSpec]) {
        var runs: [(first: Int, count: Int)] = []
        for (place, spec) in subtasks.enumerated() {
            if let last = runs.last, last.count < subtasksPerRun,
                spec.isSame(as: subtasks[last.first])
            {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((place, 1))
            }
        }
        varint(UInt64(runs.count))
        var shape: UInt32 = 0
        for run in runs {
            let spec = subtasks[run.first]
            var flags = UInt64(run.count - 1) << 3
            if spec.shape.index != shape { flags |= 1 }
            if spec.priority.bitPattern != 0 { flags |= 2 }
            if !spec.after.isEmpty { flags |= 4 }
            varint(flags)
            if flags & 1 != 0 { put(spec.shape) }
            if flags & 2 != 0 { float(spec.priority) }
            if flags & 4 != 0 { put(distances: spec.after) }
            shape = spec.shape.index
        }
    }

    /// Numbers that are near each other, each as its distance from the one before.
    mutating func put(distances values: [UInt32]) {
        varint(UInt64(values.count))
        var last: Int64 = 0
        for value in values {
            zigzag(Int64(value) - last)
            last = Int64(value)
        }
    }

    /// Attempts, each after the one before.
    mutating func put(attempts: [AttemptID]) {
        varint(UInt64(attempts.count))
        var last = AttemptID.before
        for attempt in attempts { put(attempt, after: &last) }
    }

    /// An attempt: the distance of its index, and the task where that is another one.
    mutating func put(_ attempt: AttemptID, after last: inout AttemptID) {
        let distance = Int64(attempt.index) - Int64(last.index)
        let isOther = attempt.task != last.task
        varint(distance.zigzag << 1 | (isOther ? 1 : 0))
        if isOther { put(attempt.task) }
        varint(attempt.epoch)
        last = attempt
    }

    mutating func put(reports: [AttemptReport]) {
        varint(UInt64(reports.count))
        var last = AttemptID.before
        for report in reports {
            var flags: UInt8 = 0
            if case .failed = report.outcome { flags |= 1 }
            if report.slot != nil { flags |= 2 }
            if report.successor != nil { flags |= 4 }
            if report.usage != AttemptUsage() { flags |= 8 }
            byte(flags)
            put(report.attempt, after: &last)
            if case .failed(let failure) = report.outcome { put(failure) }
            if let slot = report.slot { put(slot) }
            if let successor = report.successor {
                var near = last
                put(successor, after: &near)
            }
            if flags & 8 != 0 { put(report.usage) }
        }
    }
}

extension ByteReader {
    mutating func subtasks() throws(CodingError) -> [SubtaskSpec] {
        var subtasks: [SubtaskSpec] = []
        var shape = ShapeID(0)
        for _ in 0..<(try count()) {
            let start = offset
            let header = try varint()
            guard header >> 3 < UInt64(subtasksPerRun) else {
                throw CodingError(.badNumber, at: start)
            }
            if header & 1 != 0 { shape = try get() }
            let priority = header & 2 != 0 ? try float() : 0
            let after = header & 4 != 0 ? try distances() : []
            for _ in 0...(header >> 3) {
                subtasks.append(SubtaskSpec(shape: shape, after: after, priority: priority))
            }
        }
        return subtasks
    }

    mutating func distances() throws(CodingError) -> [UInt32] {
        var values: [UInt32] = []
        var last: UInt32 = 0
        for _ in 0..<(try count()) {
            let distance = try varint()
            last = try Self.index(near: last, distance, at: offset)
            values.append(last)
        }
        return values
    }

    private static func index(
        near last: UInt32, _ distance: UInt64, at offset: Int
    ) throws(CodingError) -> UInt32 {
        let (sum, overflow) = Int64(last).addingReportingOverflow(Int64(zigzag: distance))
        guard !overflow, let index = UInt32(exactly: sum) else {
            throw CodingError(.badNumber, at: offset)
        }
        return index
    }

    mutating func attempts() throws(CodingError) -> [AttemptID] {
        var attempts: [AttemptID] = []
        var last = AttemptID.before
        for _ in 0..<(try count()) { attempts.append(try attempt(after: &last)) }
        return attempts
    }

    mutating func attempt(after last: inout AttemptID) throws(CodingError) -> AttemptID {
        let header = try varint()
        let index = try Self.index(near: last.index, header >> 1, at: offset)
        let task = header & 1 != 0 ? try get(TaskID.self) : last.task
        last = AttemptID(subtask: SubtaskID(task: task, index: index), epoch: try integer())
        return last
    }

    mutating func reports() throws(CodingError) -> [AttemptReport] {
        var reports: [AttemptReport] = []
        var last = AttemptID.before
        for _ in 0..<(try count()) {
            let start = offset
            let flags = try byte()
            guard flags < 16 else { throw unknown("flag of a report", flags, at: start) }
            let attempt = try self.attempt(after: &last)
            let outcome: AttemptOutcome = flags & 1 != 0 ? .failed(try get()) : .succeeded
            let slot = flags & 2 != 0 ? try get(SlotID.self) : nil
            var near = last
            let successor = flags & 4 != 0 ? try self.attempt(after: &near) : nil
            let usage = flags & 8 != 0 ? try get() : AttemptUsage()
            reports.append(
                AttemptReport(
                    attempt: attempt, outcome: outcome, slot: slot, successor: successor,
                    usage: usage))
        }
        return reports
    }
}

extension SubtaskSpec {
    /// Whether one run of equal subtasks stands for both; dependencies are nearly never equal.
    fileprivate func isSame(as other: SubtaskSpec) -> Bool {
        shape == other.shape && after.isEmpty && other.after.isEmpty
            && priority.bitPattern == other.priority.bitPattern
    }
}

extension AttemptID {
    /// What the first attempt of a list comes after.
    fileprivate static let before = AttemptID(
        subtask: SubtaskID(task: TaskID(0), index: 0), epoch: 0)
}

extension AttemptUsage: ByteCoded {
    /// A bit for each number that is not 0, then these numbers.
    func encode(into writer: inout ByteWriter) {
        var mask: UInt8 = 0
        if ranNanoseconds != 0 { mask |= 1 }
        if cpuNanoseconds != 0 { mask |= 2 }
        if peakMemoryBytes != 0 { mask |= 4 }
        if bytesIn != 0 { mask |= 8 }
        if bytesOut != 0 { mask |= 16 }
        if items != 0 { mask |= 32 }
        if peakDeviceMemoryBytes != 0 { mask |= 64 }
        writer.byte(mask)
        if mask & 1 != 0 { writer.varint(ranNanoseconds) }
        if mask & 2 != 0 { writer.varint(cpuNanoseconds) }
        if mask & 4 != 0 { writer.varint(peakMemoryBytes) }
        if mask & 8 != 0 { writer.varint(bytesIn) }
        if mask & 16 != 0 { writer.varint(bytesOut) }
        if mask & 32 != 0 { writer.varint(items) }
        if mask & 64 != 0 { writer.varint(peakDeviceMemoryBytes) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init()
        let start = reader.offset
        let mask = try reader.byte()
        guard mask < 128 else { throw reader.unknown("measure of an attempt", mask, at: start) }
        if mask & 1 != 0 { ranNanoseconds = try reader.varint() }
        if mask & 2 != 0 { cpuNanoseconds = try reader.varint() }
        if mask & 4 != 0 { peakMemoryBytes = try reader.varint() }
        if mask & 8 != 0 { bytesIn = try reader.varint() }
        if mask & 16 != 0 { bytesOut = try reader.varint() }
        if mask & 32 != 0 { items = try reader.varint() }
        if mask & 64 != 0 { peakDeviceMemoryBytes = try reader.varint() }
    }
}
