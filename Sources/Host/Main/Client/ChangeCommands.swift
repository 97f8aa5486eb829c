import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold cancel`: ends runs.
struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancels runs.")

    @Argument(help: "last, all, 7, 1-3 or 1,4-6.")
    var runs: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        let selector = runs
        try client.ask { session in
            var cancelled: [JSON] = []
            for id in try await session.runs(selector) {
                cancelled.append(try await session.client.ask(.POST, "/runs/\(id)/cancel"))
            }
            session.show(["runs": .array(cancelled)], table: RunTables.list) { answer in
                (answer["runs"]?.arrayValue ?? []).map { $0.shown("id") }
            }
        }
    }
}

/// `fanfold retry`: runs again what failed.
struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Runs again what failed of runs.",
        discussion: "Each as a new run, which takes over what had succeeded.")

    @Argument(help: ArgumentHelp("last, all, 7, 1-3 or 1,4-6.", valueName: "runs"))
    var selector: String

    @Flag(help: "What failed; there is nothing else to repeat yet.")
    var failed = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard failed else { throw ValidationError("wanted --failed: say what is to run again") }
    }

    func run() throws {
        let selector = selector
        try client.ask { session in
            var made: [JSON] = []
            for id in try await session.failed(selector) {
                made.append(try await session.client.ask(.POST, "/runs/\(id)/retry"))
            }
            let answer = made.count == 1 ? made[0] : ["runs": .array(made)]
            session.show(answer, table: RunTables.details) { answer in
                (answer["runs"]?.arrayValue ?? [answer]).map { $0.shown("id") }
            }
        }
    }
}

extension ClientSession {
    /// The runs that a selector stands for; with `all`, those of them that failed.
    fileprivate func failed(_ selector: String) async throws -> [UInt64] {
        guard selector == "all" else { return try await runs(selector) }
        return try await allRuns(status: "failed").compactMap(\.number).reversed()
    }
}

/// `fanfold drain`: a worker finishes what it has.
struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Lets a worker finish what it runs and gives it nothing more.")

    @Argument(help: "A worker's name or number, as fanfold get workers shows it; all, 1-3, 1,4-6.")
    var worker: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        let selector = worker
        try client.ask { session in
            try await session.change(try await session.workers(selector), to: "drain")
        }
    }
}

/// `fanfold pardon`: a worker that was put right gets work again.
struct PardonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pardon",
        abstract: "Ends the quarantine of a worker that was put right.",
        discussion:
            "`fanfold get workers` says which workers are in quarantine, since when and why.")

    @Argument(help: "A worker's name or number, as fanfold get workers shows it; all, 1-3, 1,4-6.")
    var worker: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        let selector = worker
        try client.ask { session in
            try await session.change(try await session.workers(selector), to: "pardon")
        }
    }
}

/// `fanfold revoke`: a worker is let in no more.
struct RevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Lets a worker in no more.",
        discussion: """
            Its certificate is worthless from now on, its connection ends, and what it had is done \
            elsewhere. It may be one that is gone. There is no way back: the machine joins again as a \
            new worker, with a new token and an empty state folder.
            """)

    @Argument(help: "A worker's name or number, as fanfold get workers shows it; 1-3, 1,4-6.")
    var worker: String

    @OptionGroup var client: ClientOptions

    func run() throws {
        let selector = worker
        try client.ask { session in
            try await session.change(
                try await session.workers(selector, lost: true), to: "revoke")
        }
    }
}

extension ClientSession {
    /// Has workers do something, and shows them.
    fileprivate func change(_ workers: [UInt64], to verb: String) async throws {
        var changed: [JSON] = []
        for id in workers { changed.append(try await client.ask(.POST, "/workers/\(id)/\(verb)")) }
        let answer = changed.count == 1 ? changed[0] : ["workers": .array(changed)]
        show(
            answer, table: { RunTables.workers($0["workers"] == nil ? ["workers": [$0]] : $0) },
            quiet: { ($0["workers"]?.arrayValue ?? [$0]).map { $0.shown("status") } })
    }
}
