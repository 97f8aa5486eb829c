import FanfoldJSON
@preconcurrency import Glibc

/// The conformance kit: what a plugin's file, library and instances must do, check by check.
///
/// Every check runs in a process of its own, so a plugin that crashes fails that check and nothing
/// else.  The child is this program again, as `fanfold plugin check FILE --only NAME`.
package struct PluginConformance {
    /// A check as the list of checks shows it.
    package struct Entry: Sendable {
        /// The stable name.
        package var name: String
        /// How much depends on it: must, should or style.
        package var level: String
        /// What is looked at, in one sentence.
        package var summary: String
        /// What would go wrong in the field.
        package var consequence: String
    }

    /// The names of all checks, in the order in which they run.
    package static var names: [String] { checks.map(\.name) }

    /// All checks, in the order in which they run.
    package static var entries: [Entry] {
        checks.map {
            Entry(
                name: $0.name, level: $0.level.rawValue, summary: $0.summary,
                consequence: $0.consequence)
        }
    }

    // One line for each group of checks, in the order of the report.
    private static let checks: [CheckCase] = [
        FileChecks.all,
        LinkChecks.all,
        LibraryChecks.all,
        DescriptionChecks.all,
        InstanceChecks.all,
        SkewChecks.all,
        MemoryChecks.all,
        LeakChecks.all,
        LaneChecks.all,
        TimeChecks.all,
        PartitionChecks.all,
        ReplayChecks.all,
        AdversityChecks.all,
        BudgetChecks.all,
        CallChecks.all,
        LaunchChecks.all,
        WorkerChecks.all,
        ErrorMappingChecks.all,
        ProviderMannersChecks.all,
        ExecutorChecks.all,
        PolicyChecks.all,
        IsolationChecks.all,
    ].flatMap { $0 }

    private let file: String
    private let options: CheckOptions

    /// The kit for one file.
    package init(file: String, options: CheckOptions) {
        self.file = file
        self.options = options
    }

    /// Runs the check called `only`, or all of them.
    package func report(only: String?) -> CheckReport {
        let start = ContinuousClock.now
        var report = CheckReport(file: file, options: options)
        report.describe(run(Self.description))
        runAll(Self.checks.filter { only == nil || $0.name == only }, into: &report)
        report.elapsed = ContinuousClock.now - start
        return report
    }

    /// Not a check: what the head of the report says.
    private static let description = CheckCase(
        name: "description", level: .should, subject: .library, summary: "", consequence: "",
        timeout: 10,
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

    /// Not checks: what other checks ask a second process.
    private static let questions = [
        description, LibraryChecks.fingerprintCase, ReplayChecks.question, SideBySide.question,
    ]

    private func context() -> CheckContext {
        let context = CheckContext(path: file, seed: options.seed)
        context.since = options.since
        return context
    }

    private func run(_ check: CheckCase) -> CheckOutcome {
        options.inProcess
            ? Self.outcome(of: check, context())
            : CheckRunner(path: file, seed: options.seed, since: options.since).run(check)
    }

    /// Runs the checks; once the file cannot be loaded, or makes no instance, what builds on that
    /// is skipped rather than failed again.
    private func runAll(_ checks: [CheckCase], into report: inout CheckReport) {
        var outcomes: [String: CheckOutcome] = [:]
        func runNow(_ batch: [CheckCase]) {
            let ready = batch.filter { check in
                guard outcomes[check.name] == nil else { return false }
                if let reason = options.switchedOff[check.name] {
                    outcomes[check.name] = .skipped("switched off: \(reason)")
                } else if checks.count > 1, let why = Self.hindrance(check, outcomes) {
                    outcomes[check.name] = .skipped(why)
                }
                return outcomes[check.name] == nil
            }
            let kit = self
            let jobs = options.inProcess ? 1 : options.jobs
            let found = CheckPool.map(ready, jobs: jobs) { kit.run($0) }
            for (check, outcome) in zip(ready, found) { outcomes[check.name] = outcome }
        }
        for gate in Self.gates { runNow(checks.filter { $0.name == gate }) }
        runNow(checks)
        for check in checks {
            var outcome = outcomes[check.name] ?? .skipped("it did not run")
            if outcome.status == .failed && check.level != .must { outcome.status = .warning }
            report.add(check, outcome)
        }
    }

    /// The checks without which others have nothing to look at.
    private static let gates = ["elf-class-machine", "load-now-local", "create-default"]

    private static func hindrance(
        _ check: CheckCase, _ outcomes: [String: CheckOutcome]
    ) -> String? {
        let first: ArraySlice<String>
        switch check.name {
        case "elf-class-machine", "file-extension", "file-permissions": return nil
        case "load-now-local": first = gates[..<1]
        default:
            switch check.subject {
            case .file: first = gates[..<1]
            case .library: first = gates[..<2]
            case .instance: first = gates[..<3]
            }
        }
        for name in first where name != check.name {
            guard let status = outcomes[name]?.status else { continue }
            if status == .skipped { return "\(name) was skipped" }
            if status == .failed || status == .crashed { return "\(name) \(status.rawValue)" }
        }
        return nil
    }

    /// Runs one check for the parent that waits for the line it writes.
    package func runAsChild(_ name: String) {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        CheckTrace.takeOver()
        let known = Self.checks + Self.questions
        let outcome =
            known.first { $0.name == name }.map { Self.outcome(of: $0, context()) }
            ?? .failed("there is no check \"\(name)\"")
        CheckTrace.finish(outcome)
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
