/// How many subtasks a task will probably have, as far as that is known before its strategy begins.
///
/// Shape: what the strategy said for inputs of some sizes, and what earlier runs had.
package struct TaskWidth: Hashable, Sendable {
    /// The task.
    package var task: TaskID
    /// Subtasks whatever the tasks before it give; `nil` where the strategy cannot say that.
    package var fixed: Int?
    /// The task before it whose results are split, if its number of subtasks depends on that.
    package var producer: TaskID?
    /// Subtasks beside the fixed ones for each item that the producer gives.
    package var perItem = 0.0
    /// Subtasks that it had in earlier runs; `nil` where nothing is known.
    package var earlier: Int?
    /// How long one took on average in earlier runs, in nanoseconds; `nil` where too little is known.
    package var nanoseconds: UInt64?
    /// How long nearly each took at most, in nanoseconds; known with the mean.
    package var longestNanoseconds: UInt64?

    /// A task of which nothing is known.
    package init(task: TaskID) { self.task = task }

    /// Whether something is known.
    package var isKnown: Bool { fixed != nil || earlier != nil || nanoseconds != nil }

    /// Whether a task can be like that: what comes from the journal may be any number.
    var isPossible: Bool {
        (fixed ?? 0) >= 0 && (earlier ?? 0) >= 0 && perItem.isFinite && perItem >= 0
            && (producer == nil || fixed != nil)
    }

    /// How long one takes on average, and nearly each at most, by earlier runs.
    var bound: (mean: Double, longest: Double)? {
        nanoseconds.map { (Double($0), Double(max($0, longestNanoseconds ?? 0))) }
    }
}

/// Items that the results of a task have held, where another task's number of subtasks follows from
/// them.
struct GivenItems: Hashable, Sendable {
    var items: UInt64 = 0
    /// Results that were counted.
    var results = 0

    mutating func add(_ count: UInt64) {
        let (sum, overflow) = items.addingReportingOverflow(count)
        items = overflow ? .max : sum
        results += 1
    }
}

extension Coordinator {
    /// So many subtasks the tasks of a run will probably have; a later word takes the place of an
    /// earlier one, and what cannot be is left out.
    mutating func estimate(_ id: RunID, _ widths: [TaskWidth]) {
        guard let run = runIndices[id], !runs[run].hasEnded else { return }
        for width in widths where width.isPossible {
            guard let task = known(width.task), runs[run].tasks.contains(task),
                !tasks[task].hasEnded
            else { continue }
            if let producer = width.producer {
                guard tasks[task].spec.dependsOn.contains(producer), let place = known(producer)
                else { continue }
                if tasks[place].given == nil { tasks[place].given = GivenItems() }
            }
            tasks[task].width = width
        }
    }

    /// Subtasks that a task has or will probably have; `nil` where nothing says it.
    func expectedSubtasks(_ task: Int) -> Int? {
        let state = tasks[task]
        if state.hasBegun, state.split == .end { return state.progress.put }
        guard let width = state.width else { return nil }
        var count = width.fixed.map(Double.init)
        if let producer = width.producer {
            // Sums of parts of a whole may be a little more than it.
            count = expectedItems(Int(producer.index)).map { items in
                (Double(width.fixed ?? 0) + width.perItem * items * (1 - 1e-9)).rounded(.up)
            }
        }
        guard let count = count ?? width.earlier.map(Double.init) else { return nil }
        return max(state.progress.put, Int(min(count, Double(Limits.subtasksPerTask))))
    }

    /// Items that a task gives in all, by those that it has given: `nil` before enough of its results
    /// are in.
    private func expectedItems(_ task: Int) -> Double? {
        guard let given = tasks[task].given else { return nil }
        let isDone = tasks[task].phase == .completed
        let total = isDone ? tasks[task].progress.succeeded : expectedSubtasks(task)
        guard let total else { return nil }
        guard total > 0 else { return isDone ? 0 : nil }
        guard given.results > 0, given.results >= total / Limits.expectedResultsShare else {
            return nil
        }
        return Double(given.items) / Double(given.results) * Double(total)
    }

    /// The rules of widths that do not hold.
    func widthViolations() -> [String] {
        tasks.filter { task in
            guard let width = task.width else { return false }
            return width.task != task.spec.id || !width.isPossible
                || width.producer.map { !task.spec.dependsOn.contains($0) } ?? false
        }.map { "task \($0.spec.id.index): its width is not one that it can have" }
    }
}

// MARK: As bytes

extension TaskWidth: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(task)
        writer.put(optional: fixed.map { UInt64(clamping: $0) })
        writer.put(optional: producer.map { UInt64($0.index) })
        writer.double(perItem)
        writer.put(optional: earlier.map { UInt64(clamping: $0) })
        writer.put(optional: nanoseconds)
        writer.put(optional: longestNanoseconds)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(task: try reader.get())
        fixed = try reader.optionalNumber().map { Int(clamping: $0) }
        let start = reader.offset
        if let number = try reader.optionalNumber() {
            guard let index = UInt32(exactly: number) else {
                throw CodingError(.badNumber, at: start)
            }
            producer = TaskID(index)
        }
        perItem = try reader.double()
        earlier = try reader.optionalNumber().map { Int(clamping: $0) }
        nanoseconds = try reader.optionalNumber()
        longestNanoseconds = try reader.optionalNumber()
    }
}

extension Coordinator {
    /// Writes the table, if there is anything in it.
    func encodeWidths(into writer: inout ByteWriter) {
        let wide = tasks.indices.filter { tasks[$0].width != nil }
        let giving = tasks.indices.filter { tasks[$0].given != nil }
        guard !wide.isEmpty || !giving.isEmpty else { return }
        writer.byte(CoordinatorSection.widths.rawValue)
        writer.put(list: wide.compactMap { tasks[$0].width })
        writer.natural(giving.count)
        for task in giving {
            guard let given = tasks[task].given else { continue }
            writer.natural(task)
            writer.varint(given.items)
            writer.natural(given.results)
        }
    }

    /// Reads what ``encodeWidths(into:)`` wrote after its number.
    mutating func readWidths(_ reader: inout ByteReader) throws(CodingError) {
        for width: TaskWidth in try reader.list() {
            let task = Int(width.task.index)
            guard tasks.indices.contains(task), width.isPossible,
                width.producer.map({ tasks[task].spec.dependsOn.contains($0) }) ?? true
            else { throw CodingError(.badNumber, at: reader.offset) }
            tasks[task].width = width
        }
        for _ in 0..<(try reader.count()) {
            let task = try reader.index(in: tasks.count)
            tasks[task].given = GivenItems(
                items: try reader.varint(), results: try reader.natural())
        }
    }
}
