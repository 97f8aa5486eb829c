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
        abstract: "Runs again what failed of a run.",
        discussion: "As a new run, which takes over what had succeeded.")

    @Argument(help: ArgumentHelp("last, or the run's number.", valueName: "run"))
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
            let id = try await session.run(selector)
            let run = try await session.client.ask(.POST, "/runs/\(id)/retry")
            session.show(run, table: RunTables.detail) { [$0.shown("id")] }
        }
    }
}

/// `fanfold drain`: a worker finishes what it has.
struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Lets a worker finish what it runs and gives it nothing more.")

    @Argument(help: "The worker's number, as fanfold get workers shows it.")
    var worker: UInt32

    @OptionGroup var client: ClientOptions

    func run() throws {
        let id = worker
        try client.ask { session in
            let worker = try await session.client.ask(.POST, "/workers/\(id)/drain")
            session.show(worker, table: { RunTables.workers(["workers": [$0]]) }) {
                [$0.shown("status")]
            }
        }
    }
}
