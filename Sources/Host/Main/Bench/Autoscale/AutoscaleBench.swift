import FanfoldCore
import FanfoldRuntime

/// `fanfold bench autoscale`: replicas for series of requests, the production forecaster beside
/// simple rules and one that knows the next step.
struct AutoscaleBench {
    var series: [LoadSeries]

    /// The table of each series.
    func lines() -> [String] { series.flatMap { table($0) } }

    private func table(_ series: LoadSeries) -> [String] {
        let rules = AutoscaleProtocol(series)
        let methods = AutoscaleMethods(
            loads: rules.loads, season: series.season, stepsPerDay: series.stepsPerDay)
        var lines = [
            "\(series.name), \(series.loads.count) steps of \(series.stepSeconds) s; first half, then "
                + "second: requests in steps that are not in order, cost beside the least",
            row(
                "method",
                ["head-room", "first %", "cost", "second %", "steps %", "cost"]),
        ]
        let peak = AutoscaleProtocol.need(rules.loads[..<(rules.loads.count / 2)].max() ?? 1)
        lines.append(
            fixed("static, peak of first half", rules.loads.map { _ in peak }, rules))
        for (name, desired) in [
            ("clairvoyant", methods.clairvoyant),
            ("HPA at 70 %", methods.kubernetes(target: 0.7)),
            ("HPA at 50 %", methods.kubernetes(target: 0.5)),
        ] {
            lines.append(fixed(name, rules.replicas(desired: desired), rules))
        }
        for (name, forecasts) in [
            ("reactive: last value", methods.last),
            ("reactive: largest of five", methods.largestOfFive),
            ("seasonal", methods.seasonal), ("Holt", methods.holt),
        ] {
            lines.append(tuned(name, forecasts, rules))
        }
        let begin = monotonicNanoseconds()
        let bounds = methods.production()
        let time = Double(monotonicNanoseconds() - begin) / Double(rules.loads.count)
        lines.append(tuned("fanfold, as made", bounds.asMade, rules))
        lines.append(tuned("fanfold", bounds.replayed, rules))
        let acting = zip(bounds.replayed, rules.loads).map { max($0, $1) }
        lines.append(tuned("fanfold, max(it, reactive)", acting, rules))
        let parts = bounds.forecaster.methods.map { "\($0)" }.joined(separator: ", ")
        lines.append(
            "  \(Human.fixed(time / 1000, 1)) µs a step; at the end by: \(parts)")
        return lines
    }

    private func fixed(
        _ name: String, _ replicas: [Int], _ rules: AutoscaleProtocol
    ) -> String {
        row(name, ["-"] + cells(replicas, rules))
    }

    private func tuned(
        _ name: String, _ forecasts: [Double], _ rules: AutoscaleProtocol
    ) -> String {
        let chosen = rules.tuned(forecasts)
        return row(name, [Human.fixed(chosen.headroom, 2)] + cells(chosen.replicas, rules))
    }

    private func cells(_ replicas: [Int], _ rules: AutoscaleProtocol) -> [String] {
        let first = rules.score(replicas, rules.firstHalf)
        let second = rules.score(replicas, rules.secondHalf)
        return [first.requests, first.cost, second.requests, second.steps, second.cost].map {
            Human.fixed($0, 3)
        }
    }

    private func row(_ name: String, _ fields: [String]) -> String {
        let blanks = String(repeating: " ", count: max(1, 28 - name.count))
        return fields.reduce(into: name + blanks) { line, field in
            line += String(repeating: " ", count: max(1, 10 - field.count)) + field
        }
    }
}
