import CPluginABI
import FanfoldJSON

/// What a call costs when a task has very many subtasks.
enum BudgetChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "budget", level: .should, subject: .instance,
            summary: "With a million subtasks, no call takes more than 100 ms.",
            consequence: "A large task would hold up its workers while the strategy thinks.",
            timeout: 120, body: budget)
    ]

    /// Processor time of one call, at most.
    private static let limit = Duration.milliseconds(100)
    /// So many subtasks are handed out before calls count.
    private static let subtasks = 1_000_000
    /// Items of the task: enough for any size of a subtask.
    private static let items = 1 << 50
    /// So much of the machine's time the check takes at most to hand them out.
    private static let patience = Duration.seconds(20)
    /// Results and failures that are measured.
    private static let samples = 500

    private static func budget(_ context: CheckContext) throws -> CheckOutcome {
        var notes: [String] = []
        try InstanceChecks.each(context) { component, configuration in
            let probe = try StrategyProbe(context, component, configuration)
            let description = StrategyRun.description(
                items: items, seed: context.seed, workers: StrategyRun.twoWorkers, slots: 2)
            guard probe.begin(description) == 0 else {
                throw CheckStop.skipped("it does not take the task of this check: \(probe.message)")
            }
            probe.sink.isLight = true
            var worst = ("begin", probe.lastTime)
            func measure(_ call: String) throws {
                if probe.lastTime > worst.1 { worst = (call, probe.lastTime) }
                guard probe.lastTime <= limit else {
                    throw CheckStop.failed(
                        "with \(probe.sink.lightIDs.count) subtasks, \(call) takes "
                            + "\(probe.lastTime) of a processor; wanted at most \(limit)")
                }
            }
            try handOut(probe, measure)
            try sample(probe, context.seed, measure)
            notes.append(
                "\(probe.sink.lightIDs.count) subtasks; the longest call, \(worst.0), took "
                    + "\(worst.1)")
        }
        return .passed(notes.joined(separator: "; "))
    }

    private static func handOut(
        _ probe: StrategyProbe, _ measure: (String) throws -> Void
    ) throws {
        let start = ContinuousClock.now
        let facts = StrategyRun.facts(1_000_000, 1, worker: 0)
        var answered = 0
        while probe.sink.lightIDs.count < subtasks, ContinuousClock.now - start < patience {
            let before = probe.sink.lightIDs.count
            guard probe.split(1_000) == 0 else { return }
            try measure("split")
            if probe.state == UInt32(FAN_SPLIT_END) { return }
            if probe.state == UInt32(FAN_SPLIT_MORE), probe.sink.lightIDs.count > before {
                continue
            }
            // It waits for results.
            guard answered < probe.sink.lightIDs.count else { return }
            for id in probe.sink.lightIDs[answered...].prefix(64) {
                guard probe.result(id, [], facts) == 0 else { return }
                try measure("on_result")
                answered += 1
            }
        }
    }

    private static func sample(
        _ probe: StrategyProbe, _ seed: UInt64, _ measure: (String) throws -> Void
    ) throws {
        let facts = StrategyRun.facts(1_000_000, 1, worker: 1)
        var random = SeededGenerator(seed: seed)
        let ids = probe.sink.lightIDs
        guard !ids.isEmpty else { return }
        for _ in 0..<samples {
            let id = ids[Int(random.next() % UInt64(ids.count))]
            guard probe.result(id, [], facts) == 0 else { break }
            try measure("on_result")
        }
        _ = probe.capacity(["slots": 2, "workers": .array(StrategyRun.twoWorkers)])
        try measure("on_capacity")
        _ = probe.failure(ids[ids.count / 2], UInt32(FAN_RETRY_NEVER), 3)
        try measure("on_failure")
    }
}
