import FanfoldJSON

/// What `fanfold plugin check` found, for people and for programs.
package struct CheckReport {
    /// Checks skipped for one reason that are named; more are counted.
    static let namedSkips = 3

    let file: String
    private let options: CheckOptions
    var elapsed = Duration.zero
    private var components: [JSON] = []
    private var entries: [(check: CheckCase, outcome: CheckOutcome)] = []

    init(file: String, options: CheckOptions) {
        self.file = file
        self.options = options
    }

    /// Takes what the plugin says about itself.
    mutating func describe(_ outcome: CheckOutcome) {
        guard outcome.status == .passed, let json = try? JSON(parsing: outcome.message) else {
            return
        }
        components = json.arrayValue ?? []
    }

    mutating func add(_ check: CheckCase, _ outcome: CheckOutcome) {
        entries.append((check, outcome))
    }

    /// Whether a check that the host relies on has failed.
    package var isFailed: Bool {
        entries.contains {
            $0.check.level == .must && [.failed, .crashed].contains($0.outcome.status)
        }
    }

    private func count(_ status: CheckOutcome.Status) -> Int {
        entries.count { $0.outcome.status == status }
    }

    private var seconds: Double {
        let parts = elapsed.components
        return Double(parts.seconds * 10 + parts.attoseconds / 100_000_000_000_000_000) / 10
    }

    private func reproduce(_ check: CheckCase) -> String {
        "fanfold plugin check \(file) --only \(check.name) --seed "
            + String(options.seed, radix: 16) + (options.since.map { " --since \($0)" } ?? "")
    }

    private var glibc: String {
        entries.first { $0.check.name == "glibc-floor" }?.outcome.message ?? ""
    }

    /// The report as people read it.
    package var text: String {
        var lines: [String] = []
        for component in components {
            lines.append(
                "\(component["id"]?.stringValue ?? "?") \(component["version"]?.stringValue ?? "")"
                    + "   \(component["kind"]?.stringValue ?? "")"
                    + "   built for ABI 1.\(component["built_minor"]?.integerValue ?? 0)"
                    + ", needs 1.\(component["needs_minor"]?.integerValue ?? 0)   \(glibc)")
        }
        if components.isEmpty { lines.append(file) }
        let crashed = count(.crashed)
        lines.append(
            "  \(count(.passed)) passed   \(count(.failed)) failed   "
                + (crashed > 0 ? "\(crashed) crashed   " : "")
                + "\(count(.warning)) warnings   \(count(.skipped)) skipped   \(seconds) s")
        for (check, outcome) in entries {
            switch outcome.status {
            case .passed, .skipped: continue
            case .warning: lines.append("  warning \(check.name)   \(outcome.message)")
            case .failed, .crashed:
                lines.append(
                    "  \(outcome.status.rawValue.uppercased())  \(check.name)   \(outcome.message)")
                lines.append("          \(check.consequence)")
                lines.append("          reproduce: \(reproduce(check))")
            }
        }
        return (lines + skipped).joined(separator: "\n")
    }

    /// What was skipped, a line for each reason.
    private var skipped: [String] {
        var reasons: [(message: String, names: [String])] = []
        for (check, outcome) in entries where outcome.status == .skipped {
            if let known = reasons.firstIndex(where: { $0.message == outcome.message }) {
                reasons[known].names.append(check.name)
            } else {
                reasons.append((outcome.message, [check.name]))
            }
        }
        return reasons.map { message, names in
            names.count <= Self.namedSkips
                ? "  skipped \(names.joined(separator: ", "))   \(message)"
                : "  skipped \(names.count) checks   \(message)"
        }
    }

    /// The report as programs read it; its `version` grows when a key changes.
    package var json: JSON {
        let checks: [JSON] = entries.map { check, outcome in
            [
                "name": .string(check.name), "level": .string(check.level.rawValue),
                "status": .string(outcome.status.rawValue), "message": .string(outcome.message),
                "consequence": .string(check.consequence), "reproduce": .string(reproduce(check)),
            ]
        }
        return [
            "version": 1, "file": .string(file), "seed": .string(String(options.seed, radix: 16)),
            "components": .array(components), "passed": .integer(Int64(count(.passed))),
            "failed": .integer(Int64(count(.failed))), "crashed": .integer(Int64(count(.crashed))),
            "warnings": .integer(Int64(count(.warning))),
            "skipped": .integer(Int64(count(.skipped))), "seconds": .number(seconds),
            "checks": .array(checks),
        ]
    }
}
