import ArgumentParser
import FanfoldPrediction
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold eff`: what a run was given, used, and would be given next.
struct EffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eff",
        abstract: "Shows what the tasks of a run were given and used, and what to ask for.",
        discussion: """
            Reads what attempts used from the state folder: of `fanfold run` that of the settings, \
            of a coordinator the one it was started with. `predicted` is the largest request that \
            the history would have led to, before each attempt's own use was known; `covered` the \
            share of attempts that used no more.
            """)

    @Argument(
        help: ArgumentHelp(
            "The number of a coordinator's run, the name of a local one, or last.",
            valueName: "run"))
    var subject = "last"

    @OptionGroup var history: HistoryOptions

    func run() throws {
        let (entries, path) = try history.load()
        guard let last = entries.last else {
            Terminal.complain("error: \(path) holds no attempts yet")
            throw Exit.notFound
        }
        let name = subject == "last" ? last.run : subject
        let found = Efficiency.of(run: name, in: entries)
        guard !found.isEmpty else {
            Terminal.complain(
                "error: no attempt of a run \"\(name)\" was measured; "
                    + "the last one is \"\(last.run)\"")
            throw Exit.notFound
        }
        Terminal.print("run \(name)")
        for efficiency in found { Self.lines(efficiency).forEach { Terminal.print($0) } }
    }

    /// A name for a run of this process: when it began, and its id.
    static func localRunName() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "local-\(String(decoding: bytes, as: UTF8.self))-\(getpid())"
    }

    /// A task class, as a reader wants it.
    static func lines(_ task: Efficiency) -> [String] {
        var lines = [
            task.taskClass,
            "  attempts   \(task.attempts)"
                + (task.outOfMemory > 0 ? ", \(task.outOfMemory) out of memory" : ""),
            "  memory     given \(bytes(task.given[.memory])), used at most "
                + "\(bytes(task.used[.memory]))\(share(task.memoryShare))",
            "  cores      given \(cores(task.given[.cpu])), used at most "
                + "\(cores(task.used[.cpu]))\(share(task.cpuShare))",
        ]
        if let predicted = task.predictedMemory {
            lines.append(
                "  predicted  \(bytes(predicted)) of memory, covered "
                    + "\(task.covered) of \(task.predicted)")
        }
        if let rows = task.rowsSinceDrift {
            lines.append("  changed    \(rows + DriftWatch.newest) attempts ago")
        }
        if let memory = task.suggestion[.memory], let cpu = task.suggestion[.cpu] {
            let needs = NeedsDeclaration.asked(cores: cpu.value, memory: memory.value)
            lines.append(
                "  ask for    needs: { cpus: \(Human.cores(needs.cpuMillis)), "
                    + "memory: \(needs.memoryBytes >> 20)MiB }  (\(memory.tier.rawValue), "
                    + "\(memory.rows) attempts\(bounds(memory)))")
        }
        return lines
    }

    private static func bytes(_ value: Double?) -> String {
        value.map { Human.bytes(Int64($0)) } ?? "unknown"
    }

    private static func cores(_ value: Double?) -> String {
        value.map { Human.fixed($0, 2) } ?? "unknown"
    }

    private static func share(_ value: Double?) -> String {
        value.map { ", \(Human.fixed($0 * 100, 1)) % of it" } ?? ""
    }

    private static func bounds(_ estimate: Estimate) -> String {
        guard let bounds = estimate.bounds else { return "" }
        return ", nine of ten use \(bytes(bounds.lowerBound)) to \(bytes(bounds.upperBound))"
    }
}
