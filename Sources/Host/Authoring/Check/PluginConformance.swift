import FanfoldJSON
@preconcurrency import Glibc

/// The conformance kit: what a plugin's file, library and instances must do, check by check.
///
/// Every check runs in a process of its own, so a plugin that crashes fails that check and nothing
/// else.  The child is this program again, as `fanfold plugin check FILE --only NAME`.
package struct PluginConformance {
    /// The names of all checks, in the order in which they run.
    package static var names: [String] { checks.map(\.name) }

    private static let checks =
        FileChecks.all + LibraryChecks.all + InstanceChecks.all + StrategyChecks.all

    private let file: String
    private let seed: UInt64
    private let inProcess: Bool

    /// The kit for one file.
    ///
    /// - Parameter seed: what the made-up work follows from.
    /// - Parameter inProcess: whether the checks run in this process, for a debugger.
    package init(file: String, seed: UInt64, inProcess: Bool) {
        self.file = file
        self.seed = seed
        self.inProcess = inProcess
    }

    /// Runs the check called `only`, or all of them.
    package func report(only: String?) -> CheckReport {
        let start = ContinuousClock.now
        var report = CheckReport(file: file, seed: seed)
        if let header = run(Self.description, seed) { report.describe(header) }
        runAll(Self.checks.filter { only == nil || $0.name == only }, seed, into: &report)
        report.elapsed = ContinuousClock.now - start
        return report
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
                broken[check.name] =
                    outcome.status == .skipped ? "was skipped" : outcome.status.rawValue
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
        return "\(name) \(broken[name] ?? "")"
    }

    /// Runs one check for the parent that waits for the line it writes.
    package func runAsChild(_ name: String) {
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
