import ArgumentParser
import FanfoldRuntime
@preconcurrency import Glibc

/// The command line: thin commands over the runtime.
@main
struct Fanfold: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanfold",
        abstract: "Fans one big task out over many devices, and folds the results back into one.",
        discussion: """
            Begin with `fanfold init`, then `fanfold run pipeline.yaml`.

            Exit codes: 0 fine, 1 the run failed, 2 usage or validation, 3 not found, \
            4 not allowed, 5 no coordinator answers, 130 interrupted.
            """,
        version: Version.text,
        subcommands: [
            InitCommand.self, ValidateCommand.self, PlanCommand.self, RunCommand.self,
            ServeCommand.self, WorkerCommand.self, SubmitCommand.self, GetCommand.self,
            DescribeCommand.self, WaitCommand.self, OutputCommand.self, LogsCommand.self,
            WhyCommand.self, TopCommand.self, ReportCommand.self, CancelCommand.self,
            RetryCommand.self, DrainCommand.self, PardonCommand.self, RevokeCommand.self,
            QueuesCommand.self, PauseCommand.self, ResumeCommand.self, TokenCommand.self,
            PluginCommand.self, ProviderCommand.self, ScaleCommand.self, CostCommand.self,
            JournalCommand.self, ReplayCommand.self, EffCommand.self,
            HistoryCommand.self, SchemaCommand.self,
            DoctorCommand.self, CompletionCommand.self, SimulateCommand.self, BenchCommand.self,
        ])

    static func main() {
        // A reader that went away ends a write with an error, not the process.
        signal(SIGPIPE, SIG_IGN)
        setvbuf(stdout, nil, _IOFBF, 1 << 16)
        do {
            var command = try parseAsRoot()
            try command.run()
            Exit.now(.fine)
        } catch let code as Exit {
            Exit.now(code)
        } catch {
            let text = fullMessage(for: error)
            guard exitCode(for: error) != .success else {
                Terminal.print(text)
                Exit.now(.fine)
            }
            Terminal.complain(text)
            Exit.now(.usage)
        }
    }
}

/// How the process ends; the numbers are part of the interface.
enum Exit: Int32, Error {
    case fine = 0
    case runFailed = 1
    case usage = 2
    case notFound = 3
    case notAllowed = 4
    case unreachable = 5
    case interrupted = 130

    /// Writes what is buffered and ends the process; one that lost data has not succeeded.
    static func now(_ code: Exit) -> Never {
        if let reason = Terminal.flushFailure() {
            Terminal.complain("error: standard output: cannot be written: \(reason)")
            exit(code == .fine ? Exit.runFailed.rawValue : code.rawValue)
        }
        exit(code.rawValue)
    }
}

/// The version of the host.
enum Version {
    static let text = "0.1.0"
}
