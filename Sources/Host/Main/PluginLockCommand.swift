import ArgumentParser
import FanfoldPlugins
import FanfoldRuntime

/// `fanfold plugin lock`: accepts the plugins of a pipeline as they are now.
struct PluginLockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Records which plugins a pipeline may open, and what they are granted.",
        discussion: """
            Writes fanfold.lock beside the pipeline, or brings it up to date.  From then on a \
            plugin whose file, signer or grant differs is refused.  Bundled plugins are not locked. \
            What other pipelines of the folder recorded stays; remove the file to begin anew.
            """)

    @OptionGroup var document: PipelineOptions
    @OptionGroup var host: HostOptions

    func run() throws {
        let context = try HostContext(host)
        let pipeline = try document.load()
        let registry = context.registry.governed(by: context.registry.trust)
        var lock: PluginLock
        do throws(DocumentErrors) {
            lock =
                try LockFile.load(for: pipeline)
                ?? PluginLock(
                    path: LockFile.path(for: pipeline),
                    command: LockFile.command(for: pipeline))
            _ = try PreparedRun(pipeline, registry: registry, logger: context.logger)
        } catch {
            Terminal.complain(Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            throw Exit.usage
        }
        let plugins = registry.loadedPlugins.filter { !$0.origin.isBundled }
        for plugin in plugins {
            lock.record(PluginLock.Entry(plugin, grant: pipeline.grant(for: plugin)))
        }
        guard lock.entries.count <= PluginLock.maximumEntries else {
            Terminal.complain(
                "error: \(lock.path) would have \(lock.entries.count) plugins, at most "
                    + "\(PluginLock.maximumEntries) are allowed; remove it and lock again")
            throw Exit.usage
        }
        if let reason = LockFile.write(lock) {
            Terminal.complain("error: \(lock.path) cannot be written: \(reason)")
            throw Exit.runFailed
        }
        for plugin in plugins {
            let versions = plugin.components.map { "\($0.id) \($0.version)" }
            Terminal.print(
                "locked \(versions.joined(separator: ", ")): \(plugin.origin.summary); granted "
                    + pipeline.grant(for: plugin).summary)
        }
        Terminal.complain("wrote \(lock.path): \(Human.count(lock.entries.count, "plugin"))")
    }
}
