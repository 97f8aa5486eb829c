import CPluginABI
import FanfoldJSON

/// What the subtasks of one task must be to each other.
enum GraphRules {
    /// The subtasks that must have ended before this one starts.
    static func predecessors(_ subtask: ProbeSubtask) -> [UInt64] {
        let after =
            subtask.spec.isEmpty
            ? [] : (try? JSON(parsing: subtask.spec))?["after"]?.arrayValue ?? []
        return after.compactMap { $0.integerValue.map { UInt64(bitPattern: $0) } }
            + subtask.parts.filter { $0.kind == UInt32(FAN_BLOB_RESULT) }.map {
                UInt64(bitPattern: $0.handle)
            }
    }

    /// Judges all subtasks of a task that has come to its end.
    static func judge(_ record: StrategyRun.Record, items: Int) throws {
        if let fault = record.faults.first { throw CheckStop.failed(fault) }
        let ids = Set(record.subtasks.map(\.id))
        for subtask in record.subtasks {
            try judge(subtask, items: items)
            for id in predecessors(subtask) where !ids.contains(id) {
                throw CheckStop.failed(
                    "the subtask \(subtask.id) starts after \(id), which there is not")
            }
        }
        try acyclic(record.subtasks)
    }

    private static func judge(_ subtask: ProbeSubtask, items: Int) throws {
        func wrong(_ what: String) -> CheckStop {
            .failed("the subtask \(subtask.id) \(what)")
        }
        guard subtask.spec.count <= FAN_MAX_SPEC_BYTES else {
            throw wrong("has a spec of \(subtask.spec.count) bytes")
        }
        if !subtask.spec.isEmpty {
            guard let spec = try? JSON(parsing: subtask.spec), spec.objectValue != nil else {
                throw wrong("has a spec that is no JSON object")
            }
            if let names = spec["names"]?.arrayValue, names.count != subtask.parts.count {
                throw wrong("has \(subtask.parts.count) parts and \(names.count) names")
            }
        }
        for slice in subtask.slices {
            let end = slice.offset.addingReportingOverflow(slice.size)
            guard slice.handle == 0, !end.overflow, end.partialValue <= UInt64(items) else {
                throw wrong(
                    "holds the items from \(slice.offset), \(slice.size) of them, of input "
                        + "\(slice.handle); there is one input of \(items)")
            }
        }
    }

    /// Whether every subtask can start some time.
    ///
    /// Source: Kahn, "Topological sorting of large networks", 1962.
    private static func acyclic(_ subtasks: [ProbeSubtask]) throws {
        var waiting: [UInt64: Int] = [:]
        var followers: [UInt64: [UInt64]] = [:]
        var ready: [UInt64] = []
        for subtask in subtasks {
            let before = Set(predecessors(subtask))
            waiting[subtask.id] = before.count
            for id in before { followers[id, default: []].append(subtask.id) }
            if before.isEmpty { ready.append(subtask.id) }
        }
        var count = 0
        while let id = ready.popLast() {
            count += 1
            for follower in followers[id] ?? [] {
                waiting[follower, default: 0] -= 1
                if waiting[follower] == 0 { ready.append(follower) }
            }
        }
        guard count >= waiting.count else {
            throw CheckStop.failed(
                "\(waiting.count - count) subtasks wait for each other in a circle")
        }
    }

    /// Whether subtasks hold the items of the one that they replace, each once.
    static func replaces(_ original: ProbeSubtask, _ others: [ProbeSubtask]) throws {
        let wanted = merged(original.slices)
        let found = merged(others.flatMap(\.slices))
        let count = others.flatMap(\.slices).reduce(UInt64(0)) { $0 + $1.size }
        let whole = original.slices.reduce(UInt64(0)) { $0 + $1.size }
        guard wanted == found, count == whole else {
            throw CheckStop.failed(
                "resplit of \(original.id) puts items \(text(found)); it held \(text(wanted)), "
                    + "and each goes to one replacement")
        }
    }

    private static func text(_ ranges: [Range<UInt64>]) -> String {
        ranges.isEmpty
            ? "none"
            : ranges.prefix(5).map { "\($0.lowerBound) to \($0.upperBound)" }
                .joined(separator: ", ")
    }

    /// The items of slices as ranges that do not touch.
    static func merged(_ slices: [RecordedPart]) -> [Range<UInt64>] {
        var ranges: [Range<UInt64>] = []
        let sorted = slices.filter { $0.size > 0 && $0.size <= UInt64.max - $0.offset }
            .map { $0.offset..<($0.offset + $0.size) }
            .sorted { $0.lowerBound < $1.lowerBound }
        for range in sorted {
            if let last = ranges.last, range.lowerBound <= last.upperBound {
                ranges[ranges.count - 1] =
                    last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
        return ranges
    }
}
