import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold get`: lists of runs and workers, or one run.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Lists runs or workers, or shows runs.")

    @Argument(help: "runs, workers, or runs by last, all, 7, 1-3 or 1,4-6.")
    var what = "runs"

    @Option(help: "Only runs in this state: pending, running, completed, failed or cancelled.")
    var status: String?

    @Option(help: "At most this many runs.")
    var limit = 50

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
        let (what, status, limit) = (what, status, limit)
        try client.ask { session in
            if what == "workers" {
                let workers = try await session.client.ask(.GET, "/workers")
                session.show(workers, table: RunTables.workers) { answer in
                    (answer["workers"]?.arrayValue ?? []).map { $0.shown("id") }
                }
                return
            }
            var runs: [JSON] = []
            if what == "runs" {
                runs = try await session.allRuns(status: status, limit: limit)
            } else {
                for id in try await session.runs(what) {
                    runs.append(try await session.client.ask(.GET, "/runs/\(id)"))
                }
            }
            session.show(["runs": .array(runs)], table: RunTables.list) { answer in
                (answer["runs"]?.arrayValue ?? []).map { $0.shown("id") }
            }
        }
    }
}

/// `fanfold describe`: one run with its tasks.
struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Shows a run with its tasks.")

    @Argument(help: ArgumentHelp("last, or the run's number.", valueName: "run"))
    var selector = "last"

    @OptionGroup var client: ClientOptions

    func run() throws {
        let selector = selector
        try client.ask { session in
            let id = try await session.run(selector)
            let run = try await session.client.ask(.GET, "/runs/\(id)")
            session.show(run, table: RunTables.detail) { [$0.shown("status")] }
        }
    }
}

/// `fanfold why`: why something waits.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says why a run, a task or a subtask waits.")

    @Argument(help: "RUN, RUN/TASK or RUN/TASK/SUBTASK; RUN is last or a number.")
    var subject = "last"

    @OptionGroup var client: ClientOptions

    func run() throws {
        let parts = subject.split(separator: "/", maxSplits: 1).map(String.init)
        try client.ask { session in
            let id = try await session.run(parts.first ?? "last")
            let query = try RunPart(parts.count > 1 ? parts[1] : "").query
            let reasons = try await session.client.ask(.GET, "/runs/\(id)/why\(query)")
            session.show(reasons, table: RunTables.reasons) { answer in
                (answer["reasons"]?.arrayValue ?? []).map { $0.shown("code") }
            }
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
