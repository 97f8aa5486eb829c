import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold queues`: what runs share the workers by, and what each holds.
struct QueuesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues",
        abstract: "Lists the queues with what they hold.",
        discussion: """
            The share is the largest of the shares of all cores, memory and GPUs that the queue's runs \
            hold; over the weight, it decides who is next. `queues:` of the settings makes queues.
            """)

    @Argument(help: "Only this queue.")
    var queue: String?

    @Flag(help: "Go on showing it: drawn anew on a terminal, elsewhere a line for each change.")
    var watch = false

    @OptionGroup var client: ClientOptions

    func run() throws {
        let (queue, watch) = (queue, watch)
        try client.ask { session in
            let view = WatchView(
                session: session,
                look: {
                    guard let queue else { return try await session.client.ask(.GET, "/queues") }
                    let path = try queuePath(queue)
                    return ["queues": [try await session.client.ask(.GET, path)]]
                },
                table: QueueTables.list, rows: QueueTables.rows, isOver: { _ in false })
            if watch { return try await view.run() }
            session.show(try await view.look(), table: view.table) { answer in
                (answer["queues"]?.arrayValue ?? []).map { $0.shown("name") }
            }
        }
    }
}

/// The path of a queue; what cannot be a name is wrong usage.
private func queuePath(_ name: String) throws -> String {
    let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    guard let first = name.first, first.isASCII, first.isLetter, name.allSatisfy(letters.contains)
    else { throw ValidationError("wanted the name of a queue, found \"\(name)\"") }
    return "/queues/\(name)"
}

/// What is paused or goes on: runs, or a queue.
struct PauseOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("last, all, 7, 1-3 or 1,4-6.", valueName: "runs"))
    var selector: String?

    @Option(help: ArgumentHelp("A queue instead of runs.", valueName: "name"))
    var queue: String?

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard (selector == nil) != (queue == nil) else {
            throw ValidationError("wanted either runs or --queue, found both or neither")
        }
    }

    /// Has it done, and shows what came of it.
    func ask(_ verb: String) throws {
        let (selector, queue) = (selector, queue)
        try client.ask { session in
            if let queue {
                let answer = try await session.client.ask(
                    .POST, try queuePath(queue) + "/" + verb)
                return session.show(
                    ["queues": [answer]], table: QueueTables.list
                ) { ($0["queues"]?.arrayValue ?? []).map { $0.shown("name") } }
            }
            var changed: [JSON] = []
            for id in try await session.runs(selector ?? "") {
                changed.append(try await session.client.ask(.POST, "/runs/\(id)/\(verb)"))
            }
            session.show(["runs": .array(changed)], table: RunTables.list) { answer in
                (answer["runs"]?.arrayValue ?? []).map { $0.shown("id") }
            }
        }
    }
}

/// `fanfold pause`: nothing more is started.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Starts nothing more of runs, or of a queue; what runs runs on.")

    @OptionGroup var options: PauseOptions

    func run() throws { try options.ask("pause") }
}

/// `fanfold resume`: what was paused goes on.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lets paused runs, or a paused queue, go on.")

    @OptionGroup var options: PauseOptions

    func run() throws { try options.ask("resume") }
}

/// Queues, what all workers have together, and quarantines, for people.
enum QueueTables {
    static func list(_ answer: JSON) -> String {
        var table = TextTable([
            "queue", "weight", "quota", "used", "share", "borrowed", "waiting", "running", "runs",
            "paused",
        ])
        for queue in answer["queues"]?.arrayValue ?? [] {
            table.add([
                queue.shown("name"), queue.shown("weight"), quota(queue["quota"]),
                amounts(queue["used"]), percent(queue["share"]), amounts(queue["borrowed"]),
                queue.shown("waiting"), queue.shown("running"), queue.shown("runs"),
                paused(queue),
            ])
        }
        let limited = (answer["queues"]?.arrayValue ?? []).compactMap { queue -> String? in
            guard let users = queue["users"]?.arrayValue else { return nil }
            return "queue \(queue.shown("name")) is for "
                + (users.compactMap(\.stringValue) + ["admins"]).joined(separator: ", ")
        }
        return ([table.text] + limited).joined(separator: "\n")
    }

    /// A line for each queue, for `--watch` without a terminal.
    static func rows(_ answer: JSON) -> [WatchView.Row] {
        (answer["queues"]?.arrayValue ?? []).map { queue in
            WatchView.Row(
                key: queue.shown("name"),
                text: "queue \(queue.shown("name")): share \(percent(queue["share"])), "
                    + "\(queue.shown("running")) running, \(queue.shown("waiting")) waiting"
                    + (paused(queue) == "-" ? "" : ", paused")
            )
        }
    }

    private static func paused(_ queue: JSON) -> String {
        if queue["is_paused"]?.boolValue == true { return "queue" }
        let runs = queue["paused_runs"]?.integerValue ?? 0
        return runs == 0 ? "-" : "\(runs) of its runs"
    }

    private static func quota(_ quota: JSON?) -> String {
        let limits = amounts(quota, isShort: false)
        guard limits != "-" else { return "-" }
        guard quota?["may_borrow"]?.boolValue == true else { return limits }
        let most = quota?["most_borrowed"]
        return limits + ", may borrow" + (most == nil ? "" : " " + amounts(most, isShort: false))
    }

    /// `2 cores, 4 GiB, 1 GPU`: what is not 0.
    static func amounts(_ amounts: JSON?, isShort: Bool = true) -> String {
        var parts: [String] = []
        func add(_ member: String, _ text: (Int64) -> String) {
            guard let value = amounts?[member]?.integerValue, value > 0 || !isShort else { return }
            parts.append(text(value))
        }
        add("milli_cores") { Human.thousandths($0, "core") }
        add("memory_bytes") { Human.bytes($0) }
        add("milli_gpus") { Human.thousandths($0, "GPU") }
        return parts.isEmpty ? "-" : parts.joined(separator: ", ")
    }

    private static func percent(_ share: JSON?) -> String {
        guard let share = share?.doubleValue else { return "-" }
        return "\(Int((share * 100).rounded())) %"
    }

    static func pool(_ answer: JSON) -> String {
        let shares = answer["utilisation"]
        var table = TextTable(["", "all", "free", "used", "reserved"])
        let (total, free, used) = (answer["total"], answer["free"], answer["measured"])
        func add(_ name: String, _ member: String, _ share: String, _ text: (Int64) -> String) {
            func shown(_ amounts: JSON?) -> String {
                amounts?[member]?.integerValue.map(text) ?? "-"
            }
            table.add([name, shown(total), shown(free), shown(used), percent(shares?[share])])
        }
        add("cores", "milli_cores", "cpu") { Human.cores($0) }
        add("memory", "memory_bytes", "memory") { Human.bytes($0) }
        add("GPUs", "milli_gpus", "gpu") { Human.cores($0) }
        return "\(answer.shown("workers")) workers; \(percent(shares?["overall"])) reserved, of "
            + "which \(percent(shares?["efficiency"])) is used\n" + table.text
    }

    /// One line, for `--watch` without a terminal.
    static func poolRows(_ answer: JSON) -> [WatchView.Row] {
        let shares = answer["utilisation"]
        return [
            WatchView.Row(
                key: "pool",
                text:
                    "\(answer.shown("workers")) workers: \(percent(shares?["cpu"])) of the cores, "
                    + "\(percent(shares?["memory"])) of the memory and "
                    + "\(percent(shares?["gpu"])) of the GPUs reserved"
            )
        ]
    }

    /// Why a worker is in quarantine, if it is.
    static func quarantine(_ worker: JSON) -> String? {
        guard let quarantine = worker["quarantine"] else { return nil }
        let since = quarantine["since"]?.stringValue.map { " since \($0)" } ?? ""
        return "worker \(worker.shown("id")) is in quarantine\(since) until "
            + "\(quarantine.shown("until")): \(quarantine.shown("sentence")); "
            + "fanfold pardon \(worker.shown("id")) ends it"
    }
}
