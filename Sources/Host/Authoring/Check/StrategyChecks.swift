import CPluginABI
import FanfoldJSON

/// Checks of what a strategy decides: nothing lost, nothing twice, always the same.
enum StrategyChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "partition-complete", subject: .instance,
            summary: "Every item is in as many subtasks as every other: once.",
            consequence: "Rows of the input would be missing from the result, or be in it twice.",
            timeout: 120, body: partition),
        CheckCase(
            name: "merge-order-free", subject: .instance,
            summary: "Results in any order give the same output.",
            consequence: "The same pipeline would give another result on a busy machine.",
            timeout: 60, body: mergeOrder),
        CheckCase(
            name: "deterministic", subject: .instance,
            summary: "The same calls lead to the same answers.",
            consequence: "A run could not be repeated, nor taken up again after a crash.",
            timeout: 60, body: deterministic),
        CheckCase(
            name: "replay", subject: .instance,
            summary: "Told again to a new instance, the calls lead to the same answers.",
            consequence: "After a crash of the coordinator the task would go wrong.",
            timeout: 60, body: replay),
        CheckCase(
            name: "failure-paths", subject: .instance,
            summary: "Whatever fails, and however often, the task comes to an end.",
            consequence: "One failed subtask would hang the task for ever.", timeout: 60,
            body: failures),
    ]

    static func each(
        _ context: CheckContext, _ body: (CheckedComponent, JSON) throws -> Void
    ) throws {
        try InstanceChecks.each(context, body)
    }

    /// A whole task, of enough items for several subtasks.
    static func transcript(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        lender: InputLender = InputLender(), _ change: (StrategyDriver) -> Void = { _ in }
    ) throws -> StrategyDriver.Record {
        let items = try context.items(component) { items in
            try StrategyDriver(context, component, configuration, items: items).run()
                .subtasks.count
        }
        let driver = try StrategyDriver(
            context, component, configuration, items: items, lender: lender)
        change(driver)
        return try driver.run()
    }

    private static func partition(_ context: CheckContext) throws -> CheckOutcome {
        var note = ""
        try each(context) { component, configuration in
            for items in [0, 1, 2, 3, 5, 11, 101, 1_009, 10_007] {
                let driver = try StrategyDriver(context, component, configuration, items: items)
                let subtasks = try driver.run().subtasks
                let ranges = ranges(subtasks)
                if ranges.isEmpty && items > 0 {
                    throw CheckStop.skipped("its subtasks carry no items of an input")
                }
                if let fault = cover(ranges, items) { throw fault }
            }
            note = try large(context, component, configuration)
        }
        return .passed(note)
    }

    /// Far too many items to hold: split must go on handing out the next ones.
    private static func large(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws -> String {
        let items = (1 << 31) + 1
        let driver = try StrategyDriver(context, component, configuration, items: items)
        try driver.begin()
        defer { driver.endTask() }
        var state = UInt32(FAN_SPLIT_MORE)
        while state == UInt32(FAN_SPLIT_MORE), driver.subtasks.count < 20_000 {
            state = try driver.split(want: 1_000)
        }
        var place: UInt64 = 0
        for range in ranges(driver.subtasks).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard range.lowerBound <= place else {
                throw CheckStop.failed(
                    "of \(items) items, those from \(place) to \(range.lowerBound) are left out")
            }
            guard range.upperBound <= UInt64(items) else {
                throw CheckStop.failed("it hands out item \(range.upperBound) of \(items)")
            }
            place = max(place, range.upperBound)
        }
        return "the first \(place) of \(items) items in \(driver.subtasks.count) subtasks"
    }

    private static func ranges(_ subtasks: [RecordedSubtask]) -> [Range<UInt64>] {
        subtasks.flatMap { subtask in
            subtask.parts
                .filter { $0.kind == UInt32(FAN_BLOB_ITEMS) && $0.handle == 0 }
                .map { $0.offset..<($0.offset &+ max($0.size, 0)) }
        }
    }

    /// Whether every item is in as many ranges as every other.
    ///
    /// More than once each is how an ensemble works, and no partition.
    private static func cover(_ ranges: [Range<UInt64>], _ items: Int) -> CheckStop? {
        var counts = [Int](repeating: 0, count: items)
        for range in ranges {
            guard range.upperBound <= UInt64(items) else {
                return .failed("of \(items) items it hands out number \(range.upperBound)")
            }
            for item in range { counts[Int(item)] += 1 }
        }
        guard let first = counts.first else { return nil }
        if let item = counts.firstIndex(where: { $0 != first }) {
            return .failed(
                "of \(items) items, number \(item) is handed out \(counts[item]) times and "
                    + "number 0 \(first) times; wanted each once")
        }
        guard first <= 1 else {
            return .skipped("each item goes to \(first) subtasks: it is no partition")
        }
        return nil
    }

    private static func mergeOrder(_ context: CheckContext) throws -> CheckOutcome {
        let orders = 50
        try each(context) { component, configuration in
            let first = try transcript(context, component, configuration)
            for order in 0..<UInt64(orders) {
                let other = try transcript(context, component, configuration) {
                    $0.shuffleSeed = context.seed &+ order
                }
                guard other.output == first.output else {
                    throw CheckStop.failed(
                        "the results in another order (number \(order)) give another output: "
                            + difference(first.output, other.output))
                }
            }
        }
        return .passed("\(orders) orders")
    }

    private static func difference(_ left: [UInt8], _ right: [UInt8]) -> String {
        let place = zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset
        return "\(left.count) and \(right.count) bytes, the first difference at byte "
            + "\(place ?? min(left.count, right.count))"
    }

    private static func deterministic(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { component, configuration in
            let first = try transcript(context, component, configuration) {
                $0.shuffleSeed = context.seed
            }
            for _ in 0..<3 {
                let again = try transcript(context, component, configuration) {
                    $0.shuffleSeed = context.seed
                }
                let pairs = zip(first.transcript, again.transcript)
                if let pair = pairs.first(where: { $0 != $1 }) {
                    throw CheckStop.failed(
                        "the same calls lead to other answers: \(pair.0.prefix(160)); "
                            + "then \(pair.1.prefix(160))")
                }
            }
        }
        return .passed()
    }

    private static func replay(_ context: CheckContext) throws -> CheckOutcome {
        var events = 0
        try each(context) { component, configuration in
            let whole = try transcript(context, component, configuration)
            let step = max(1, whole.transcript.count / 40)
            for place in stride(from: 1, to: whole.transcript.count, by: step) {
                let again = try transcript(context, component, configuration) {
                    $0.replayAfter = place
                }
                guard again.output == whole.output else {
                    throw CheckStop.failed(
                        "a crash after call \(place) changes the result: "
                            + difference(whole.output, again.output))
                }
                events += 1
            }
        }
        return .passed("\(events) crashes")
    }

    private static func failures(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        try each(context) { component, configuration in
            let subtasks = try transcript(context, component, configuration).subtasks.count
            for position in [0, 1, subtasks / 2, subtasks - 1] where position < subtasks {
                for retry in UInt32(0)...3 {
                    for attempts in [UInt32(1), 5] {
                        _ = try transcript(context, component, configuration) {
                            $0.failing = (max(0, position), retry, attempts)
                        }
                        count += 1
                    }
                }
            }
        }
        return .passed("\(count) failures")
    }
}
