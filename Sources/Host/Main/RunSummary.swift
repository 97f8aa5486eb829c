import FanfoldCore
import FanfoldJSON
import FanfoldRuntime

/// What a run did, in a few lines for people.
struct RunSummary {
    /// Failed attempts that are shown for each task.
    static let shownFailures = 3

    let text: String

    /// Sums a report up; `written` names the files that were written.
    init(_ report: RunReport, written: [String]) {
        var lines: [String] = []
        var table = TextTable(["task", "strategy", "subtasks", "failed", "time"])
        for task in report.tasks {
            table.add([
                task.name, task.strategy, "\(task.numbers.succeeded) of \(task.numbers.put)",
                "\(task.numbers.failed)", Human.time(task.nanoseconds),
            ])
        }
        lines.append(table.text)
        for task in report.tasks {
            lines += task.strategyReports.map { "\(task.name): \($0.text)" }
            for failure in task.failedAttempts.prefix(Self.shownFailures) {
                lines.append("\(task.name): subtask \(failure.subtask): \(failure.message)")
                lines += failure.stderrTail.split(separator: "\n").suffix(5).map { "    | \($0)" }
            }
            let more = task.failedAttempts.count - Self.shownFailures
            if more > 0 { lines.append("\(task.name): and \(more) more failed attempts") }
        }
        lines += written.map { "wrote \($0)" }
        lines.append(Self.verdict(report))
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func verdict(_ report: RunReport) -> String {
        let time = Human.time(report.nanoseconds)
        let use = "\(Int((report.slotUse * 100).rounded())) % of the cores busy"
        switch report.outcome {
        case .completed: return "completed in \(time), \(use)"
        case .failed(let task, let failure):
            let name = task.map { report.tasks[Int($0.index)].name }
            return "failed after \(time)\(name.map { " in task \($0)" } ?? ""): \(failure.message)"
        case .cancelled(let reason):
            let done = report.tasks.reduce(0) { $0 + $1.numbers.succeeded }
            let completed = report.tasks.count { $0.outcome == .completed }
            return "cancelled after \(time): \(reason); "
                + "\(completed) of \(Human.count(report.tasks.count, "task")) completed, "
                + "\(Human.count(done, "subtask")) done, no output written, nothing left running"
        }
    }
}
