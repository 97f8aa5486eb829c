import FanfoldPrediction
import FanfoldRuntime
import Glibc

/// `fanfold bench prediction`: the published protocols with the production predictor, baselines
/// beside.
struct SizingBench {
    var trace: [SizingTask]
    var timeToFailure: Double
    var decide: SizingProtocol.Decision

    /// The rows of the table for tasks in the order of time.
    func timeline() -> [String] {
        table("timeline, decided at \(decide), time to failure \(timeToFailure)") { make in
            make.timeline(trace, decide: decide, timeToFailure: timeToFailure)
        }
    }

    /// The rows of the table for a random 30 % of history; the mean of the seeds.
    func paper(seeds: [UInt32]) -> [String] {
        let names = seeds.map { "\($0)" }.joined(separator: ", ")
        return table("paper, time to failure \(timeToFailure), seeds \(names)") { make in
            var sums: [String: SizingCost] = [:]
            for seed in seeds {
                sums.merge(
                    make.paper(trace, seed: seed, timeToFailure: timeToFailure), uniquingKeysWith: +
                )
            }
            return sums.mapValues { $0.divided(by: seeds.count) }
        }
    }

    /// What a prediction and an update take, over the tasks of the trace.
    func times() -> [String] {
        var predictor = Predictor()
        var predicting: UInt64 = 0
        var slowest: UInt64 = 0
        var updating: UInt64 = 0
        var slowestUpdate: UInt64 = 0
        var sum = 0.0
        for task in trace where task.runtime > 0 {
            let features = Features(numbers: [Features.inputBytes: task.inputBytes])
            let defaults = Quantities(memory: task.request)
            let begin = monotonicNanoseconds()
            for _ in 0..<10 {
                sum +=
                    predictor.predict(.memory, of: task.process, features, defaults: defaults)?
                    .value ?? 0
            }
            let middle = monotonicNanoseconds()
            predictor.observe(
                HistoryRow(
                    taskClass: task.process, features: features, requested: defaults,
                    used: Quantities(runtime: task.runtime / 1000, memory: task.peak)))
            let end = monotonicNanoseconds()
            predicting += middle - begin
            slowest = max(slowest, (middle - begin) / 10)
            updating += end - middle
            slowestUpdate = max(slowestUpdate, end - middle)
        }
        precondition(sum.isFinite, "estimates are numbers")
        let count = UInt64(max(1, trace.count))
        return [
            "a prediction: \(microseconds(predicting / count / 10)) µs, at most "
                + "\(microseconds(slowest)); an update of memory and runtime: "
                + "\(microseconds(updating / count)) µs, at most \(microseconds(slowestUpdate))"
        ]
    }

    private func microseconds(_ nanoseconds: UInt64) -> String {
        Human.fixed(Double(nanoseconds) / 1000, 1)
    }

    private func table(
        _ title: String, _ measure: (any SizingMaking) -> [String: SizingCost]
    ) -> [String] {
        let workflows = trace.reduce(into: [String]()) {
            if !$0.contains($1.workflow) { $0.append($1.workflow) }
        }
        let presets = measure(Making { _ in PresetSizing() })
        var lines = [
            title + "; waste in GBh",
            row(
                ["method"] + workflows
                    + ["TOTAL", "waste/presets", "fails", "fail-tasks%", "MAQ%"]),
        ]
        for (name, make) in Self.methods {
            let costs = measure(make)
            let all = workflows.map { costs[$0] ?? SizingCost() }
            let total = all.reduce(SizingCost(), +)
            let ratios = workflows.map { (costs[$0]?.waste ?? 0) / (presets[$0]?.waste ?? 1) }
            let mean = exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count))
            lines.append(
                row(
                    [name] + all.map { Human.fixed($0.waste, 1) } + [
                        Human.fixed(total.waste, 1), Human.fixed(mean, 3),
                        Human.fixed(total.failures, 0),
                        Human.fixed(100 * total.failedTasks / max(1, total.tasks), 2),
                        Human.fixed(100 * total.usage / (total.usage + total.waste), 1),
                    ]))
        }
        return lines
    }

    private func row(_ fields: [String]) -> String {
        fields.enumerated().map { index, field in
            let blanks = String(repeating: " ", count: max(1, 14 - field.count))
            return index == 0 ? field + blanks : blanks + field
        }.joined()
    }

    private static let methods: [(String, any SizingMaking)] = [
        ("presets", Making { _ in PresetSizing() }),
        ("oracle", Making { _ in OracleSizing() }),
        ("max-seen", Making { _ in LargestSizing() }),
        ("witt-pct95", Making { _ in PercentileSizing() }),
        ("witt-lr-std", Making { LineSizing(begin: $0) }),
        ("fanfold", Making { _ in FanfoldSizing() }),
    ]
}

/// Makes a method for each task class and runs a protocol with it.
private protocol SizingMaking: Sendable {
    func timeline(
        _ trace: [SizingTask], decide: SizingProtocol.Decision, timeToFailure: Double
    ) -> [String: SizingCost]
    func paper(
        _ trace: [SizingTask], seed: UInt32, timeToFailure: Double
    ) -> [String: SizingCost]
}

private struct Making<Method: SizingMethod>: SizingMaking {
    var make: @Sendable (_ begin: Int) -> Method

    init(_ make: @escaping @Sendable (_ begin: Int) -> Method) { self.make = make }

    func timeline(
        _ trace: [SizingTask], decide: SizingProtocol.Decision, timeToFailure: Double
    ) -> [String: SizingCost] {
        SizingProtocol.timeline(
            trace, decide: decide, timeToFailure: timeToFailure, method: make)
    }

    func paper(
        _ trace: [SizingTask], seed: UInt32, timeToFailure: Double
    ) -> [String: SizingCost] {
        SizingProtocol.paper(trace, seed: seed, timeToFailure: timeToFailure, method: make)
    }
}
