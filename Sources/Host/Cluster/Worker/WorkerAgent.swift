import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc
import Logging
import Synchronization

/// What a worker process uses of its machine.
package struct WorkerUse: Hashable, Sendable {
    /// Thousandths of a core, since the last look.
    package var milliCores: Int64
    /// Bytes that are resident.
    package var memoryBytes: Int64
    /// Bytes that are free where the worker's folder is.
    package var freeDiskBytes: Int64
    /// Of each GPU that is offered, in that order; empty if one of them did not answer.
    package var graphics: [GraphicsUse]

    /// What one GPU does, whoever has it do so.
    package struct GraphicsUse: Hashable, Sendable {
        /// How much of the last moment it was busy: 0 to 100.
        package var percent: Int
        /// Bytes of its memory that are in use.
        package var memoryBytes: Int64

        /// What was measured.
        package init(percent: Int, memoryBytes: Int64) {
            self.percent = percent
            self.memoryBytes = memoryBytes
        }
    }

    /// What was measured.
    package init(
        milliCores: Int64, memoryBytes: Int64, freeDiskBytes: Int64, graphics: [GraphicsUse] = []
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.freeDiskBytes = freeDiskBytes
        self.graphics = graphics
    }
}

/// Why a worker process ended.
package struct WorkerEnd: Hashable, Sendable {
    /// For people.
    package var reason: String
    /// Whether the coordinator does not let it in, now or any more.
    package var isRefused: Bool
}

/// What a worker process is told.
package struct WorkerAgentOptions: Sendable {
    /// Where its identity and its cache are kept; an absolute path.
    package var folder: String
    /// For people.
    package var name: String
    /// The version of the program, for people.
    package var version = ""
    /// Where attempts get their working directories.
    package var scratchDirectory: String
    /// The executable that runs native functions and plugins.
    package var helperPath: String
    /// What it says of itself.
    package var capabilities: WireCapabilities
    /// Executors that plugins bring.
    package var executors: ExecutorPlugins?
    /// Where other workers fetch blobs from it.
    package var listening = PeerListening.automatic
    /// How long it stays without its coordinator; `nil` for ever.
    package var lease: WorkerLease?
    /// Executors of plugins that come with a run.
    package var shippedExecutors: @Sendable ([PluginDeclaration]) -> ExecutorPlugins

    /// Options.
    package init(
        folder: String, name: String, scratchDirectory: String, helperPath: String,
        capabilities: WireCapabilities, executors: ExecutorPlugins?,
        shippedExecutors: @escaping @Sendable ([PluginDeclaration]) -> ExecutorPlugins
    ) {
        self.folder = folder
        self.name = name
        self.scratchDirectory = scratchDirectory
        self.helperPath = helperPath
        self.capabilities = capabilities
        self.executors = executors
        self.shippedExecutors = shippedExecutors
    }
}

/// A worker: takes orders over a connection, runs them, and hands in what came of them.
///
/// It outlives its connection: what runs goes on while there is none, and what ended is kept until
/// the coordinator has it on disk.
final class WorkerAgent: WireClientDelegate {
    /// Bytes of a result that travel within the message; longer ones are fetched.
    static let inlineBytes = RemoteWorker.inlineBytes

    private let options: WorkerAgentOptions
    private let logger: Logger
    private let uid: String
    private let store: BlobStore
    private let served: ServedBlobs
    private let servedToPeers: CountedBlobs
    private let peers: PeerConnections
    private let revoked = RevokedPeers()
    private let listener = Mutex<(PeerListener, told: WireAddress)?>(nil)
    private let fetcher: BlobFetcher
    private let held: HeldEnds
    private let news: AttemptNews
    private let parts = Mutex<Parts?>(nil)
    private let state = Mutex(State())
    private let ended = TimedSemaphore()
    private let meter: @Sendable () -> WorkerUse

    /// What is made once the agent is there to be told.
    private struct Parts: Sendable {
        var worker: LocalWorker
        var intake: OrderIntake
    }

    private struct State {
        var session: WireSession?
        var heartbeatMilliseconds: UInt64 = 1_000
        var beats: UInt64 = 0
        var isDraining = false
        var end: WorkerEnd?
    }

    /// A worker that is not connected yet.
    ///
    /// - Parameter meter: what this process and its children use now.
    init(
        _ options: WorkerAgentOptions, uid: String, store: BlobStore, logger: Logger,
        meter: @escaping @Sendable () -> WorkerUse
    ) {
        self.options = options
        self.uid = uid
        self.store = store
        self.logger = logger
        self.meter = meter
        news = AttemptNews(folder: options.folder + "/logs")
        served = ServedBlobs(store: store)
        servedToPeers = CountedBlobs(served)
        peers = PeerConnections(uid: uid, revoked: revoked)
        fetcher = BlobFetcher(store: store) { job in _ = PlainThread(name: "blob-fetch", job) }
        let intake = Mutex<OrderIntake?>(nil)
        held = HeldEnds { blobs, attempts in
            // What cannot be unpinned is collected when the store is opened next.
            try? store.unpin(blobs, for: StoredResult.owner)
            intake.withLock { $0 }?.forget(attempts)
        }
        let executor = ExecutorHost(
            scratchDirectory: options.scratchDirectory, helperPath: options.helperPath,
            executors: options.executors, graphics: options.capabilities.gpus.map(\.uuid),
            graphicsMemory: options.capabilities.gpus.isEmpty ? nil : GraphicsMemory())
        let worker = LocalWorker(
            id: WorkerID(0), name: options.name, executor: executor, witness: news
        ) {
            [weak self] _, notice in self?.tell(notice)
        }
        let made = OrderIntake(
            worker: worker, store: store, fetcher: fetcher, peers: peers,
            filesFolder: options.folder + "/files",
            runs: RunPlaces(
                folder: options.folder + "/runs",
                tools: RunPlaces.Tools(
                    store: store, fetcher: fetcher, executors: options.shippedExecutors,
                    logger: logger)),
            logger: logger
        ) {
            [weak self] ended in self?.tell(.ended(ended))
        }
        intake.withLock { $0 = made }
        parts.withLock { $0 = Parts(worker: worker, intake: made) }
    }

    /// Has other workers fetch blobs from here, and asks them for theirs, before it connects.
    func meetPeers(
        towards coordinator: WireAddress, as identity: PeerIdentity
    ) throws(WorkerProblem) {
        let started = try options.listening.start(
            towards: coordinator, as: identity, blobs: servedToPeers, revoked: revoked,
            logger: logger)
        if let started {
            logger.notice("other workers connect here", metadata: ["address": "\(started.told)"])
            listener.withLock { $0 = (started.listener, started.told) }
        }
        // The token of loopback comes with Welcome.
        if case .certificate = identity { peers.use(identity) }
    }

    /// From now on other workers know this one by something else.
    private func useAmongPeers(_ identity: PeerIdentity) {
        peers.use(identity)
        do throws(IdentityError) {
            try listener.withLock { $0?.0 }?.use(identity)
        } catch {
            logger.error("other workers will not be let in", metadata: ["why": "\(error)"])
        }
    }

    /// These workers have no blobs of this one any more, nor this one of them.
    private func leave(_ uids: Set<String>) {
        listener.withLock { $0?.0 }?.close(uids)
        peers.close(uids)
    }

    /// Beats until the worker is to end.
    ///
    /// - Returns: why it ended.
    func run() -> WorkerEnd {
        while true {
            let (interval, end) = state.withLock { ($0.heartbeatMilliseconds, $0.end) }
            if let end { return end }
            _ = ended.wait(.milliseconds(Int64(interval)))
            beat()
            renew()
            endIfDrained()
        }
    }

    /// Ends what runs and everything else; ``run()`` has returned.
    func stop(reason: String) {
        parts.withLock { $0 }?.worker.stop(reason: reason)
        listener.withLock { $0?.0 }?.stop(reason: reason)
        peers.close()
        fetcher.close()
        served.close()
    }

    /// Has ``run()`` return.
    func end(reason: String) { end(WorkerEnd(reason: reason, isRefused: false)) }

    private func end(_ end: WorkerEnd) {
        state.withLock { $0.end = $0.end ?? end }
        ended.signal()
    }

    /// Takes nothing new and ends when what is here has ended and is acknowledged.
    func drain(reason: String) {
        let session = state.withLock { state -> WireSession? in
            guard !state.isDraining else { return nil }
            state.isDraining = true
            return state.session
        }
        session?.send([Self.leaving(reason)])
        ended.signal()
    }

    private static func leaving(_ reason: String) -> WireMessage {
        var leaving = WireLeaving()
        leaving.reason = reason
        return WireMessage(.leaving(leaving))
    }

    private func beat() {
        let beat = state.withLock { state -> (WireSession, UInt64)? in
            guard let session = state.session else { return nil }
            state.beats += 1
            return (session, state.beats)
        }
        guard let (session, count) = beat else { return }
        let use = meter()
        var message = WireHeartbeat()
        message.sentAtNanoseconds = monotonicNanoseconds()
        message.milliCores = use.milliCores
        message.memoryBytes = use.memoryBytes
        message.diskBytes = use.freeDiskBytes
        message.gpuPercents = use.graphics.map { UInt32(clamping: $0.percent) }
        message.gpuUsedBytes = use.graphics.map(\.memoryBytes)
        message.count = count
        message.peerBytesSent = servedToPeers.bytesSent
        message.peerBytesFetched = peers.bytesFetched
        if let here = parts.withLock({ $0 })?.worker.inventory() {
            message.running = UInt32(clamping: here.running.count)
            message.queued = UInt32(clamping: here.queued.count)
        }
        session.send([WireMessage(.heartbeat(message))])
        news.flush()
    }

    /// A worker on a rented machine ends when nobody has renewed it for as long as it may stay.
    private func renew() {
        guard let lease = options.lease else { return }
        let isConnected = state.withLock { $0.session != nil }
        if let reason = lease.renew(isConnected: isConnected, at: monotonicNanoseconds()) {
            end(reason: reason)
        }
    }

    private func endIfDrained() {
        guard state.withLock({ $0.isDraining }), held.count == 0,
            let parts = parts.withLock({ $0 })
        else { return }
        let here = parts.worker.inventory()
        let waiting = parts.intake.waiting
        guard here.queued.isEmpty, here.running.isEmpty, waiting.queued.isEmpty,
            waiting.running.isEmpty
        else { return }
        end(reason: "it was drained")
    }

    // MARK: What the slots tell

    private func tell(_ notice: WorkerNotice) {
        switch notice {
        case .ended(let ended): tell(ended)
        case .takenBack(let attempts):
            held.send { sequence in
                var message = WireTakenBack()
                message.sequence = sequence
                message.attempts = attempts.map { WireAttempt($0) }
                return WireMessage(.takenBack(message))
            }
            parts.withLock { $0 }?.intake.forget(attempts)
        case .slotsReturned(let slots):
            held.send { sequence in
                var message = WireSlotsReturned()
                message.sequence = sequence
                message.slots = slots.map(\.wire)
                return WireMessage(.slotsReturned(message))
            }
        }
    }

    private func tell(_ ended: [EndedAttempt]) {
        var blobs: [BlobID] = []
        let ends = ended.map { ended -> WireAttemptEnd in
            guard case .success(let payload, _, _) = ended.result.outcome else {
                return WireAttemptEnd(ended, payload: nil)
            }
            guard payload.bytes.count > Self.inlineBytes else {
                return WireAttemptEnd(ended, payload: .inline(Array(payload.bytes)))
            }
            do throws(BlobError) {
                let id = try keep(payload)
                blobs.append(id)
                return WireAttemptEnd(ended, payload: .blob(id, size: payload.bytes.count))
            } catch {
                var failed = ended
                failed.result.outcome = .failure(
                    WorkFailure(.launch, "its result could not be kept on the worker: \(error)"))
                return WireAttemptEnd(failed, payload: nil)
            }
        }
        held.send(ends: ended.map(\.attempt), blobs: blobs) { sequence in
            var message = WireEnded()
            message.sequence = sequence
            message.ends = ends
            return WireMessage(.ended(message))
        }
    }

    /// Keeps a result; where there is no room for it, it waits: handing in a failure would let a
    /// full disk eat up the tries of one subtask after the other.
    private func keep(_ payload: Payload) throws(BlobError) -> BlobID {
        var isTold = false
        while true {
            do throws(BlobError) {
                return try store.put(
                    size: Int64(payload.bytes.count), pinnedFor: StoredResult.owner
                ) { write throws(BlobError) in try payload.whole.forEachRun(write) }
            } catch {
                guard error.isForWantOfRoom, state.withLock({ $0.end == nil }) else { throw error }
                if !isTold {
                    logger.error("no result can be kept: it waits", metadata: ["why": "\(error)"])
                    isTold = true
                }
                usleep(OrderIntake.refetchMicroseconds)
            }
        }
    }

    // MARK: What the coordinator tells

    var blobSource: (any WireBlobSource)? { served }

    func clientHello() -> WireHello {
        var hello = WireHello()
        hello.workerUid = uid
        hello.incarnation = monotonicNanoseconds()
        hello.name = options.name
        hello.build = options.version
        hello.capabilities = options.capabilities
        hello.blobAddress = listener.withLock { $0?.told.description } ?? ""
        return hello
    }

    func session(_ session: WireSession, welcomed welcome: WireWelcome) {
        guard let parts = parts.withLock({ $0 }) else { return }
        // Before the coordinator hears of this worker: then others find it knows.
        let uids = Set(welcome.revokedUids)
        revoked.use(all: uids)
        leave(uids)
        logger.notice("connected", metadata: ["worker": "\(welcome.workerID)"])
        state.withLock { state in
            state.session = session
            state.heartbeatMilliseconds = max(100, welcome.heartbeatMilliseconds)
        }
        if !welcome.peerToken.isEmpty {
            useAmongPeers(.loopback(token: Array(welcome.peerToken)))
        }
        parts.intake.begin(over: session)
        held.begin(over: session, acknowledged: welcome.acknowledged) { ends in
            let here = parts.worker.inventory()
            let waiting = parts.intake.waiting
            var inventory = WireInventory()
            inventory.queued = (here.queued + waiting.queued).map { WireAttempt($0) }
            inventory.running = (here.running + waiting.running).map { attempt, slot in
                var running = WireRunningAttempt()
                running.attempt = WireAttempt(attempt)
                running.slot = slot.wire
                return running
            }
            inventory.unacknowledgedEnds = UInt64(ends)
            return WireMessage(.inventory(inventory))
        }
        news.begin(over: session)
        // Said before while there was no connection, or to a coordinator that was started again.
        if state.withLock({ $0.isDraining }) { session.send([Self.leaving("it is drained")]) }
        ended.signal()
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        guard let parts = parts.withLock({ $0 }) else { return }
        for message in batch.messages {
            switch message.kind {
            case .define(let define): parts.intake.define(define)
            case .start(let start): parts.intake.start(start, from: session)
            case .takeBack(let order):
                let attempts = order.attempts.map { AttemptID($0) }
                let waiting = Set(parts.intake.takeBack(attempts))
                if !waiting.isEmpty { tell(.takenBack(attempts.filter(waiting.contains))) }
                parts.worker.takeBack(attempts.filter { !waiting.contains($0) })
            case .cancel(let order):
                let attempts = order.attempts.map { AttemptID($0) }
                let others = parts.intake.cancel(attempts, reason: order.reason)
                parts.worker.cancel(others, reason: order.reason)
            case .logRequest(let request): news.logs.answer(request, over: session)
            case .logCredit(let credit): news.logs.give(credit, over: session)
            case .logCancel(let cancel): news.logs.cancel(cancel, over: session)
            case .forget(let order): parts.intake.forget(specs: order.specs)
            case .revoked(let news):
                revoked.add(Set(news.workerUids))
                leave(Set(news.workerUids))
            case .acknowledge(let order): held.acknowledge(order.sequence, over: session)
            case .drain(let order): drain(reason: order.reason)
            case .shutdown(let order): end(reason: order.reason)
            default: break
            }
        }
    }

    func session(_ session: WireSession, isSlow: Bool) {}

    func session(_ session: WireSession, closed reason: WireError) {
        held.end(session)
        news.end(session)
        parts.withLock { $0 }?.intake.end(session)
        state.withLock { state in
            if state.session == session { state.session = nil }
        }
        logger.notice("the connection ended", metadata: ["why": "\(reason)"])
    }

    func client(failed reason: WireError, nextTryInMilliseconds: Int64) {
        logger.info(
            "not connected",
            metadata: ["why": "\(reason)", "next try (ms)": "\(nextTryInMilliseconds)"])
    }

    func client(gaveUp reason: WireError) {
        end(WorkerEnd(reason: "\(reason)", isRefused: reason.isPermanent))
    }

    func client(renewed credentials: WireCredentials) {
        useAmongPeers(.certificate(credentials))
        do throws(IdentityError) {
            try credentials.save(folder: options.folder)
            logger.info("the certificate was renewed")
        } catch {
            logger.error(
                "the new certificate could not be kept", metadata: ["why": "\(error)"])
        }
    }
}
