import ArgumentParser
import FanfoldCluster
import FanfoldJSON
import FanfoldJournal

/// `fanfold replay`: what a coordinator decided, from what it has stored.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Goes through a journal and says what the coordinator decided, and when.",
        discussion: """
            A journal holds facts: what was submitted, who joined, what ended. The coordinator takes \
            the same decisions from the same facts, so that going through them shows each decision \
            with its cause, and whether the state is the one that snapshots hold. The coordinator may \
            go on meanwhile; nothing is changed. Times are since it began for the first time. Exit \
            code 1: something is not as it should be, each a line on standard error.
            """)

    @OptionGroup var folder: JournalFolderOption

    @Option(help: "The first record that is shown; earlier ones are taken in all the same.")
    var from: UInt64 = 0

    @Option(help: "The last record that is taken in.")
    var to: UInt64?

    @Option(name: .customLong("run"), help: "Show only what is about this run.")
    var wanted: UInt64?

    @Flag(help: "Look at all rules after each record, which takes long, and not at the end alone.")
    var check = false

    @Option(help: "How facts and decisions are printed; quiet prints neither.")
    var output = OutputStyle.table

    func run() throws {
        var report = ReplayReport()
        try folder.run { path throws(JournalError) in
            var options = ReplayOptions()
            options.from = from
            options.to = to ?? .max
            options.run = wanted
            options.checksEach = check
            report = try JournalReplay.read(folder: path, options) { step in
                switch output {
                case .table: Terminal.print(Self.text(step))
                case .json: Terminal.print(Self.json(step).text)
                case .quiet: break
                }
            }
        }
        if output != .json { Terminal.print(Self.text(report)) }
        for problem in report.problems { Terminal.complain("error: \(problem)") }
        guard report.problems.isEmpty else { throw Exit.runFailed }
    }

    private static func text(_ step: ReplayStep) -> String {
        let time = Human.fixed(Double(step.nanoseconds) / 1e9, 3)
        return
            (["record \(step.record), \(time) s: \(step.event)"]
            + step.decisions.map { "    \($0)" }).joined(separator: "\n")
    }

    private static func json(_ step: ReplayStep) -> JSON {
        .object(
            JSONObject([
                ("version", OutputStyle.version),
                ("record", .integer(Int64(clamping: step.record))),
                ("seconds", .number(Double(step.nanoseconds) / 1e9)),
                ("event", .string(step.event)),
                ("decisions", .array(step.decisions.map { .string($0) })),
                ("runs", .array(step.runs.map { .integer(Int64(clamping: $0)) })),
            ]))
    }

    private static func text(_ report: ReplayReport) -> String {
        let start = report.base > 0 ? "the snapshot up to record \(report.base)" : "nothing"
        let all = "from \(start) to record \(report.last): \(Human.count(report.facts, "fact"))"
        let confirmed = report.confirmed.map { "; the snapshot up to record \($0) holds the same" }
        return all + confirmed.joined()
    }
}
