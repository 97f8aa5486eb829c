import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold scale`: the workers that the coordinator rents.
struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Shows the pools of rented workers, or what would be decided about them now.",
        discussion: "See docs/scaling.md.")

    @Flag(help: "What would be decided now, from what, and instead of what; nothing is done.")
    var dryRun = false

    @OptionGroup var client: ClientOptions

    func run() throws {
        let dryRun = dryRun
        try client.ask { session in
            let answer = try await session.client.ask(
                .GET, dryRun ? "/scaling/plan" : "/scaling")
            session.show(
                answer, table: dryRun ? ScaleTables.plan : ScaleTables.state,
                quiet: { answer in
                    let (list, key) = dryRun ? ("decisions", "what") : ("workers", "name")
                    return (answer[list]?.arrayValue ?? []).map { $0.shown(key) }
                })
        }
    }
}

/// `fanfold cost`: what rented workers cost.
struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "Says what rented workers have cost, cost now, and when the budget ends.")

    @OptionGroup var client: ClientOptions

    func run() throws {
        try client.ask { session in
            session.show(
                try await session.client.ask(.GET, "/cost"), table: ScaleTables.cost,
                quiet: { [$0["spent"]?.doubleValue.map { Human.fixed($0, 4) } ?? "-"] })
        }
    }
}

/// What the API says of scaling, for people.
enum ScaleTables {
    static func state(_ answer: JSON) -> String {
        var table = TextTable([
            "pool", "provider", "workers", "starting", "leaving", "min", "max", "busy",
            "per hour", "next",
        ])
        var problems: [String] = []
        for pool in answer["pools"]?.arrayValue ?? [] {
            let busy = Int(((pool["utilisation"]?.doubleValue ?? 0) * 100).rounded())
            var next: [String] = []
            if let up = pool["grows_after"]?.stringValue { next.append("grows after \(up)") }
            if let down = pool["shrinks_after"]?.stringValue {
                next.append("shrinks after \(down)")
            }
            table.add([
                pool.shown("name"), pool.shown("provider"), pool.shown("workers"),
                pool.shown("starting"), pool.shown("leaving"), pool.shown("min"),
                pool.shown("max"), "\(busy) %", number(pool["per_hour"]),
                next.joined(separator: ", "),
            ])
            if let problem = pool["problem"]?.stringValue {
                problems.append("pool \(pool.shown("name")): " + PlainText.line(problem))
            }
        }
        var workers = TextTable(["worker", "pool", "offering", "is", "since", "per hour"])
        let all = answer["workers"]?.arrayValue ?? []
        for worker in all {
            workers.add([
                PlainText.line(worker.shown("name")), worker.shown("pool"),
                PlainText.line(worker.shown("offering")), worker.shown("phase"),
                worker.shown("since"), number(worker["per_hour"]),
            ])
        }
        let mode = answer.shown("mode")
        return
            ([table.text] + (all.isEmpty ? [] : [workers.text])
            + runs(answer)
            + (mode == "act" ? [] : ["mode \(mode): nothing of what is decided is done"])
            + problems).joined(separator: "\n")
    }

    static func plan(_ answer: JSON) -> String {
        var lines: [String] = []
        for demand in answer["demand"]?.arrayValue ?? [] {
            let gpus = demand["gpus"]?.integerValue ?? 0
            var line =
                "wanted: \(demand.shown("count")) with \(cores(demand["cpus"])), "
                + Human.bytes(demand["memory_bytes"]?.integerValue ?? 0)
            if gpus > 0 { line += ", " + Human.count(Int(clamping: gpus), "GPU") }
            if let seconds = demand["seconds"]?.doubleValue {
                line += ", \(Human.fixed(seconds, 1)) s each"
            }
            if let task = demand["expected"] {
                line +=
                    "; expected in \(Human.fixed(task["ready_s"]?.doubleValue ?? 0, 0)) s, of task "
                    + "\(PlainText.line(task.shown("task"))) of run \(task.shown("run"))"
            }
            lines.append(line)
        }
        if lines.isEmpty { lines.append("nothing waits for workers") }
        let decisions = answer["decisions"]?.arrayValue ?? []
        if decisions.isEmpty { lines.append("nothing would be done") }
        return (lines + runs(answer) + decisions.flatMap(decision)).joined(separator: "\n")
    }

    /// How runs with a deadline are served.
    private static func runs(_ answer: JSON) -> [String] {
        (answer["runs"]?.arrayValue ?? []).map {
            "run \($0.shown("run")), \($0.shown("served_by")): " + PlainText.line($0.shown("why"))
        }
    }

    static func decisions(_ answer: JSON) -> String {
        let decisions = answer["decisions"]?.arrayValue ?? []
        guard !decisions.isEmpty else { return "nothing has been decided yet" }
        return decisions.flatMap(decision).joined(separator: "\n")
    }

    private static func decision(_ json: JSON) -> [String] {
        let inputs = json["inputs"]
        let pool = json["pool"]?.stringValue ?? ""
        let busy = Int(((inputs?["utilisation"]?.doubleValue ?? 0) * 100).rounded())
        var lines = [
            "\(json.shown("at"))  \(pool.isEmpty ? "no pool" : "pool \(pool)"): "
                + PlainText.line(json.shown("what")),
            "  because " + PlainText.line(json.shown("why")),
            "  workers \(inputs?.shown("workers") ?? "-"), starting "
                + "\(inputs?.shown("starting") ?? "-"), leaving \(inputs?.shown("leaving") ?? "-")"
                + ", busy \(busy) %, slots without room \(inputs?.shown("unmet_slots") ?? "-")"
                + ", \(number(inputs?["per_hour"])) an hour, spent \(number(inputs?["spent"]))",
        ]
        for other in json["alternatives"]?.arrayValue ?? [] {
            lines.append(
                "  not \(PlainText.line(other.shown("name"))) (\(number(other["cost"]))): "
                    + PlainText.line(other.shown("why_not")))
        }
        return lines
    }

    static func cost(_ answer: JSON) -> String {
        let currency = answer.shown("currency")
        var lines = [
            "spent     \(number(answer["spent"])) \(currency)",
            "now       \(number(answer["per_hour"])) \(currency) an hour, "
                + "\(number(answer["next_day"])) \(currency) a day at this rate",
        ]
        for other in answer["spent_before"]?.arrayValue ?? [] {
            lines.append(
                "before    \(number(other["spent"])) \(other.shown("currency")), which the budget does "
                    + "not count")
        }
        if let hourly = answer["hourly_budget"] {
            lines.append("budget    \(number(hourly)) \(currency) an hour")
        }
        if let total = answer["total_budget"] {
            var line =
                "budget    \(number(total)) \(currency) in all, \(number(answer["left"])) left"
            if let ends = answer["ends"]?.stringValue {
                line += "; used up at \(ends) at this rate"
            }
            lines.append(line)
        }
        var table = TextTable(["pool", "workers", "per hour"])
        for pool in answer["pools"]?.arrayValue ?? [] {
            table.add([pool.shown("name"), pool.shown("workers"), number(pool["per_hour"])])
        }
        return (lines + [table.text]).joined(separator: "\n")
    }

    private static func number(_ value: JSON?) -> String {
        guard let value = value?.doubleValue else { return "-" }
        return value == value.rounded() && abs(value) < 1e9
            ? "\(Int(value))" : Human.fixed(value, 4)
    }

    private static func cores(_ value: JSON?) -> String {
        "\(number(value)) core\(value?.doubleValue == 1 ? "" : "s")"
    }
}
