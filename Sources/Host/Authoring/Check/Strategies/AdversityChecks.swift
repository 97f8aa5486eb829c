import CPluginABI
import FanfoldJSON

/// What becomes of a task when subtasks fail and workers come and go.
enum AdversityChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "failure-paths", subject: .instance,
            summary: "Whatever fails, and however often, the task comes to an end.",
            consequence: "One failed subtask would hang the task for ever.", timeout: 120,
            body: failures),
        CheckCase(
            name: "capacity-swings", subject: .instance,
            summary: "With no worker, ten thousand, or ones that come and go, the task ends.",
            consequence: "A task would stand still when its workers go, or be lost when many come.",
            timeout: 120, body: swings),
        CheckCase(
            name: "graph-sane", subject: .instance,
            summary:
                "Ids are used once, what a subtask waits for is there, replacements hold the same items.",
            consequence: "Subtasks would wait for ever, or do the work of others again.",
            timeout: 60, body: graph),
        CheckCase(
            name: "granularity-learns", level: .style, subject: .instance,
            summary: "Subtasks come to run as long as the configuration wants them to.",
            consequence: "Subtasks would be far too short or too long for the cost of an item.",
            timeout: 60, body: granularity),
    ]

    /// Places in a task at which a subtask fails, at most.
    private static let maximumPlaces = 12

    private static func failures(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        try InstanceChecks.each(context) { component, configuration in
            let items = try StrategySize.items(context, component, configuration)
            func run(_ failure: StrategyRun.Failure?, _ order: UInt64?) throws -> Int {
                var plan = StrategyRun.Plan(items: items)
                plan.failure = failure
                plan.shuffle = order
                count += 1
                return try StrategyRun(context, component, configuration, plan).run()
                    .subtasks.count
            }
            let subtasks = try run(nil, nil)
            let step = max(1, subtasks / maximumPlaces)
            let places = Set(stride(from: 0, to: subtasks, by: step) + [subtasks - 1])
            for place in places.sorted() where place >= 0 {
                for retry in UInt32(0)...3 {
                    for attempts in UInt32(1)...5 {
                        _ = try run(.init(place: place, retry: retry, attempts: attempts), nil)
                    }
                    var lasting = StrategyRun.Failure(place: place, retry: retry, attempts: 1)
                    lasting.isLasting = true
                    _ = try run(lasting, context.seed)
                }
                // A retry class of a later contract counts as NEVER.
                _ = try run(.init(place: place, retry: 77, attempts: 1), nil)
            }
        }
        return .passed("\(count) runs")
    }

    private static func swings(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        try InstanceChecks.each(context) { component, configuration in
            let items = try StrategySize.items(context, component, configuration)
            for (workers, capacity) in capacities(context.seed) {
                var plan = StrategyRun.Plan(items: items)
                plan.workers = StrategyRun.workers(workers)
                plan.capacity = capacity
                plan.shuffle = context.seed
                plan.mustBegin = true
                let run = try StrategyRun(context, component, configuration, plan)
                let record = try run.run()
                if record.isFailed { throw CheckStop.failed("the task fails, and no subtask did") }
                for subtask in record.subtasks
                where subtask.slices.contains(where: { $0.size == 0 }) {
                    throw CheckStop.failed(
                        "with \(workers) workers at first, the subtask \(subtask.id) has no items")
                }
                count += 1
            }
        }
        return .passed("\(count) runs")
    }

    /// Workers at first, and what is told before each call.
    private static func capacities(_ seed: UInt64) -> [(Int, (Int) -> JSON?)] {
        func news(_ workers: Int) -> JSON {
            [
                "slots": .integer(Int64(workers)),
                "workers": .array(StrategyRun.workers(workers)),
            ]
        }
        let (none, one, two, crowd) = (news(0), news(1), news(2), news(10_000))
        let flapping = [none, one, crowd, two]
        let poor: JSON = ["slots": 1, "workers": [], "deadline": nil, "budget": 0]
        func told(_ document: JSON, _ when: @escaping (Int) -> Bool) -> (Int) -> JSON? {
            { call in call > 0 && when(call) ? document : Optional.none }
        }
        let never = told(none) { _ in false }
        return [
            (0, never), (1, never), (10_000, never),
            (0, told(none) { $0 % 4 == 2 }), (2, told(none) { $0 % 3 == 2 }),
            (2, told(crowd) { $0 % 5 == 3 }), (2, told(poor) { $0 == 3 }),
            (
                1,
                { call in
                    call > 0 && call % 2 == 0 ? flapping[call / 2 % 4] : Optional.none
                }
            ),
        ]
    }

    private static func graph(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        var replaced = 0
        try InstanceChecks.each(context) { component, configuration in
            let size = try StrategySize.items(context, component, configuration)
            for items in [0, 1, 2, 101, size] {
                for (order, resplits) in [(UInt64?.none, false), (context.seed, false), (7, true)] {
                    var plan = StrategyRun.Plan(items: items)
                    plan.shuffle = order
                    plan.window = 16
                    plan.resplits = resplits
                    let run = try StrategyRun(context, component, configuration, plan)
                    if resplits && !run.canResplit { continue }
                    let record = try run.run()
                    try GraphRules.judge(record, items: items)
                    count += record.subtasks.count
                    replaced += resplits ? record.dropped.count : 0
                }
            }
        }
        return .passed("\(count) subtasks, \(replaced) of them replaced")
    }

    /// What a schema names: the key of its configuration that holds how long a subtask should run,
    /// in nanoseconds.
    private static let target = "x-fanfold-target-ns"
    /// How far from it a subtask may be once it has learned.
    private static let factor = 2.0
    /// Rounds in which it learns.
    private static let rounds = 5

    /// With a cost that grows with the items, subtasks come to last as long as they should.
    private static func granularity(_ context: CheckContext) throws -> CheckOutcome {
        var notes: [String] = []
        try InstanceChecks.each(context) { component, configuration in
            guard let key = component.descriptor.configSchema?[target]?.stringValue,
                let wanted = configuration[key]?.doubleValue, wanted > 0
            else {
                throw CheckStop.skipped("its schema names no \"\(target)\"")
            }
            for share in [0.000_01, 0.01] {
                let cost = wanted * share
                var plan = StrategyRun.Plan(items: Int(100 / share))
                plan.cost = { Int64(Double($0) * cost) }
                let run = try StrategyRun(context, component, configuration, plan)
                let sizes = try run.run().subtasks.map { subtask in
                    Double(subtask.slices.reduce(0) { $0 + $1.size }) * cost
                }
                // The last ones hold what is left.
                let learned = sizes.dropFirst(rounds * plan.workers.count).dropLast(4)
                guard !learned.isEmpty else { continue }
                let middle = learned.sorted()[learned.count / 2]
                guard middle >= wanted / factor, middle <= wanted * factor else {
                    throw CheckStop.failed(
                        "after \(rounds) rounds a subtask runs \(Int64(middle / 1_000)) us; "
                            + "\"\(key)\" wants \(Int64(wanted / 1_000)), and twice or half of it "
                            + "would do")
                }
                notes.append("\(Int64(middle / 1_000)) of \(Int64(wanted / 1_000)) us")
            }
        }
        return .passed(notes.joined(separator: ", "))
    }
}
