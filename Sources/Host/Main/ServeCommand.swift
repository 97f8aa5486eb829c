import ArgumentParser
import FanfoldCluster
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

            On loopback, workers of this machine find their token in the state folder. On any other \
            address TLS is used, and workers join with a token from `fanfold token create`.
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var trust: TrustOptions
    @OptionGroup var state: StateOptions

    @Option(help: ArgumentHelp("Where workers connect.", valueName: "address"))
    var workers = "127.0.0.1:7334"

    @Flag(name: .customLong("tls"), help: "Want certificates of workers even on loopback.")
    var requiresTLS = false

    func run() throws {
        let signals = SignalWatcher()
        let context = try HostContext(host, safeMode: trust.safeMode)
        let server: ClusterServer
        do {
            server = try ClusterServer(
                ClusterServerOptions(
                    folder: state.folder, workerAddress: try WireAddress(workers),
                    requiresTLS: requiresTLS,
                    strategyCallNanoseconds: UInt64(
                        clamping: context.settings.strategyCallNanoseconds),
                    preparer: { (path, overrides) throws(DocumentErrors) in
                        try context.prepared(path, overrides)
                    }), logger: context.logger)
            let (address, recovery) = try server.start()
            tell(server, address, recovery)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.usage
        }
        let stop = StopSignal()
        signals.start { count in
            if count > 1 { Exit.now(.interrupted) }
            stop.give()
        }
        stop.wait()
        Terminal.complain("stopping; workers keep what they run")
        server.stop()
        context.removeScratch()
    }

    private func tell(_ server: ClusterServer, _ address: WireAddress, _ recovery: ClusterRecovery) {
        if recovery.report.last > 0 {
            Terminal.complain(
                "recovered \(recovery.report.last) records in "
                    + "\(recovery.nanoseconds / 1_000_000) ms; \(recovery.runs) runs go on")
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
            Terminal.complain("have one join with the string from: fanfold token create")
        }
    }
}

/// Where a coordinator keeps everything.
struct StateOptions: ParsableArguments {
    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "Where everything is kept; ~/.local/state/fanfold unless said.", valueName: "folder"),
        completion: .directory)
    var path: String?

    /// The folder as an absolute path.
    var folder: String {
        if let path { return DocumentFile.absolute(path, in: DocumentFile.workingDirectory) }
        if let folder = getenv("XDG_STATE_HOME") { return String(cString: folder) + "/fanfold" }
        return (getenv("HOME").map { String(cString: $0) } ?? "") + "/.local/state/fanfold"
    }
}
