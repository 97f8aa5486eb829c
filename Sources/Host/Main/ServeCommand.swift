import ArgumentParser
import FanfoldAPI
import FanfoldCluster
import FanfoldPlugins
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc

/// `fanfold serve`: a coordinator for workers on other machines.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Coordinates workers and runs what is submitted, until it is stopped.",
        discussion: """
            Everything that was accepted is on disk: after a crash, the next `fanfold serve` on the \
            same state goes on where this one was. Ctrl-C stops the coordinator; workers keep what \
            they run and come back.

            SIGHUP has it read `queues:` of the settings again.

            On loopback, workers of this machine find their token in the state folder. On any other \
            address TLS is used, and workers join with a string from `fanfold token create --role worker`.
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions
    @OptionGroup var state: StateOptions

    @Option(help: ArgumentHelp("Where clients connect.", valueName: "host:port"))
    var listen = "127.0.0.1:7433"

    @Option(help: ArgumentHelp("Where workers connect.", valueName: "host:port"))
    var workers = "127.0.0.1:7434"

    @Flag(name: .customLong("tls"), help: "Want certificates of workers even on loopback.")
    var requiresTLS = false

    @Option(
        help: ArgumentHelp(
            "How much is written to the journal before a snapshot takes its place.",
            valueName: "size"))
    var snapshotAfter = "64MiB"

    @Option(
        help: ArgumentHelp(
            "How many ended runs are kept; older ones go with their files and outputs.",
            valueName: "count"))
    var keepRuns: Int?

    @Option(
        help: ArgumentHelp("How long an ended run is kept at most: 12h, 30d.", valueName: "time"))
    var keepFor: String?

    @Option(
        help: ArgumentHelp("The certificates of the API, PEM.", valueName: "file"),
        completion: .file())
    var certificate: String?

    @Option(
        help: ArgumentHelp("The private key of the API, PEM.", valueName: "file"),
        completion: .file())
    var key: String?

    func run() throws {
        let signals = SignalWatcher()
        LocalMachine.useAllDescriptors()
        let context = try HostContext(host, safeMode: trust.safeMode)
        let folder = state.folder(context.settings)
        let server: ClusterServer
        let api: ServedAPI
        do {
            let configuration = try apiConfiguration(folder)
            server = try ClusterServer(options(context, folder), logger: context.logger)
            let (address, recovery) = try server.start()
            tell(server, address, recovery)
            api = try ServedAPI(
                configuration, control: server.control, idempotency: server.idempotency,
                folder: folder, logger: context.logger)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.usage
        }
        Terminal.complain(
            "clients connect to \(api.address)" + Self.clientOptions(folder, host.config))
        let stop = StopSignal()
        let config = host.config
        signals.start(reload: { Self.reload(config, server) }) { count in
            if count > 1 { Exit.now(.interrupted) }
            stop.give()
        }
        stop.wait()
        Terminal.complain("stopping; workers keep what they run")
        api.stop()
        server.stop()
        context.removeScratch()
    }

    /// What the commands of this machine have to be told to find the coordinator of a folder.
    private static func clientOptions(_ folder: String, _ config: String?) -> String {
        func finds(_ path: String?) -> Bool {
            (try? Settings.load(path: path))?.resolvedServices.stateDirectory == folder
        }
        if finds(nil) { return "" }
        if let config, finds(config) {
            return "; commands on this machine want --config \(config)"
        }
        return "; commands on this machine want FANFOLD_ADDRESS, and FANFOLD_TOKEN from "
            + "\(folder)/api-token"
    }

    /// Reads the queues again; settings that are wrong change nothing.
    private static func reload(_ config: String?, _ server: ClusterServer) {
        do throws(DocumentErrors) {
            let book = try Settings.load(path: config).queueBook
            server.configure(book)
            Terminal.complain("queues: " + book.queues.map(\.spec.name).joined(separator: ", "))
        } catch {
            Terminal.complain(Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            Terminal.complain("error: the queues stay as they were")
        }
    }

    private func options(
        _ context: HostContext, _ folder: String
    ) throws -> ClusterServerOptions {
        guard let bytes = Sizes.bytes(snapshotAfter), bytes > 0 else {
            throw WorkerProblem(
                "--snapshot-after: wanted \(Sizes.wanted), found \(snapshotAfter)")
        }
        let history = context.history(in: folder)
        var options = ClusterServerOptions(
            folder: folder, workerAddress: try WireAddress(workers), requiresTLS: requiresTLS,
            strategyCallNanoseconds: UInt64(clamping: context.settings.strategyCallNanoseconds),
            preparer: { (path, overrides) throws(DocumentErrors) in
                try context.prepared(path, overrides, history: history)
            },
            fatal: { why in
                Terminal.complain(
                    "error: the coordinator ends, to be started again: \(why)")
                Exit.now(.runFailed)
            })
        options.snapshotBytes = Int(bytes)
        options.history = history
        options.scaling = try scaling(context, folder)
        options.placement = context.settings.placement
        options.policies = try policies(context)
        options.queues = context.settings.queueBook
        options.retention = try retention(context.settings)
        return options
    }

    /// Starts the policies that are plugins, if there are any.
    private func policies(_ context: HostContext) throws -> ClusterPolicies {
        let settings = context.settings
        let opening = PolicyOpening(
            registry: context.registry, helpers: context.helpers,
            settings: settings.policyPlugins, logger: context.logger)
        var policies = ClusterPolicies(
            placing: try settings.placement.plugin.map {
                try opening.open($0, isShadow: false)
            },
            shadow: try settings.placement.shadowPlugin.map {
                try opening.open($0, isShadow: true)
            })
        policies.setAsideNanoseconds = UInt64(
            clamping: settings.policyPlugins.setAsideNanoseconds)
        policies.askAgainNanoseconds = UInt64(
            clamping: settings.policyPlugins.askAgainNanoseconds)
        return policies
    }

    /// Starts the providers that pools name; `nil` without pools.
    private func scaling(_ context: HostContext, _ folder: String) throws -> ClusterScaling? {
        let settings = context.settings
        guard !settings.pools.isEmpty else { return nil }
        let named = Set(settings.pools.map(\.provider))
        let providers = try settings.providers.filter { named.contains($0.name) }.map {
            ClusterScaling.Provider(
                name: $0.name, fleet: try context.fleet($0, in: folder),
                isLocal: BuiltInProvider(use: $0.use) == .local)
        }
        warnOfFakes(settings)
        return ClusterScaling(
            pools: settings.pools, declaration: settings.scaling, providers: providers,
            memoryShare: settings.memoryShare)
    }

    private func warnOfFakes(_ settings: Settings) {
        for pool in settings.pools {
            let provider = settings.providers.first { $0.name == pool.provider }
            guard let provider, BuiltInProvider(use: provider.use) == .fake else { continue }
            Terminal.complain(
                "warning: pool \(pool.name) rents of \(provider.name), which is fake: its machines "
                    + "run nothing, so that they never join and are ended after five minutes; name "
                    + "another provider, `use: local` for processes of this machine, or try the "
                    + "settings with fanfold simulate or mode: observe")
        }
    }

    private func retention(_ settings: Settings) throws -> RunRetention {
        var retention = RunRetention()
        retention.runs = keepRuns ?? settings.keptRuns
        guard retention.runs >= 1 else {
            throw WorkerProblem("--keep-runs: wanted 1 or more, found \(retention.runs)")
        }
        var nanoseconds = settings.keptRunNanoseconds
        if let keepFor {
            guard let found = SchemaFormat.nanoseconds(keepFor), found > 0 else {
                throw WorkerProblem("--keep-for: wanted 90s, 15m, 12h or 30d, found \(keepFor)")
            }
            nanoseconds = found
        }
        retention.milliseconds = nanoseconds / 1_000_000
        return retention
    }

    private func apiConfiguration(_ folder: String) throws -> APIConfiguration {
        guard case .host(let host, let port) = try WireAddress(listen) else {
            throw WorkerProblem("--listen: wanted host:port, found \(listen)")
        }
        var tls: APIConfiguration.TLS?
        if let certificate, let key { tls = .files(certificates: certificate, key: key) }
        return APIConfiguration(host: host, port: port, tls: tls, localFolder: folder)
    }

    private func tell(_ server: ClusterServer, _ address: WireAddress, _ recovery: ClusterRecovery)
    {
        if recovery.report.last > 0 {
            Terminal.complain(
                "recovered \(recovery.report.last) records in "
                    + "\(recovery.nanoseconds / 1_000_000) ms; \(Human.count(recovery.runs, "run")) "
                    + (recovery.runs == 1 ? "goes on" : "go on"))
        }
        if let cut = recovery.report.cut {
            Terminal.complain(
                "warning: a damaged end of the journal was cut: \(cut.records) records from "
                    + "number \(cut.from) (\(cut.reason)); all is kept as it was in \(cut.keptIn)")
        }
        Terminal.complain("workers connect to \(address)")
        if let file = server.tokenFile {
            Terminal.complain(
                "start one on this machine with: fanfold worker --join \(address) "
                    + "--token-file \(file)")
        } else {
            Terminal.complain(
                "have one join with the string from: fanfold token create --role worker")
        }
    }
}

/// Where a coordinator keeps everything.
struct StateOptions: ParsableArguments {
    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "Where everything is kept; `state:` of the settings unless said.", valueName: "folder"),
        completion: .directory)
    var path: String?

    /// The folder as an absolute path.
    func folder(_ settings: Settings) -> String {
        path.map { DocumentFile.absolute($0, in: DocumentFile.workingDirectory) }
            ?? settings.resolvedServices.stateDirectory
    }
}
