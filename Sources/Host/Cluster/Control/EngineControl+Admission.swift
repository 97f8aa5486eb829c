import FanfoldAPI
import FanfoldRuntime

/// What a submitted document may ask of the coordinator and of workers, decided before any of its
/// plugins is looked at.
extension EngineControl {
    /// Refuses queues that are not for whoever submits, plugins from outside the run's folder, what
    /// only an admin may grant, queues that there are not, and priorities that only an admin may ask
    /// for.
    static func admit(
        _ pipeline: Pipeline, _ submission: Submission, in folder: RunFolder, queues: QueueBook
    ) throws(ControlError) {
        let mayGrant = submission.mayGrant
        let refusal = queues.refusal(
            queue: pipeline.queue, user: submission.submitter, isAdmin: mayGrant)
        if let refusal { throw ControlError(.forbidden, refusal) }
        var problems = queues.problems(with: pipeline, isAdmin: mayGrant)
        let base = DocumentFile.simplified(folder.path) + "/"
        for (index, plugin) in pipeline.plugins.enumerated() {
            if let path = plugin.path,
                !DocumentFile.simplified(path).hasPrefix(base)
            {
                problems.append(
                    pipeline.diagnostic(
                        .pluginPath(index),
                        message: "wanted a plugin that was submitted with the pipeline, found the "
                            + "path \(path) of the coordinator's machine"))
            }
            guard !mayGrant, let asked = plugin.privilege else { continue }
            problems.append(
                pipeline.diagnostic(
                    .plugin(index),
                    message: "the plugin \"\(plugin.name)\" has \(asked), which only the "
                        + "submission of an admin may say",
                    help: "docs/security.md#what-a-submitter-can-make-workers-run"))
        }
        guard problems.isEmpty else { throw ControlError(places: problems) }
    }
}

extension ControlError {
    /// A document that cannot run, with the places.
    init(places diagnostics: [Diagnostic]) {
        self.init(
            .invalid, "the pipeline cannot run",
            places: diagnostics.map {
                .init(
                    line: $0.range?.start.line, column: $0.range?.start.column,
                    message: $0.message)
            })
    }
}
