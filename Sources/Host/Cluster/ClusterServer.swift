import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc
import Logging
import Synchronization

/// What a coordinator is told.
package struct ClusterServerOptions: Sendable {
    /// Makes a document ready to run: loads its plugins, opens its inputs.
    package typealias Preparer =
        @Sendable (_ path: String, _ overrides: [RunSetting]) throws(DocumentErrors) -> PreparedRun

    /// Where everything is kept; an absolute path.
    package var folder: String
    /// Where workers connect.
    package var workerAddress: WireAddress
    /// Whether workers need certificates even on loopback.
    package var requiresTLS: Bool
    /// How long one call to a strategy may take, in nanoseconds.
    package var strategyCallNanoseconds: UInt64
    /// Bytes of records after which a snapshot is written, at the earliest: as many as the last one
    /// had are waited for as well.
    package var snapshotBytes = 64 << 20
    /// Ended runs that are kept, and for how long; older ones go with their files.
    package var retention = RunRetention()
    /// How workers are chosen.
    package var placement = PlacementSettings()
    /// Policies that are plugins, as ``placement`` names them.
    package var policies = ClusterPolicies()
    /// Makes a document ready to run.
    package var preparer: Preparer
    /// Where it is told what attempts used; `nil` forgets it.
    package var history: (any HistoryKeeper)?
    /// Where workers are rented; `nil` if people start them.
    package var scaling: ClusterScaling?
    /// The queues that runs may be in.
    package var queues = QueueBook()
    /// Ends the process, which has to be started again, and says why.
    package var fatal: @Sendable (String) -> Never

    /// Options.
    package init(
        folder: String, workerAddress: WireAddress, requiresTLS: Bool,
        strategyCallNanoseconds: UInt64, preparer: @escaping Preparer,
        fatal: @escaping @Sendable (String) -> Never
    ) {
        self.folder = folder
        self.workerAddress = workerAddress
        self.requiresTLS = requiresTLS
        self.strategyCallNanoseconds = strategyCallNanoseconds
        self.preparer = preparer
        self.fatal = fatal
    }
}

/// What recovery found, for the log of a coordinator that starts.
package struct ClusterRecovery: Sendable {
    /// What the journal says.
    package var report: RecoveryReport
    /// Runs that go on.
    package var runs: Int
    /// How long it took, in nanoseconds.
    package var nanoseconds: UInt64
}

/// A coordinator: the engine with its journal, its blobs and its workers.
package final class ClusterServer: Sendable {
    /// What clients may ask.
    package var control: any ControlPlane { engineControl }
    /// Answers to requests that come again, those of earlier processes included.
    package var idempotency: any IdempotencyStore { answers }
    private let engineControl: EngineControl
    private let answers: JournalAnswers
    private let revocations = Revocations()
    /// Fingerprint of the authority that workers must trust; `nil` without TLS.
    package let authority: [UInt8]?
    /// The file with the token of workers of this machine; `nil` with TLS.
    package let tokenFile: String?
    private let engine: EngineHost
    private let journal: EngineJournal
    private let hub: WorkerHub
    private let listener: WireServer
    private let served: ServedBlobs
    private let fetcher: BlobFetcher
    private let options: ClusterServerOptions
    private let logger: Logger
    private let tokens: JoinTokens
    private let outputs: OutputPlaces
    private let desk: ScalingDesk?
    private let policyDesk: PolicyDesk

    /// Opens the state; ``start()`` recovers it and serves.
    package init(_ options: ClusterServerOptions, logger: Logger) throws {
        self.options = options
        self.logger = logger
        try PrivateFolder.make(options.folder)
        let runsFolder = options.folder + "/runs"
        try PrivateFolder.make(runsFolder)
        let blobs = try BlobStore(folder: options.folder + "/blobs", logger: logger)
        let journal = try EngineJournal(
            folder: options.folder + "/journal", blobs: blobs,
            leastSnapshotBytes: options.snapshotBytes, logger: logger, fatal: options.fatal)
        let outputs = OutputPlaces(runsFolder: runsFolder)
        let engine = EngineHost(
            options: LoopOptions(
                strategyCallNanoseconds: options.strategyCallNanoseconds, log: journal,
                keepOutput: { (task, output) throws(DataError) in
                    try outputs.keep(output, of: task)
                }, history: options.history, outcomes: options.policies.outcomes))
        served = ServedBlobs(store: blobs)
        fetcher = BlobFetcher(store: blobs) { job in _ = PlainThread(name: "blob-fetch", job) }
        let epoch = try PrivateFolder.count(options.folder + "/starts")
        let isPlain = options.workerAddress.isLoopback && !options.requiresTLS
        hub = WorkerHub(
            engine: engine, store: blobs, served: served, fetcher: fetcher, epoch: epoch,
            sharesFiles: isPlain, revocations: revocations, logger: logger)
        tokens = JoinTokens(engine: engine)
        journal.stalled = { [weak engine] isStalled in
            if isStalled { engine?.stall() } else { engine?.goOn() }
        }
        desk = try Self.desk(
            options, engine: engine, hub: hub, tokens: tokens, journal: journal, logger: logger)
        policyDesk = PolicyDesk(options.policies, engine: engine, logger: logger)
        engineControl = EngineControl(
            engine: engine, journal: journal, blobs: blobs, hub: hub, tokens: tokens,
            outputs: outputs, runsFolder: runsFolder, retention: options.retention,
            preparer: options.preparer, history: options.history, desk: desk,
            policyDesk: policyDesk, logger: logger)
        answers = JournalAnswers(engineControl, logger: logger)
        self.engine = engine
        self.journal = journal
        self.outputs = outputs
        let security: WireServerSecurity
        if isPlain {
            let file = options.folder + "/worker.token"
            security = .loopback(token: try PrivateFolder.secret(file))
            tokenFile = file
            authority = nil
        } else {
            try PrivateFolder.make(options.folder + "/authority")
            let made = try CertificateAuthority.open(folder: options.folder + "/authority")
            security = .coordinator(
                made, tokens: tokens,
                isRevoked: { [revocations] uid, _ in revocations.contains(uid) })
            tokenFile = nil
            authority = made.fingerprint
        }
        listener = WireServer(
            address: options.workerAddress, security: security, delegate: hub, logger: logger)
    }

    private static func desk(
        _ options: ClusterServerOptions, engine: EngineHost, hub: WorkerHub, tokens: JoinTokens,
        journal: EngineJournal, logger: Logger
    ) throws -> ScalingDesk? {
        guard let scaling = options.scaling else { return nil }
        let said = scaling.declaration.owner
        return ScalingDesk(
            scaling, owner: said.isEmpty ? try PrivateFolder.owner(options.folder) : said,
            engine: engine, hub: hub, tokens: tokens, journal: journal, logger: logger)
    }

    /// Recovers the state, then lets workers in.
    ///
    /// - Returns: where workers connect, and what was recovered.
    package func start() throws -> (workers: WireAddress, recovery: ClusterRecovery) {
        let recovered = RecoveryBox()
        engine.start(
            recover: { [self] loop in
                recovered.give(Result { try recover(&loop) })
            },
            woke: { [hub] now in hub.woke(now) },
            turned: { [self] loop in
                hub.turned(&loop)
                engineControl.turned(&loop)
                desk?.turned(&loop)
                policyDesk.turned(&loop)
                if journal.isSnapshotDue {
                    journal.writeSnapshot(of: loop) { [engine] body in
                        engine.perform { _, _ in body() }
                    }
                }
            })
        let recovery = try recovered.wait()
        let address = try listener.start()
        if let authority { tokens.open(at: address, authority: authority) }
        engineControl.open()
        desk?.open(at: address, tokenFile: tokenFile)
        return (address, recovery)
    }

    private func recover(_ loop: inout EngineLoop) throws -> ClusterRecovery {
        let began = monotonicNanoseconds()
        let (last, report) = try journal.recover(into: &loop) { hub.recovered($0) }
        engineControl.recovered(loop)
        let kept = try journal.allTokens()
        revocations.recover(kept)
        tokens.recover(
            kept, joined: hub.uids,
            store: { [journal] in journal.change($0) })
        loop.resume(
            after: last,
            prepare: { [options, engineControl] run in
                engineControl.prepareAgain(run, options.preparer)
            },
            output: { [outputs] task in outputs.output(of: task) })
        loop.place(by: options.placement, at: loop.now)
        engineControl.configure(options.queues, &loop, at: loop.now)
        hub.resume(&loop, at: loop.now)
        desk?.recovered(loop)
        // Pools that the settings named before name none now.
        if desk == nil, loop.supply != .given {
            loop.handle(.supplyChanged(.given), at: loop.now)
        }
        return ClusterRecovery(
            report: report, runs: loop.runs.filter { $0.outcome == nil }.count,
            nanoseconds: monotonicNanoseconds() - began)
    }

    /// The queues are these from now on.
    package func configure(_ queues: QueueBook) {
        engine.perform { [engineControl] loop, now in
            engineControl.configure(queues, &loop, at: now)
        }
    }

    /// Stops serving; workers go on with what they have and come back to the next coordinator.
    package func stop() {
        listener.stop(reason: "the coordinator is stopping")
        journal.stop()
        engine.stop()
        desk?.close()
        policyDesk.close()
        fetcher.close()
        served.close()
        hub.close()
        do {
            try journal.close()
        } catch {
            logger.error("the journal could not be closed", metadata: ["why": "\(error)"])
        }
    }
}

/// What the loop's thread found, for the thread that started it.
private final class RecoveryBox: Sendable {
    private let value = Mutex<Result<ClusterRecovery, any Error>?>(nil)
    private let isThere = TimedSemaphore()

    func give(_ outcome: Result<ClusterRecovery, any Error>) {
        value.withLock { $0 = outcome }
        isThere.signal()
    }

    func wait() throws -> ClusterRecovery {
        while true {
            if isThere.wait(.seconds(3_600)), let found = value.withLock({ $0 }) {
                return try found.get()
            }
        }
    }
}
