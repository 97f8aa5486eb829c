import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Group J: the same plugin in a process of its own, which may end at any moment.
enum IsolationChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "same-inside-and-out", subject: .instance,
            summary: "It answers the same in the host's process and in a helper.",
            consequence: "A pipeline would give another result once its plugin is isolated.",
            timeout: 120, body: same),
        CheckCase(
            name: "kill-anywhere", subject: .instance,
            summary:
                "Its helper may be killed at any moment: strategies go on the same, calls end once.",
            consequence: "A crash of the plugin would change or hang the run that it is part of.",
            timeout: 120, body: kill),
        CheckCase(
            name: "hang-anywhere", subject: .instance,
            summary: "Its helper may hang at any moment: it is ended, and the work goes on.",
            consequence: "A plugin that hangs would hold up its run, and leave no stack behind.",
            timeout: 120, body: hang),
        CheckCase(
            name: "upgrade-side-by-side", subject: .instance,
            summary: "Another version of it may work in the same process, call by call.",
            consequence: "After an update, runs that began with the old version would go wrong.",
            timeout: 60, body: SideBySide.check),
    ]

    /// Lives of each strategy and configuration that are compared.
    private static let lives: UInt64 = 3
    /// Lives after which no further configuration is looked at.
    private static let maximumLives = 8
    /// How often the helper of one component is killed.
    private static let kills = 8
    /// How often the helper of one component is stopped: each takes a quarter of a second.
    private static let hangs = 2

    private static func same(_ context: CheckContext) throws -> CheckOutcome {
        let rig = try HelperRig(context)
        var count = 0
        var refusal: CheckStop?
        for subject in try LifeSubject.all(context, everyConfiguration: true) {
            do {
                count += try same(subject, rig)
            } catch let stop as CheckStop where stop.outcome.status == .skipped {
                // Another configuration may take the made-up task.
                refusal = stop
            }
            if count >= maximumLives { break }
        }
        if count == 0, let refusal { throw refusal }
        return .passed("\(count) lives")
    }

    private static func same(_ subject: LifeSubject, _ rig: HelperRig) throws -> Int {
        let items = subject.isStrategy ? try subject.items() : 0
        let number = subject.isStrategy ? lives : 1
        for number in 0..<number {
            let seed = rig.context.seed &+ number
            CheckTrace.phase("in a life in this process")
            let here = try subject.transcript(in: rig.inside, seed: seed, items: items)
            CheckTrace.phase("in a life in a helper")
            let there = try subject.transcript(in: rig.outside, seed: seed, items: items)
            if let difference = LifeSubject.difference(here, there) {
                throw CheckStop.failed(
                    "\(subject.component.descriptor.id) answers differently in a helper, which has "
                        + "another environment and may not read or write files: \(difference)")
            }
        }
        return Int(number)
    }

    private static func kill(_ context: CheckContext) throws -> CheckOutcome {
        let count = try disturb(
            context, Disturbance(signals: [SIGKILL, SIGSEGV], count: kills))
        return .passed("killed \(count) times")
    }

    private static func hang(_ context: CheckContext) throws -> CheckOutcome {
        let count = try disturb(context, Disturbance(signals: [SIGSTOP], count: hangs))
        return .passed("stopped \(count) times")
    }

    private static func disturb(
        _ context: CheckContext, _ disturbance: Disturbance
    ) throws -> Int {
        let rig = try HelperRig(context)
        var count = 0
        for subject in try LifeSubject.all(context) {
            count +=
                subject.isStrategy
                ? try disturbance.strategy(subject, rig) : try disturbance.calls(subject, rig)
        }
        return count
    }
}
