import ArgumentParser
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
        case .table:
            Terminal.print(PlanText(plan.json).text)
            let files = ValidateCommand.lines(of: prepared.pipeline)
            if !files.isEmpty { Terminal.print("") }
            for line in files { Terminal.print(line) }
        case .quiet: break
        }
        if plan.tasks.contains(where: { $0.problem != nil }) { throw Exit.usage }
    }
}
