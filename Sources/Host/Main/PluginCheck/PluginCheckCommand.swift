import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// The command `fanfold plugin check`.
struct PluginCheckCommand: ParsableCommand {
    /// How the outcome is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        /// One line for the parent of a check's own process.
        case line
    }

    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a plugin's library against the contract.",
        discussion: """
            Each check runs in a process of its own: a plugin that crashes fails that check and
            nothing else.  Exit code 0: no check that the host relies on has failed; 1: one has.
            """)

    @Argument(help: "The library, for example demo/libfanfold-demo.so.")
    var file: String

    @Option(help: "Run this check alone.")
    var only: String?

    @Option(help: "What the made-up work follows from: up to 16 hexadecimal digits.")
    var seed: String = "1"

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var output: Format = .text

    @Flag(help: "Run the checks in this process, for a debugger.")
    var inProcess = false

    /// Every check, in order.
    static let checks =
        FileChecks.all + LibraryChecks.all + InstanceChecks.all + StrategyChecks.all

    mutating func run() throws {
        guard let seed = UInt64(seed, radix: 16) else {
            throw ValidationError(
                "wanted a seed of up to 16 hexadecimal digits, found \"\(seed)\"")
        }
        guard access(file, F_OK) == 0 else {
            throw ValidationError("there is no file \(file)")
        }
        if output == .line, let only {
            return runAsChild(only, seed)
        }
        var chosen = Self.checks
        if let only {
            chosen = chosen.filter { $0.name == only }
            guard !chosen.isEmpty else {
                throw ValidationError(
                    "there is no check \"\(only)\"; there are: "
                        + Self.checks.map(\.name).joined(separator: ", "))
            }
        }
        let start = ContinuousClock.now
        var report = CheckReport(file: file, seed: seed)
        if let header = run(Self.description, seed) { report.describe(header) }
        runAll(chosen, seed, into: &report)
        report.elapsed = ContinuousClock.now - start
        print(output == .json ? report.json.prettyText : report.text)
        if report.isFailed { throw Exit.runFailed }
    }

    /// Not a check: what the head of the report says.
    private static let description = CheckCase(
        name: "description", level: .should, subject: .library, consequence: "", timeout: 10,
        body: { context in
            let components: [JSON] = try context.loaded().components.map(\.descriptor).map {
                [
                    "id": .string($0.id), "version": .string($0.version),
                    "kind": .string("\($0.kind)"), "built_minor": .integer(Int64($0.builtMinor)),
                    "needs_minor": .integer(Int64($0.needsMinor)),
                ]
            }
            return .passed(JSON.array(components).text)
        })

    private func run(_ check: CheckCase, _ seed: UInt64) -> CheckOutcome? {
        inProcess
            ? Self.outcome(of: check, CheckContext(path: file, seed: seed))
            : CheckRunner(path: file, seed: seed).run(check)
    }

    /// Runs the checks; once the file cannot be loaded, or makes no instance, what builds on that
    /// is skipped rather than failed again.
    private func runAll(_ checks: [CheckCase], _ seed: UInt64, into report: inout CheckReport) {
        var broken: [String: String] = [:]
        for check in checks {
            var outcome: CheckOutcome
            if let why = Self.hindrance(check, broken), checks.count > 1 {
                outcome = .skipped(why)
            } else {
                outcome = run(check, seed) ?? .skipped("it did not run")
            }
            if outcome.status == .failed && check.level != .must { outcome.status = .warning }
            if [.failed, .crashed, .skipped].contains(outcome.status) {
                broken[check.name] = outcome.status.rawValue
            }
            report.add(check, outcome)
        }
    }

    private static func hindrance(_ check: CheckCase, _ broken: [String: String]) -> String? {
        let first: [String]
        switch check.name {
        case "elf-class-machine", "file-extension", "file-permissions": return nil
        case "exports-one": first = ["elf-class-machine"]
        case "load-now-local": first = ["elf-class-machine"]
        default:
            switch check.subject {
            case .file: first = ["elf-class-machine"]
            case .library: first = ["elf-class-machine", "load-now-local"]
            case .instance: first = ["elf-class-machine", "load-now-local", "create-default"]
            }
        }
        guard let name = first.first(where: { broken[$0] != nil }) else { return nil }
        return "\(name) was \(broken[name] ?? "")"
    }

    private func runAsChild(_ name: String, _ seed: UInt64) {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        let known = Self.checks + [Self.description]
        let outcome =
            known.first { $0.name == name }.map {
                Self.outcome(of: $0, CheckContext(path: file, seed: seed))
            } ?? .failed("there is no check \"\(name)\"")
        CheckTrace.write("\n" + CheckTrace.outcome + outcome.json.text + "\n")
    }

    private static func outcome(of check: CheckCase, _ context: CheckContext) -> CheckOutcome {
        do {
            return try check.body(context)
        } catch let stop as CheckStop {
            return stop.outcome
        } catch {
            return .failed("\(error)")
        }
    }
}
