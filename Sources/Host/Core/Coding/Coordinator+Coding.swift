import HeapModule

extension Coordinator {
    /// The version of the bytes of a coordinator: counts up when they change.
    package static let codingVersion: UInt8 = 1

    /// Everything the coordinator knows, as bytes: what ``init(decoding:)`` reads goes on exactly
    /// as this one would.
    ///
    /// Shape: a byte for the version; the tables; the sum over all that, eight bytes.
    /// Complexity: O(everything); a subtask takes 24 bytes.
    package func encoded() -> [UInt8] {
        let subtasks = tasks.reduce(0) { $0 + $1.subtasks.count }
        var writer = ByteWriter(capacity: 4096 + 28 * subtasks)
        writer.byte(Self.codingVersion)
        encodeTables(into: &writer)
        writer.fixed64(checksum(of: writer.bytes[...]))
        return writer.bytes
    }

    /// The coordinator that ``encoded()`` wrote, for any bytes.
    ///
    /// Throws: What is wrong with the bytes, and where.
    /// Complexity: O(everything).
    package init(decoding bytes: [UInt8]) throws(CodingError) {
        guard let version = bytes.first else { throw CodingError(.truncated(missing: 9), at: 0) }
        guard version == Self.codingVersion else {
            throw CodingError(.unknownVersion(version), at: 0)
        }
        guard bytes.count >= 9 else {
            throw CodingError(.truncated(missing: 9 - bytes.count), at: bytes.count)
        }
        let end = bytes.count - 8
        var sum = ByteReader(bytes, in: end..<bytes.count)
        guard try sum.fixed64() == checksum(of: bytes[..<end]) else {
            throw CodingError(.damaged, at: end)
        }
        try self.init(tablesOf: bytes, in: 1..<end)
    }

    private func encodeTables(into writer: inout ByteWriter) {
        precondition(outbox.isEmpty, "a coordinator is written between two events")
        writer.put(clock)
        writer.put(optional: wake?.nanoseconds)
        writer.put(list: runs)
        writer.put(list: tasks)
        writer.put(list: shapes)
        writer.put(list: classes)
        writer.put(list: workers)
        writer.natural(cells.count)
        for cell in cells { encode(cell, into: &writer) }
        writer.put(indices: freeCells)
        writer.put(indices: placements.free)
        let free = Set(placements.free)
        writer.natural(placements.records.count)
        for (index, placement) in placements.records.enumerated()
        where !free.contains(UInt32(index)) {
            writer.put(placement)
        }
        writer.natural(lanes.count)
        for lane in lanes {
            writer.varint(lane.nanoseconds)
            writer.put(indices: timerLinks.members(of: lane.queue))
        }
        writer.put(list: rests.unordered.sorted())
        writer.put(indices: activeShapes.map { UInt32($0) })
        writer.put(indices: orphans)
        encodeSections(into: &writer)
    }

    private func encode(_ cell: Cell, into writer: inout ByteWriter) {
        writer.bool(cell.isUsed)
        guard cell.isUsed else { return }
        writer.put(cell)
        writer.put(indices: cellLinks.members(of: cell.queued))
        writer.put(indices: cellLinks.members(of: cell.running))
    }

    /// Reads the tables, then ties them together.
    init(tablesOf bytes: [UInt8], in range: Range<Int>) throws(CodingError) {
        var reader = ByteReader(bytes, in: range)
        self.init()
        clock = try reader.get()
        wake = try reader.optionalNumber().map { Tick($0) }
        runs = ContiguousArray(try reader.list(of: RunState.self))
        tasks = ContiguousArray(try reader.list(of: TaskState.self))
        shapes = ContiguousArray(try reader.list(of: ShapeState.self))
        classes = ContiguousArray(try reader.list(of: ResourceClass.self))
        workers = ContiguousArray(try reader.list(of: WorkerState.self))
        var queues: [(queued: [UInt32], running: [UInt32])] = []
        for _ in 0..<(try reader.count()) { try readCell(&reader, &queues) }
        freeCells = try reader.indices()
        try readPlacements(&reader)
        var timers: [[UInt32]] = []
        lanes = []
        for _ in 0..<(try reader.count()) {
            lanes.append(TimerLane(nanoseconds: try reader.varint()))
            timers.append(try reader.indices())
        }
        rests = Heap(try reader.list(of: Rest.self))
        activeShapes = try reader.indices().map { Int($0) }
        orphans = try reader.indices()
        let started = try readSections(&reader)
        do throws(BrokenRule) {
            try restoreStarted(started)
            try restoreLinks(queues: queues, timers: timers)
            try restoreIndices()
            try restoreSharing()
            try check()
        } catch {
            throw CodingError(.contradiction(error.rule), at: range.lowerBound)
        }
    }

    private mutating func readCell(
        _ reader: inout ByteReader, _ queues: inout [(queued: [UInt32], running: [UInt32])]
    ) throws(CodingError) {
        guard try reader.bool() else {
            var unused = Cell(worker: 0, shape: 0)
            unused.isUsed = false
            cells.append(unused)
            return queues.append(([], []))
        }
        cells.append(try reader.get())
        queues.append((try reader.indices(), try reader.indices()))
    }

    private mutating func readPlacements(_ reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let free = try reader.indices()
        let count = try reader.natural()
        let absent = Set(free)
        guard absent.count == free.count, count - free.count <= reader.remaining,
            free.allSatisfy({ $0 < count })
        else { throw CodingError(.badNumber, at: start) }
        var records: ContiguousArray<Placement> = []
        for index in 0..<count {
            if absent.contains(UInt32(index)) {
                records.append(Placement(attempt: .none, cell: noIndex))
            } else {
                records.append(try reader.get())
            }
        }
        placements = Placements(records: records, free: free)
    }
}

extension AttemptID {
    /// Stands where no attempt is.
    fileprivate static let none = AttemptID(
        subtask: SubtaskID(task: TaskID(noIndex), index: noIndex), epoch: 0)
}

extension Outbox {
    /// Whether everything has been handed out.
    var isEmpty: Bool {
        workers.isEmpty && tasks.isEmpty && runs.isEmpty && failures.isEmpty && splits.isEmpty
    }
}

/// A number that another one of these bytes, or one more or less, changes.
///
/// Source: FNV-1a over words of eight bytes.  Each step is one-to-one in the sum and in the word,
/// so that damage within one word is always seen.
private func checksum(of bytes: ArraySlice<UInt8>) -> UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
    bytes.withUnsafeBytes { raw in
        var offset = 0
        while offset + 8 <= raw.count {
            let word = UInt64(
                littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            sum = (sum ^ word) &* 0x0000_0100_0000_01B3
            sum ^= sum >> 29
            offset += 8
        }
        while offset < raw.count {
            sum = (sum ^ UInt64(raw[offset])) &* 0x0000_0100_0000_01B3
            offset += 1
        }
    }
    return sum
}
