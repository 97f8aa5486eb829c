import ArgumentParser
import FanfoldRuntime

/// `fanfold validate`: everything that can be found wrong without running.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks a pipeline: the document, its files, its plugins.")

    @OptionGroup var document: PipelineOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions

    func run() throws {
        let context = try HostContext(host, safeMode: trust.safeMode)
        let prepared = try context.prepare(try document.load())
        Terminal.print(
            "\(document.pipeline): fine: \(Human.count(prepared.tasks.count, "task")), "
                + "\(Human.count(prepared.inputs.count, "input")), "
                + Human.count(prepared.pipeline.outputs.count, "output"))
    }
}
