import ArgumentParser
import FanfoldJSON
import FanfoldRuntime

/// `fanfold run`: the coordinator and local workers in one process, without a server.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a pipeline on this machine.",
        discussion: """
            Outputs without `file:` are printed on standard output; progress and the summary go to \
            standard error. Ctrl-C ends everything that runs and says what was done.
            """)

    @OptionGroup var document: PipelineOptions
    @OptionGroup var place: PlaceOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions
    @OptionGroup var machine: WorkerOptions

    @Option(help: "table: results and a summary; json: one report; quiet: results only.")
    var output: OutputStyle = .table

    func run() throws {
        // Before any thread is made, so that only the watcher gets the signals.
        let signals = SignalWatcher()
        // Without it only the children themselves end when this process is killed.
        _ = LiveGroups.startWarden()
        let context = try HostContext(host, safeMode: trust.safeMode)
        let pipeline = try document.load(place)
        let problems = context.settings.queueBook.problems(with: pipeline, isAdmin: true)
        guard problems.isEmpty else {
            Terminal.complain(Diagnostic.render(problems, color: Terminal.hasColour))
            throw Exit.usage
        }
        let prepared = try context.prepare(pipeline)
        var options = context.engineOptions(machine)
        options.queues = context.settings.queueBook.specs
        options.history = context.history(runName: EffCommand.localRunName())
        let engine = Engine(run: prepared, options: options)
        signals.start { count in
            if count > 1 {
                Terminal.complain("interrupted again; what ran was killed")
                LiveGroups.killAll()
                context.discardScratch()
                Exit.now(.interrupted)
            }
            engine.cancel(reason: "interrupted; ending what runs (again to leave at once)")
        }
        let progress = ProgressDisplay(engine: engine, style: output, context: context)
        progress.start()
        let report = engine.execute()
        progress.stop()
        context.removeScratch()
        try finish(report, interrupted: signals.count > 0)
    }

    private func finish(_ report: RunReport, interrupted: Bool) throws {
        let outputs: RunOutputs
        do {
            outputs = try RunOutputs(report, inline: output == .json)
        } catch {
            Terminal.complain("error: an output could not be written: \(error)")
            throw Exit.runFailed
        }
        switch output {
        case .json:
            var object = report.json.objectValue ?? JSONObject()
            object["outputs"] = outputs.json
            Terminal.print(JSON.object(object).prettyText)
        case .table:
            Terminal.show(RunSummary(report, written: outputs.written).text)
        case .quiet:
            if !report.isComplete { Terminal.show(RunSummary(report, written: []).text) }
        }
        if interrupted { throw Exit.interrupted }
        if !report.isComplete { throw Exit.runFailed }
    }
}
