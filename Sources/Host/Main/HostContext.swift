import CFanfoldSystem
import FanfoldCluster
import FanfoldPlugins
import FanfoldPrediction
import FanfoldRuntime
import FanfoldServices
@preconcurrency import Glibc
import Logging

/// What every command that runs or loads something begins with: settings, log, plugins, folders.
final class HostContext: Sendable {
    let settings: Settings
    let registry: PluginRegistry
    let logger: Logger
    private let services: ServiceFactory
    /// The folder that this program lies in: the plugins and the helper lie beside it.
    let executableDirectory: String
    /// A folder of this process under the scratch directory.
    let scratchDirectory: String

    /// Reads the settings and makes the scratch folder.
    ///
    /// Parameter safeMode: Whether only bundled plugins are opened.
    init(_ options: HostOptions, safeMode: Bool = false) throws {
        do throws(DocumentErrors) {
            settings = try Settings.load(path: options.config)
        } catch {
            Terminal.complain(
                Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            throw Exit.usage
        }
        executableDirectory = Self.directory(of: Self.executablePath)
        let level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .warning
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        logger = Logger(label: "fanfold")
        var trust = TrustPolicy(bundledFolders: [executableDirectory])
        trust.allowedKeys = settings.resolvedKeys
        trust.requiresSignature = settings.requiresSignature
        trust.isSafeMode = safeMode
        registry = PluginRegistry(
            searchPath: settings.resolvedSearchPath + [executableDirectory],
            cacheDirectory: settings.resolvedCacheDirectory,
            wellKnownSchemas: PipelineSchema.wellKnown, trust: trust, logger: logger)
        services = ServiceFactory(
            settings: settings.resolvedServices, hostVersion: HelperSettings.hostVersion,
            logger: logger)
        scratchDirectory = try ScratchFolder.make(in: settings.resolvedScratchDirectory)
    }

    deinit {
        removeScratch()
    }

    /// Where native functions run.
    var helperPath: String { executableDirectory + "/fanfold-helper" }

    /// How plugins get processes of their own.
    var helpers: HelperSettings {
        HelperSettings(
            helperPath: helperPath, reportDirectory: settings.resolvedCacheDirectory + "/crashes")
    }

    /// How often a progress bar is drawn, in nanoseconds.
    var progressNanoseconds: UInt64 { UInt64(clamping: settings.progressNanoseconds) }

    /// Loads what a pipeline names and its lock allows; what is wrong is printed.
    func prepare(_ pipeline: Pipeline) throws -> PreparedRun {
        for warning in pipeline.warnings {
            Terminal.complain(warning.rendered(color: Terminal.hasColour))
        }
        let pipeline = Self.filled(pipeline, from: history())
        do throws(DocumentErrors) {
            var trust = registry.trust
            trust.lock = try LockFile.load(for: pipeline)
            let registry = registry.governed(by: trust)
            let run = try PreparedRun(
                pipeline, registry: registry, helpers: helpers,
                services: { [services] component, grant in
                    services.services(
                        component: component.id, version: component.version, grant: grant)
                },
                logger: logger)
            if trust.lock == nil { sayGrants(of: registry.loadedPlugins, in: pipeline) }
            return run
        } catch {
            Terminal.complain(
                Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            throw Exit.usage
        }
    }

    /// What attempts used, in a state folder; that of the settings unless said.
    func history(in folder: String? = nil, runName: String? = nil) -> HistoryFile {
        HistoryFile(
            path: (folder ?? settings.resolvedServices.stateDirectory) + "/history.csv",
            runName: runName, logger: logger)
    }

    /// The pipeline with the needs that it leaves to predictions; a history that cannot be read is
    /// none.
    private static func filled(_ pipeline: Pipeline, from history: HistoryFile) -> Pipeline {
        guard pipeline.hasAutoNeeds else { return pipeline }
        var pipeline = pipeline
        do throws(HistoryFileError) {
            pipeline.fillNeeds(from: try history.predictor(of: pipeline.autoClasses))
        } catch {
            Terminal.complain("warning: \(error); needs: auto begins without a history")
            pipeline.fillNeeds(from: Predictor())
        }
        return pipeline
    }

    /// Loads what a document names, without a word on the terminal.
    ///
    /// - Parameter history: what `needs: auto` is predicted from.
    func prepared(
        _ path: String, _ overrides: [RunSetting], history: HistoryFile
    ) throws(DocumentErrors) -> PreparedRun {
        let pipeline = Self.filled(
            try Pipeline.load(
                path: path, overrides: overrides.map { .set("\($0.key)=\($0.value)") }),
            from: history)
        var trust = registry.trust
        trust.lock = try LockFile.load(for: pipeline)
        // Without a lock the policy is the registry's own, which knows what it has loaded.
        let governed = trust.lock == nil ? registry : registry.governed(by: trust)
        return try PreparedRun(
            pipeline, registry: governed, helpers: helpers,
            services: { [services] component, grant in
                services.services(
                    component: component.id, version: component.version, grant: grant)
            },
            logger: logger)
    }

    /// A provider that the settings name, running.
    ///
    /// - Parameter folder: the state folder; that of the settings unless said.
    func fleet(
        _ declaration: ProviderDeclaration, in folder: String? = nil
    ) throws(ProviderProblem) -> any Fleet {
        try ProviderOpening(
            registry: registry, helpers: helpers,
            stateFolder: folder ?? settings.resolvedServices.stateDirectory,
            programFolder: executableDirectory,
            services: { [services] component, grant in
                services.services(
                    component: component.id, version: component.version, grant: grant)
            }, logger: logger
        ).open(declaration)
    }

    /// The executors that a worker offers: bundled plugins and those on the search path.
    func executors() -> ExecutorPlugins {
        ExecutorPlugins(
            logger: logger,
            services: { [services] _, component in
                services.services(
                    component: component.id, version: component.version, grant: .nothing)
            }
        ) { [registry] (use) throws(PluginLoadError) in
            try Self.executor(use, in: registry)
        }
    }

    /// The executors of plugins that came with a run, each in a process of its own.
    func shippedExecutors(_ plugins: [PluginDeclaration]) -> ExecutorPlugins {
        ExecutorPlugins.shipped(
            plugins, registry: registry.governed(by: registry.trust), helpers: helpers,
            services: { [services] component, grant in
                services.services(
                    component: component.id, version: component.version, grant: grant)
            }, logger: logger
        ) { [registry] (use) throws(PluginLoadError) in
            try Self.executor(use, in: registry)
        }
    }

    private static func executor(
        _ use: String, in registry: PluginRegistry
    ) throws(PluginLoadError) -> (LoadedPlugin, ComponentDescriptor) {
        let plugin = try registry.plugin(providing: use)
        guard
            let component = plugin.components.first(where: { $0.id == use || $0.shortID == use })
        else { throw .notFound(name: use, available: [], searched: []) }
        return (plugin, component)
    }

    /// What is granted is said as long as no lock records it.
    private func sayGrants(of plugins: [LoadedPlugin], in pipeline: Pipeline) {
        for plugin in plugins where !plugin.origin.isBundled {
            let asking = plugin.components.filter {
                !PluginGrant.nothing.lacking(of: $0.needsServices).isEmpty
            }
            guard !asking.isEmpty else { continue }
            Terminal.complain(
                "note: \(asking.map(\.id).joined(separator: ", ")) (\(plugin.origin.summary)) is "
                    + "granted \(pipeline.grant(for: plugin).summary); to record that: "
                    + LockFile.command(for: pipeline))
        }
    }

    /// The local workers that the options and the settings ask for.
    func workers(_ options: WorkerOptions) -> [LocalWorkerPlan] {
        let cores = options.cpus ?? LocalMachine.cores
        let wanted = options.workers ?? settings.workerCount
        return LocalMachine.workers(
            count: wanted > 0 ? wanted : cores, cores: cores, memoryShare: settings.memoryShare)
    }

    /// What a run needs to know of this machine.
    func engineOptions(_ options: WorkerOptions) -> EngineOptions {
        EngineOptions(
            workers: workers(options), scratchDirectory: scratchDirectory,
            helperPath: helperPath,
            strategyCallNanoseconds: UInt64(clamping: settings.strategyCallNanoseconds))
    }

    /// Removes the scratch folder if nothing is left in it.
    func removeScratch() {
        rmdir(scratchDirectory)
    }

    /// Removes the scratch folder with all that is in it; afterwards nothing can run.
    func discardScratch() {
        fan_remove_tree(scratchDirectory)
    }

    /// The file of this program.
    static var executablePath: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? 0
        }
        return count > 0
            ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments[0]
    }

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
