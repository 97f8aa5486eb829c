import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold get`: lists of runs and workers, what the workers have together, or one run.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Lists runs or workers, or shows runs.")

    @Argument(
        help:
            "runs, workers, pool (what all workers have together), or runs by last, all, 7, 1-3 or 1,4-6."
    )
    var what = "runs"

    @Option(help: "Only runs in this state: pending, running, completed, failed or cancelled.")
    var status: String?

    @Option(help: "At most this many runs.")
    var limit = 50

    @Flag(help: "Go on showing it: drawn anew on a terminal, elsewhere a line for each change.")
    var watch = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard limit >= 1 else {
            throw ValidationError("--limit: wanted at least 1, found \(limit)")
        }
        let states = ["pending", "running", "completed", "failed", "cancelled"]
        if let status, !states.contains(status) {
            throw ValidationError(
                "--status: wanted \(states.joined(separator: ", ")), found \"\(status)\"")
        }
    }

    func run() throws {
        let (what, status, limit, watch) = (what, status, limit, watch)
        try client.ask { session in
            if what == "pool" {
                let view = WatchView(
                    session: session, look: { try await session.client.ask(.GET, "/resources") },
                    table: QueueTables.pool, rows: QueueTables.poolRows, isOver: { _ in false })
                if watch { return try await view.run() }
                return session.show(try await view.look(), table: view.table) {
                    [$0.shown("workers")]
                }
            }
            let numbers =
                ["runs", "workers"].contains(what) ? [] : try await session.runs(what)
            let view = Self.view(session, what, status, limit, numbers)
            if watch { return try await view.run() }
            let key = what == "workers" ? "workers" : "runs"
            session.show(try await view.look(), table: view.table) { answer in
                (answer[key]?.arrayValue ?? []).map { $0.shown("id") }
            }
        }
    }

    private static func view(
        _ session: ClientSession, _ what: String, _ status: String?, _ limit: Int,
        _ numbers: [UInt64]
    ) -> WatchView {
        switch what {
        case "workers":
            WatchView(
                session: session, look: { try await session.client.ask(.GET, "/workers") },
                table: RunTables.workers, rows: WatchRows.workers, isOver: { _ in false })
        case "runs":
            WatchView(
                session: session,
                look: {
                    ["runs": .array(try await session.allRuns(status: status, limit: limit))]
                },
                table: RunTables.list, rows: WatchRows.runs, isOver: { _ in false })
        default:
            WatchView(
                session: session,
                look: {
                    var runs: [JSON] = []
                    for id in numbers {
                        runs.append(try await session.client.ask(.GET, "/runs/\(id)"))
                    }
                    return ["runs": .array(runs)]
                },
                table: RunTables.list, rows: WatchRows.runs,
                isOver: { ($0["runs"]?.arrayValue ?? []).allSatisfy(\.hasEnded) })
        }
    }
}

/// `fanfold describe`: runs with their tasks, or workers with what is on them.
struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows runs with their tasks, or workers with what is on them.")

    @Argument(
        help: ArgumentHelp("last, all, 7, 1-3 or 1,4-6; or worker.", valueName: "runs"))
    var selector = "last"

    @Argument(
        help: ArgumentHelp(
            "After worker: a worker's name or number, as fanfold get workers shows it; all, 1-3, "
                + "1,4-6.", valueName: "name"))
    var worker: String?

    @Flag(help: "Go on showing it until the runs have ended, or the workers are gone.")
    var watch = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard ["worker", "workers"].contains(selector) == (worker != nil) else {
            throw ValidationError(
                worker == nil
                    ? "wanted the name or number of a worker after \"\(selector)\""
                    : "wanted runs alone, or worker NAME; found \"\(selector)\" and more")
        }
    }

    func run() throws {
        let (selector, worker, watch) = (selector, worker, watch)
        try client.ask { session in
            let view =
                if let worker { try await Self.workers(session, worker) } else {
                    try await Self.runs(session, selector)
                }
            if watch { return try await view.run() }
            session.show(try await view.look(), table: view.table) { answer in
                (answer["runs"]?.arrayValue ?? answer["workers"]?.arrayValue ?? [answer])
                    .map { $0.shown("status") }
            }
        }
    }

    private static func runs(_ session: ClientSession, _ selector: String) async throws -> WatchView
    {
        let numbers = try await session.runs(selector)
        return WatchView(
            session: session, look: { try await session.look(numbers) },
            table: RunTables.details, rows: WatchRows.details,
            isOver: { ($0["runs"]?.arrayValue ?? [$0]).allSatisfy(\.hasEnded) })
    }

    private static func workers(
        _ session: ClientSession, _ selector: String
    ) async throws -> WatchView {
        let numbers = try await session.workers(selector, lost: true, prefersHere: true)
        return WatchView(
            session: session,
            look: {
                var workers: [JSON] = []
                for id in numbers {
                    workers.append(try await session.client.ask(.GET, "/workers/\(id)"))
                }
                return workers.count == 1 ? workers[0] : ["workers": .array(workers)]
            }, table: WorkerTables.details,
            rows: { WatchRows.workers($0["workers"] == nil ? ["workers": [$0]] : $0) },
            isOver: { answer in
                (answer["workers"]?.arrayValue ?? [answer]).allSatisfy {
                    ["lost", "revoked"].contains($0.shown("status"))
                }
            })
    }
}

/// `fanfold why`: why something waits.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract:
            "Says why a run, a task or a subtask waits, or why there are the rented workers there are."
    )

    @Argument(
        help: ArgumentHelp(
            "RUNS, RUN/TASK or RUN/TASK/SUBTASK; RUNS are last, all, 7, 1-3 or 1,4-6. Or scale: "
                + "what was decided about rented workers, the latest first."))
    var subject = "last"

    @OptionGroup var client: ClientOptions

    func run() throws {
        if subject == "scale" { return try whyScale() }
        let parts = subject.split(separator: "/", maxSplits: 1).map(String.init)
        try client.ask { session in
            let numbers = try await session.runs(parts.first ?? "last")
            let query = try RunPart(parts.count > 1 ? parts[1] : "").query
            let reasons = try await session.look(numbers, suffix: "/why\(query)")
            session.show(
                reasons,
                table: { RunTables.several($0, numbers, RunTables.reasons) },
                quiet: { answer in
                    (answer["runs"]?.arrayValue ?? [answer])
                        .flatMap { $0["reasons"]?.arrayValue ?? [] }.map { $0.shown("code") }
                })
        }
    }
}

extension WhyCommand {
    private func whyScale() throws {
        try client.ask { session in
            session.show(
                try await session.client.ask(.GET, "/scaling/decisions"),
                table: ScaleTables.decisions,
                quiet: { ($0["decisions"]?.arrayValue ?? []).map { $0.shown("what") } })
        }
    }
}

/// A task of a run, or a subtask of that: `TASK/SUBTASK`.
struct RunPart {
    /// `?task=…&subtask=…`; empty for the whole run.
    let query: String

    init(_ text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        guard parts.count <= 2, parts.first?.allSatisfy(letters.contains) != false,
            parts.count < 2 || UInt32(parts[1]) != nil
        else { throw ValidationError("wanted TASK or TASK/NUMBER, found \"\(text)\"") }
        guard let task = parts.first, !task.isEmpty else {
            query = ""
            return
        }
        query = "?task=\(task)" + (parts.count > 1 ? "&subtask=\(parts[1])" : "")
    }
}
