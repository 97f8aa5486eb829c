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

    @Flag(help: "List the files that travel with it when it is submitted.")
    var files = false

    func run() throws {
        let context = try HostContext(host, safeMode: trust.safeMode)
        let prepared = try context.prepare(try document.load())
        Terminal.print(
            "\(document.pipeline): fine: \(Human.count(prepared.tasks.count, "task")), "
                + "\(Human.count(prepared.inputs.count, "input")), "
                + Human.count(prepared.pipeline.outputs.count, "output"))
        if files { for line in Self.lines(of: prepared.pipeline) { Terminal.print(line) } }
    }

    /// What travels, a line each, and what cannot.
    static func lines(of pipeline: Pipeline) -> [String] {
        guard !pipeline.files.isEmpty else { return [] }
        return ["files that travel with `fanfold submit`:"]
            + pipeline.files.map { "  \($0.path)  (\($0.reason.rawValue))" }
    }
}
