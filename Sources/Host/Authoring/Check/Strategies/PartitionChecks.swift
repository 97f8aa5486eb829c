import CFanfoldSystem
import CPluginABI
import FanfoldJSON

/// Every item of an input is handed out, once, however many there are.
enum PartitionChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "partition-complete", subject: .instance,
            summary: "Every item is in as many subtasks as every other: once, also of 2^31 + 1.",
            consequence: "Rows of the input would be missing from the result, or be in it twice.",
            timeout: 120, body: partition)
    ]

    /// What a schema says of a strategy whose subtasks divide the items among them.
    private static let keyword = "x-fanfold-covers"
    /// Far too many items to hold.
    private static let many = (1 << 31) + 1
    /// Subtasks of such an input that are looked at, at most.
    private static let maximumSubtasks = 100_000
    /// What they may cost: so much each, and so much in all, in bytes.
    private static let bytesPerSubtask = 512
    private static let bytesInAll = 64 << 20

    private static func partition(_ context: CheckContext) throws -> CheckOutcome {
        var note = ""
        try InstanceChecks.each(context) { component, configuration in
            let mustDivide =
                component.descriptor.configSchema?[keyword]?.stringValue == "partition"
            for items in [0, 1, 2, 3, 5, 7, 11, 101, 1_009, 10_007] {
                let run = try StrategyRun(
                    context, component, configuration, .init(items: items))
                let record = try run.run()
                let slices = record.subtasks.filter { !record.dropped.contains($0.id) }
                    .flatMap(\.slices)
                if slices.isEmpty && items > 0 && !mustDivide {
                    throw CheckStop.skipped("its subtasks carry no items of an input")
                }
                try cover(slices, items, mustDivide)
            }
            note = try large(context, component, configuration)
        }
        return .passed(note)
    }

    /// Whether every item is in as many slices as every other.
    ///
    /// More than once each is how an ensemble works, and no partition.
    private static func cover(
        _ slices: [RecordedPart], _ items: Int, _ mustDivide: Bool
    ) throws {
        var changes: [UInt64: Int] = [:]
        for slice in slices where slice.handle == 0 && slice.size > 0 {
            guard slice.size <= UInt64(items), slice.offset <= UInt64(items) - slice.size else {
                throw CheckStop.failed(
                    "of \(items) items it hands out \(slice.size) from number \(slice.offset)")
            }
            changes[slice.offset, default: 0] += 1
            changes[slice.offset + slice.size, default: 0] -= 1
        }
        let first = changes[0] ?? 0
        var depth = first
        var place: UInt64 = 0
        for (next, change) in changes.sorted(by: { $0.key < $1.key }) where next > 0 {
            guard depth == first else {
                throw CheckStop.failed(
                    "of \(items) items, those from \(place) to \(next) are handed out \(depth) "
                        + "times and number 0 \(first) times; wanted each once")
            }
            depth += change
            place = next
        }
        guard place == UInt64(items), items == 0 || first > 0 else {
            throw CheckStop.failed("of \(items) items, those from \(place) on are left out")
        }
        guard first <= 1 else {
            throw mustDivide
                ? CheckStop.failed("each item goes to \(first) subtasks, wanted one")
                : CheckStop.skipped("each item goes to \(first) subtasks: it is no partition")
        }
    }

    /// Split must go on handing out the next ones, and remember none of them.
    private static func large(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws -> String {
        let probe = try StrategyProbe(context, component, configuration)
        let before = Int(fanfold_allocated_bytes())
        let description = StrategyRun.description(
            items: many, seed: context.seed, workers: StrategyRun.twoWorkers, slots: 2)
        guard probe.begin(description) == 0 else {
            throw CheckStop.failed("it does not take a task of \(many) items: \(probe.message)")
        }
        var place: UInt64 = 0
        var subtasks = 0
        var memory = 0
        let facts = StrategyRun.facts(1_000_000, 1, worker: 0)
        while subtasks < maximumSubtasks {
            guard probe.split(256) == 0 else {
                throw CheckStop.failed("split of \(many) items fails: \(probe.message)")
            }
            memory = max(memory, Int(fanfold_allocated_bytes()) - before)
            let (state, put) = (probe.state, probe.sink.subtasks)
            for range in GraphRules.merged(put.flatMap(\.slices)) {
                guard range.lowerBound == place, range.upperBound <= UInt64(many) else {
                    throw CheckStop.failed(
                        "of \(many) items, it hands out those from \(range.lowerBound) to "
                            + "\(range.upperBound) after those up to \(place)")
                }
                place = range.upperBound
            }
            subtasks += put.count
            if state == UInt32(FAN_SPLIT_END) { break }
            if put.isEmpty && state == UInt32(FAN_SPLIT_WAIT) {
                throw CheckStop.failed("of \(many) items, it hands out only \(place)")
            }
            for subtask in put where probe.result(subtask.id, [], facts) != 0 {
                return "the first \(place) of \(many) items"
            }
        }
        guard memory <= bytesInAll + subtasks * bytesPerSubtask else {
            throw CheckStop.failed(
                "for \(many) items in \(subtasks) subtasks it keeps \(memory >> 20) MiB; wanted a "
                    + "memory that does not grow with the items")
        }
        guard place == UInt64(many) || subtasks >= maximumSubtasks else {
            throw CheckStop.failed("of \(many) items, those from \(place) on are left out")
        }
        return "the first \(place) of \(many) items in \(subtasks) subtasks"
    }
}
