import ArgumentParser
import FanfoldCluster
import FanfoldCore
import FanfoldPlugins
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc

/// `fanfold worker`: offers this machine to a coordinator.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs subtasks for a coordinator, until it is drained or stopped.",
        discussion: """
            A worker outlives its connection and the coordinator: what runs goes on, and is handed \
            in over the next connection. Ctrl-C drains it: it takes nothing new and ends what it \
            runs; again, and it leaves at once.
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions

    @Option(
        help: ArgumentHelp(
            "Where the coordinator is: a join string, or an address.", valueName: "where"))
    var join: String?

    @Option(
        help: ArgumentHelp("A file with a join string, instead of --join.", valueName: "file"),
        completion: .file())
    var joinFile: String?

    @Option(
        help: ArgumentHelp(
            "The token of a coordinator on this machine.", valueName: "file"), completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Where identity and cache are kept; ~/.local/state/fanfold-worker unless said.",
            valueName: "folder"), completion: .directory)
    var state: String?

    @Option(
        help: ArgumentHelp(
            "Where other workers fetch what it has: HOST:PORT, none, or auto, which is a free port "
                + "of the address from which it reaches the coordinator.", valueName: "where"))
    var listen = "auto"

    @Option(help: "What it is called; the name of the machine unless said.")
    var name: String?

    @Option(help: "Cores that it offers; all that this process may use unless said.")
    var cpus: Double?

    @Option(help: ArgumentHelp("Memory that it offers, such as 8GiB.", valueName: "size"))
    var memory: String?

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp("What subtasks may ask for by label.", valueName: "NAME=VALUE"))
    var labels: [String] = []

    @Option(
        help: ArgumentHelp(
            "How long it stays without its coordinator, such as 15m; for ever unless said.",
            valueName: "time"))
    var lease: String?

    @Option(
        help: ArgumentHelp(
            "A file that is touched as long as the coordinator is there.", valueName: "file"),
        completion: .file())
    var aliveFile: String?

    func validate() throws {
        guard (join == nil) != (joinFile == nil) else {
            throw ValidationError("wanted either --join or --join-file")
        }
        if let lease, SchemaFormat.nanoseconds(lease).map({ $0 > 0 }) != true {
            throw ValidationError("--lease: wanted a time such as 15m, found \(lease)")
        }
    }

    func run() throws {
        let signals = SignalWatcher()
        if !LiveGroups.startWarden() {
            Terminal.complain(
                "warning: if this process is killed, what its commands have started may go on")
        }
        let context = try HostContext(host, safeMode: trust.safeMode)
        let worker: ClusterWorker
        do {
            worker = try ClusterWorker(
                try options(context), entrance: try entrance(), logger: context.logger,
                meter: WorkerMeter(folder: folder).read)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.usage
        }
        signals.start { count in
            if count > 1 {
                LiveGroups.killAll()
                context.discardScratch()
                Exit.now(.interrupted)
            }
            Terminal.complain("draining: ending what runs (again to leave at once)")
            worker.drain(reason: "it was interrupted")
        }
        let end = worker.run()
        Terminal.complain("the worker has ended: \(end.reason)")
        context.removeScratch()
        if end.isRefused { throw Exit.notAllowed }
    }

    private func entrance() throws -> WorkerEntrance {
        let join = try joinText()
        if join.hasPrefix("fanfold-join:") { return .join(try JoinString(join)) }
        let address = try WireAddress(join)
        guard let tokenFile else { return .certificate(address) }
        return .loopback(address, token: try ClusterToken.read(tokenFile))
    }

    private func joinText() throws -> String {
        guard let joinFile else { return join ?? "" }
        do throws(SmallFile.Problem) {
            let text = try SmallFile.text(joinFile)
            return text.split(whereSeparator: \.isWhitespace).joined()
        } catch {
            throw WorkerProblem("--join-file: \(error)")
        }
    }

    private func options(_ context: HostContext) throws -> WorkerAgentOptions {
        var capabilities = WireCapabilities(MachineFacts())
        capabilities.diskBytes = MachineFacts.freeDisk(folder) ?? 0
        capabilities.take(GraphicsCards(), context.logger)
        // Who says how much to offer is believed, whatever the control group allows.
        if let cpus {
            capabilities.milliCores = Int64(cpus * 1_000)
            capabilities.cgroupMilliCores = 0
        }
        if let memory {
            capabilities.memoryBytes = try Self.bytes(memory)
            capabilities.cgroupMemoryBytes = 0
        } else {
            capabilities.memoryBytes = Int64(
                Double(LocalMachine.memoryBytes) * context.settings.memoryShare)
        }
        for label in labels {
            let parts = label.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw WorkerProblem("--label: wanted NAME=VALUE, found \(label)")
            }
            capabilities.labels[parts[0]] = parts[1]
        }
        var options = WorkerAgentOptions(
            folder: folder, name: name ?? capabilities.hostName,
            scratchDirectory: context.scratchDirectory, helperPath: context.helperPath,
            capabilities: capabilities, executors: context.executors(),
            shippedExecutors: { context.shippedExecutors($0) })
        options.version = Version.text
        options.listening = try PeerListening(listen)
        if let lease, let time = SchemaFormat.nanoseconds(lease) {
            options.lease = WorkerLease(
                nanoseconds: UInt64(clamping: time), aliveFile: aliveFile ?? "")
        }
        return options
    }

    private var folder: String {
        if let state { return DocumentFile.absolute(state, in: DocumentFile.workingDirectory) }
        if let folder = Terminal.environment("XDG_STATE_HOME") { return folder + "/fanfold-worker" }
        return (Terminal.environment("HOME") ?? "") + "/.local/state/fanfold-worker"
    }

    private static func bytes(_ text: String) throws -> Int64 {
        guard let count = Sizes.bytes(text) else {
            throw WorkerProblem("--memory: wanted \(Sizes.wanted), found \(text)")
        }
        return count
    }
}

/// Stands until somebody gives it.
final class StopSignal: Sendable {
    private let signals = Mailbox<Void>()

    func give() { signals.post(()) }

    func wait() { while signals.takeAll().isEmpty {} }
}
