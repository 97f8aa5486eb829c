import ArgumentParser
import FanfoldCore
import FanfoldRuntime

/// `fanfold plan`: what a run would do on this machine, and why.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Says how a pipeline would be split and placed on this machine, and why.")

    @OptionGroup var document: PipelineOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions
    @OptionGroup var machine: WorkerOptions

    @Option(help: "How the plan is printed.")
    var output: OutputStyle = .table

    func run() throws {
        let context = try HostContext(host, safeMode: trust.safeMode)
        let prepared = try context.prepare(try document.load())
        let plan = PlanReport(prepared, workers: context.workers(machine))
        switch output {
        case .json: Terminal.print(plan.json.prettyText)
        case .table: show(plan, of: prepared)
        case .quiet: break
        }
        if plan.tasks.contains(where: { $0.problem != nil }) { throw Exit.usage }
    }

    private func show(_ plan: PlanReport, of run: PreparedRun) {
        Terminal.print("\(run.pipeline.name) on \(Human.count(plan.workers.count, "worker"))")
        for worker in plan.workers {
            Terminal.print(
                "  \(worker.name)  \(Human.cores(worker.milliCores)) cores, "
                    + Human.bytes(worker.memoryBytes))
        }
        for task in plan.tasks {
            Terminal.print("\n\(task.name)  (\(task.strategy))")
            for line in lines(for: task) { Terminal.print("  " + line) }
        }
        let files = ValidateCommand.lines(of: run.pipeline)
        if !files.isEmpty { Terminal.print("") }
        for line in files { Terminal.print(line) }
    }

    private func lines(for task: PlanReport.TaskPlan) -> [String] {
        var lines = [task.summary]
        lines += task.why.map { "because \($0)" }
        if let problem = task.problem { return lines + ["cannot be split: \(problem)"] }
        guard task.waitsFor.isEmpty else {
            return lines + ["split when \(task.waitsFor.joined(separator: ", ")) has completed"]
        }
        var split = "split   \(Human.count(task.subtasks, "subtask"))"
        if task.isOpen { split += " at first, more as results come in" }
        if let items = task.items {
            split +=
                items.lowerBound == items.upperBound
                ? ", \(Human.count(items.lowerBound, "item")) each"
                : ", \(items.lowerBound) to \(items.upperBound) items each"
        }
        lines.append(split)
        for stage in task.stages { lines.append("stage   \(stage.text)") }
        lines.append(
            "needs   \(Human.cores(task.needs.milliCores)) cores, "
                + "\(Human.bytes(task.needs.memoryBytes)) for each subtask")
        for placement in task.placement where placement.starting > 0 {
            lines.append(
                "place   \(placement.worker): \(placement.starting) at once, "
                    + "\(Human.cores(placement.freeMilliCores)) cores stay free")
        }
        if let waiting = task.waiting { lines.append("waits   \(waiting.sentence)") }
        return lines
    }
}
