import CPluginABI
import FanfoldJSON

/// The same events lead to the same answers: in another order, in another process, after a crash.
enum ReplayChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "merge-order-free", subject: .instance,
            summary: "Results in a hundred orders give the same output.",
            consequence: "The same pipeline would give another result on a busy machine.",
            timeout: 120, body: mergeOrder),
        CheckCase(
            name: "deterministic", subject: .instance,
            summary: "The same calls lead to the same answers, also in a second process.",
            consequence: "A run could not be repeated, nor taken up again after a crash.",
            timeout: 60, body: deterministic),
        CheckCase(
            name: "replay", subject: .instance,
            summary:
                "After a crash at any call, a new instance that is told the calls again goes on the same.",
            consequence: "After a crash of the coordinator the task would go wrong.",
            timeout: 120, body: replay),
    ]

    /// Not a check: what `deterministic` asks a second process.
    static let question = CheckCase(
        name: "strategy-fingerprint", subject: .instance, consequence: "",
        body: { .passed(try fingerprint($0)) })

    /// How many random orders of results are tried.
    private static let orders = 100
    /// Calls of a run after each of which a crash is tried; more are sampled.
    private static let maximumCrashes = 300
    /// How far numbers of two outputs may be apart, as a share, if the schema says so.
    private static let tolerance = "x-fanfold-tolerance"

    private static func mergeOrder(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let items = try StrategySize.items(context, component, configuration)
            let first = try run(context, component, configuration, .init(items: items))
            for order in 0..<UInt64(orders) {
                var plan = StrategyRun.Plan(items: items)
                plan.shuffle = context.seed &+ order
                plan.window = [4, 16, 256][Int(order % 3)]
                let other = try run(context, component, configuration, plan)
                guard isSame(first.output, other.output, component) else {
                    throw CheckStop.failed(
                        "the results in another order (number \(order)) give another output: "
                            + difference(first.output, other.output))
                }
            }
        }
        return .passed("\(orders) orders")
    }

    private static func run(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        _ plan: StrategyRun.Plan
    ) throws -> StrategyRun.Record {
        try StrategyRun(context, component, configuration, plan).run()
    }

    private static func isSame(
        _ left: [UInt8], _ right: [UInt8], _ component: CheckedComponent
    ) -> Bool {
        if left == right { return true }
        guard let share = component.descriptor.configSchema?[tolerance]?.doubleValue else {
            return false
        }
        let (left, right) = (words(left), words(right))
        return left.count == right.count
            && zip(left, right).allSatisfy { left, right in
                if left == right { return true }
                guard let one = Double(left), let two = Double(right) else { return false }
                return abs(one - two) <= share * max(abs(one), abs(two))
            }
    }

    private static func words(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split { " ,\n\t[]{}:".contains($0) }
    }

    static func difference(_ left: [UInt8], _ right: [UInt8]) -> String {
        let place = zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset
        return "\(left.count) and \(right.count) bytes, the first difference at byte "
            + "\(place ?? min(left.count, right.count))"
    }

    private static func deterministic(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let plan = try eventful(context, component, configuration)
            let first = try run(context, component, configuration, plan)
            for _ in 0..<3 {
                let again = try run(context, component, configuration, plan)
                let pairs = zip(first.transcript, again.transcript)
                if let pair = pairs.first(where: { $0 != $1 }) {
                    throw CheckStop.failed(
                        "the same calls lead to other answers: \(pair.0.prefix(160)); "
                            + "then \(pair.1.prefix(160))")
                }
            }
        }
        let here = try fingerprint(context)
        let there = CheckRunner(path: context.path, seed: context.seed).run(question)
        guard there.status == .passed else {
            throw CheckStop.failed("in a second process: \(there.message)")
        }
        guard there.message == here else {
            throw CheckStop.failed(
                "the same calls lead to other answers in a second process: something depends on "
                    + "addresses, on the environment or on a random hash")
        }
        return .passed("4 times here and once in a second process")
    }

    /// A hash of all that the strategies answer.
    private static func fingerprint(_ context: CheckContext) throws -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        try InstanceChecks.each(context) { component, configuration in
            let plan = try eventful(context, component, configuration)
            for line in try run(context, component, configuration, plan).transcript {
                // FNV-1a, by Fowler, Noll and Vo.
                for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            }
        }
        return String(hash, radix: 16)
    }

    /// A run in which workers come and go and a subtask fails.
    private static func eventful(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws -> StrategyRun.Plan {
        var plan = StrategyRun.Plan(
            items: try StrategySize.items(context, component, configuration))
        plan.shuffle = context.seed
        plan.capacity = { call in
            call % 7 == 5
                ? ["slots": 3, "workers": .array(StrategyRun.workers(3))] : Optional.none
        }
        return plan
    }

    private static func replay(_ context: CheckContext) throws -> CheckOutcome {
        var events = 0
        var all = 0
        try InstanceChecks.each(context) { component, configuration in
            let plan = try eventful(context, component, configuration)
            let whole = try run(context, component, configuration, plan)
            all = whole.transcript.count - 1
            let step = max(1, all / maximumCrashes)
            for place in stride(from: 1, to: whole.transcript.count, by: step) {
                var crashed = plan
                crashed.crashAt = place
                let again = try run(context, component, configuration, crashed)
                guard again.output == whole.output else {
                    throw CheckStop.failed(
                        "a crash after call \(place) changes the result: "
                            + difference(whole.output, again.output))
                }
                events += 1
            }
        }
        return .passed("a crash after each of \(events) of \(all) calls")
    }
}

/// How large a made-up task must be.
enum StrategySize {
    /// Enough items for several subtasks, since the order of one result says nothing.
    static func items(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws -> Int {
        var items = 101
        while items < 10_000 {
            let run = try StrategyRun(context, component, configuration, .init(items: items))
            if try run.run().subtasks.count >= 5 { break }
            items = items * 10 - 1
        }
        return items
    }
}
