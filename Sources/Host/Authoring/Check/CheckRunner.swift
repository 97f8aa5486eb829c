import FanfoldJSON
@preconcurrency import Glibc

/// Runs a check in a process of its own, so that its crash or hang is an outcome.
struct CheckRunner {
    let path: String
    let seed: UInt64
    var since: String?

    /// How much of what a child says is kept, in bytes.
    static let maximumOutput = 1 << 20

    /// Runs this program again for one check, once for each of its environments.
    func run(_ check: CheckCase) -> CheckOutcome {
        var last = CheckOutcome.passed()
        for changes in check.environments {
            last = runOnce(check, changes)
            guard last.status != .passed else { continue }
            if !changes.isEmpty { last.message += " (with \(changes.joined(separator: " ")))" }
            return last
        }
        return last
    }

    private func runOnce(_ check: CheckCase, _ changes: [String]) -> CheckOutcome {
        var arguments = [
            "/proc/self/exe", "plugin", "check", path, "--in-process", "--only", check.name,
            "--seed", String(seed, radix: 16), "--output", "line",
        ]
        if let since { arguments += ["--since", since] }
        guard let child = ChildProcess(arguments, changes: changes) else {
            return .failed("cannot start a process: \(String(cString: strerror(errno)))")
        }
        let said = child.read(seconds: check.timeout, limit: Self.maximumOutput)
        let status = child.end()
        if let outcome = Self.outcome(said.text) { return outcome }
        let place = Self.phase(said.text)
        if said.isLate {
            return CheckOutcome(
                status: .crashed,
                message: "it did not come back within \(check.timeout) s, \(place)")
        }
        let signal = status & 0x7F
        guard signal != 0 else {
            return CheckOutcome(
                status: .crashed,
                message: "it ended the process with exit code \(status >> 8 & 0xFF), \(place)")
        }
        let name = strsignal(signal).map { String(cString: $0) } ?? ""
        return CheckOutcome(
            status: .crashed, message: "crashed by signal \(signal) (\(name)), \(place)")
    }

    private static func outcome(_ text: String) -> CheckOutcome? {
        guard let line = last(CheckTrace.outcome, text), let json = try? JSON(parsing: line) else {
            return nil
        }
        return CheckOutcome(json)
    }

    private static func phase(_ text: String) -> String {
        last(CheckTrace.mark, text) ?? "before the plugin was loaded"
    }

    /// The rest of the last line that begins with `mark`.
    private static func last(_ mark: String, _ text: String) -> String? {
        text.split(separator: "\n").last { $0.hasPrefix(mark) }.map {
            String($0.dropFirst(mark.count))
        }
    }
}
