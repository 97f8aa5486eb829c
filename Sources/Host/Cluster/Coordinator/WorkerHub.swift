import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

/// The workers of a coordinator: takes connections, hands what they say to the loop in its words.
///
/// What the loop's thread alone touches is in ``Books``.
final class WorkerHub: WireServerDelegate {
    /// How often a worker says that it is there, in milliseconds.
    static let heartbeatMilliseconds: UInt64 = 1_000

    /// Time that workers are thought to take to come back to a coordinator that was restarted, in
    /// nanoseconds.
    static let returnNanoseconds: UInt64 = 5_000_000_000

    /// How often it is looked who is silent, in nanoseconds.
    static let lookNanoseconds: UInt64 = 80_000_000

    /// How the label begins that says a worker's name at its provider.
    static let instanceLabel = "instance="

    /// What belongs to the loop's thread.
    private final class Books: @unchecked Sendable {
        // Unchecked: touched by the loop's thread only.
        var remotes: [RemoteWorker] = []
        /// Looked up only, never walked through.
        var byUID: [String: WorkerID] = [:]
        var labels: [WorkerLabel] = []
        /// Workers that were rented, by the name that their provider has for them; looked up only.
        var instances: [String: ScalingEvaluation.Instance] = [:]
        /// Looked up only, never walked through.
        var measured: [WorkerID: WorkerUse] = [:]
        /// Bytes of blobs that a worker sent to others, and fetched from them; looked up only.
        var peerBytes: [WorkerID: (sent: UInt64, fetched: UInt64)] = [:]
        /// When a worker was heard last, in milliseconds since 1970; looked up only.
        var heard: [WorkerID: Int64] = [:]
        var liveness = Liveness()
        var lastSession: UInt64 = 0
        /// When it is looked again who is silent.
        var nextLook = Tick.zero
    }

    /// A connection that was let in.
    private struct Member {
        var remote: RemoteWorker
        var intake: EndIntake
        /// Whether the worker registered over it: then the coordinator knows what is on it.
        var isFirst: Bool
    }

    private let engine: EngineHost
    private let served: ServedBlobs
    private let servedToWorkers: CountedBlobs
    private let holders = BlobHolders()
    /// What workers on this machine say to each other; another one after each start.
    private let peerToken: [UInt8]
    private let store: BlobStore
    private let fetcher: BlobFetcher
    private let dispatcher: Dispatcher
    private let logger: Logger
    /// Counts the starts of the coordinator.
    private let epoch: UInt64
    /// Whether workers are on this machine, in its file system.
    private let sharesFiles: Bool
    /// What is asked of workers about what attempts write.
    let logs = LogDesk()
    /// What running attempts say.
    let progress = LiveProgress()
    /// Is told of progress now and then, on the loop's thread; set before workers come in.
    let progressed = Mutex<(@Sendable (EngineLoop, LiveProgress.Entry) -> Void)?>(nil)
    private let revocations: Revocations
    private let books = Books()
    private let members = Mutex<[WireSession: Member]>([:])

    init(
        engine: EngineHost, store: BlobStore, served: ServedBlobs, fetcher: BlobFetcher,
        epoch: UInt64, sharesFiles: Bool, revocations: Revocations, logger: Logger
    ) {
        self.revocations = revocations
        self.sharesFiles = sharesFiles
        self.engine = engine
        self.store = store
        self.served = served
        servedToWorkers = CountedBlobs(served)
        var generator = SystemRandomNumberGenerator()
        peerToken =
            sharesFiles
            ? (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) } : []
        self.fetcher = fetcher
        self.epoch = epoch
        self.logger = logger
        dispatcher = Dispatcher(threads: 2, name: "dispatch")
    }

    func close() { dispatcher.close() }

    var blobSource: (any WireBlobSource)? { servedToWorkers }

    // MARK: On the loop's thread

    /// A worker of an earlier process, which has not come back yet.
    func recovered(_ bytes: [UInt8]) -> WorkerEntry {
        let id = WorkerID(UInt32(books.remotes.count))
        let label =
            (try? WorkerLabel(bytes))
            ?? WorkerLabel(WireHello(), uid: "unknown-\(id.index)", joined: 0)
        return enter(label, id: id)
    }

    /// The workers that were there watch the clock from now on.
    func resume(_ loop: inout EngineLoop, at now: Tick) {
        // A worker that was given up and comes back is a new one.
        let here = Set(loop.workerUsage().map(\.worker))
        books.byUID = books.byUID.filter { here.contains($0.value) }
        for usage in loop.workerUsage() {
            books.liveness.watch(
                usage.worker, at: now, expectedNanoseconds: Self.returnNanoseconds)
        }
    }

    private func enter(_ label: WorkerLabel, id: WorkerID) -> WorkerEntry {
        let remote = RemoteWorker(
            id: id, uid: label.uid, name: label.name, sharesFiles: sharesFiles,
            dispatcher: dispatcher, blobs: served, holders: holders)
        books.remotes.append(remote)
        books.labels.append(label)
        books.byUID[label.uid] = id
        for said in label.labels where said.hasPrefix(Self.instanceLabel) {
            books.instances[String(said.dropFirst(Self.instanceLabel.count))] = .init(
                worker: id, capacity: label.capacity)
        }
        return WorkerEntry(
            port: remote, milliCores: label.milliCores, memoryBytes: label.memoryBytes,
            label: label.bytes)
    }

    /// A turn of the loop begins: a pause of this process counts for nobody.
    func woke(_ now: Tick) { books.liveness.turn(at: now) }

    /// Looks at who is silent; called after each turn, done in one of many: it looks at each worker.
    func turned(_ loop: inout EngineLoop) {
        let now = loop.now
        // The process may have been stopped in the middle of the turn.
        books.liveness.turn(at: now)
        guard now >= books.nextLook else { return }
        books.nextLook = now.advanced(byNanoseconds: Self.lookNanoseconds)
        for event in books.liveness.check(at: now) {
            if case .workerLost(let worker, let reason) = event {
                let remote = books.remotes[Int(worker.index)]
                logger.warning(
                    "a worker is lost", metadata: ["worker": "\(remote.name)", "why": "\(reason)"])
                lose(remote)
            }
            loop.handle(event, at: now)
        }
    }

    private func lose(
        _ remote: RemoteWorker, _ reason: String = "the coordinator has given this worker up"
    ) {
        books.byUID[remote.uid] = nil
        holders.leave(remote.id)
        remote.keepLoans(of: [])
        progress.lost(remote.id)
        remote.stop(reason: reason)
    }

    /// Workers that were rented, by the name that their provider has for them, those that are lost
    /// included.
    var instances: [String: ScalingEvaluation.Instance] { books.instances }

    /// What is known of a worker, for the API.
    func label(of worker: WorkerID) -> WorkerLabel? {
        books.labels.indices.contains(Int(worker.index)) ? books.labels[Int(worker.index)] : nil
    }

    /// What a worker said last that it uses.
    func measured(_ worker: WorkerID) -> WorkerUse? { books.measured[worker] }

    /// Bytes of blobs that the coordinator sent to workers since its process began.
    var blobBytesSent: UInt64 { servedToWorkers.bytesSent }

    /// Bytes of blobs that a worker said it sent to others, and fetched from them.
    func peerBytes(_ worker: WorkerID) -> (sent: UInt64, fetched: UInt64) {
        books.peerBytes[worker] ?? (0, 0)
    }

    /// When a worker was heard last, in milliseconds since 1970.
    func heard(_ worker: WorkerID) -> Int64? { books.heard[worker] }

    /// The uids of all workers there were.
    var uids: Set<String> { Set(books.labels.map(\.uid)) }

    /// Whether a worker is connected now.
    func isConnected(_ worker: WorkerID) -> Bool {
        books.remotes.indices.contains(Int(worker.index))
            && books.remotes[Int(worker.index)].session != nil
    }

    /// Where a worker is connected from; `nil` while it is not.
    func address(of worker: WorkerID) -> String? {
        guard books.remotes.indices.contains(Int(worker.index)) else { return nil }
        return books.remotes[Int(worker.index)].session?.peerAddress
    }

    /// How unusual the silence of a worker is; `nil` if nobody watches it.
    func suspicion(of worker: WorkerID, at now: Tick) -> Double? {
        books.liveness.phi(of: worker, at: now)
    }

    /// All workers there ever were.
    var allWorkers: [WorkerID] { books.remotes.map(\.id) }

    /// Whether a worker is let in no more.
    func isRevoked(_ worker: WorkerID) -> Bool {
        label(of: worker).map { revocations.contains($0.uid) } ?? false
    }

    /// Lets a worker in no more, wherever it is; what it had is done elsewhere.
    ///
    /// - Returns: the row to be stored with it; `nil` if there never was such a worker.
    func revoke(
        _ worker: WorkerID, in loop: inout EngineLoop, at now: Tick
    ) -> TokenEntry? {
        guard let label = label(of: worker) else { return nil }
        let entry = revocations.add(label.uid, at: .now())
        // The same machine may have come back under another number.
        let present = books.byUID[label.uid] ?? worker
        let remote = books.remotes[Int(present.index)]
        books.liveness.forget(present)
        lose(remote, "it was revoked")
        loop.handle(.workerLost(present, reason: "it was revoked"), at: now)
        tellOthers(revoked: label.uid, &loop)
        logger.notice("a worker was revoked", metadata: ["worker": "\(label.name)"])
        return entry
    }

    /// Has the other workers serve it no blobs.
    private func tellOthers(revoked uid: String, _ loop: inout EngineLoop) {
        // On loopback a name proves nothing.
        guard !sharesFiles else { return }
        var news = WireRevoked()
        news.workerUids = [uid]
        let message = WireMessage(.revoked(news))
        let sessions = connections.map(\.1)
        loop.afterCommit { for session in sessions { session.send([message]) } }
    }

    /// No order for these tasks will follow.
    func forget(tasks: Range<Int>) {
        for remote in books.remotes { remote.forget(tasks: tasks) }
    }

    /// Has a worker finish what it runs and go.
    func drain(_ worker: WorkerID, in loop: inout EngineLoop, at now: Tick) {
        loop.handle(.workerDraining(worker), at: now)
        let remote = books.remotes[Int(worker.index)]
        loop.afterCommit { remote.drain(reason: "it was asked to") }
    }

    private func admit(
        _ session: WireSession, _ hello: WireHello, uid: String, _ loop: inout EngineLoop,
        at now: Tick
    ) {
        guard !revocations.contains(uid) else {
            return session.refuse(.notAllowed, "this worker was revoked")
        }
        let known = books.byUID[uid]
        let id = known ?? WorkerID(UInt32(loop.workerCount))
        var entry: WorkerEntry?
        if known == nil {
            entry = enter(
                WorkerLabel(hello, uid: uid, joined: Timestamp.now().milliseconds), id: id)
        }
        let remote = books.remotes[Int(id.index)]
        books.liveness.watch(id, at: now)
        remote.attach(session)
        holders.enter(id, uid: uid, said: hello.blobAddress, mustBeLoopback: sharesFiles)
        let intake = EndIntake(
            store: store, fetcher: fetcher, holds: { [holders] in holders.note($0, on: id) }
        ) { [weak self] ended, number, session in
            self?.deliver(ended, number, session, remote)
        }
        members.withLock {
            $0[session] = Member(remote: remote, intake: intake, isFirst: known == nil)
        }
        var welcome = WireWelcome()
        welcome.workerID = UInt64(id.index)
        welcome.coordinatorEpoch = epoch
        welcome.heartbeatMilliseconds = Self.heartbeatMilliseconds
        welcome.peerToken = .init(peerToken)
        if !sharesFiles { welcome.revokedUids = revocations.told(at: .now()) }
        let greeting = welcome
        // A worker is let in once it is on disk that it is there, and before its first order.
        loop.afterCommit { session.welcome(greeting) }
        guard let entry else { return }
        _ = remote.open(session)
        let label = books.labels[Int(id.index)]
        loop.register(
            WorkerSpec(
                id: id, capacity: label.capacity, labels: label.labels),
            entry, at: now)
        logger.info("a worker joined", metadata: ["worker": "\(label.name)"])
    }

    private func deliver(
        _ ended: [EndedAttempt], _ sequence: UInt64, _ session: WireSession,
        _ remote: RemoteWorker
    ) {
        remote.ended(ended.map(\.attempt))
        progress.ended(ended.map(\.attempt))
        engine.perform { [self] loop, now in
            guard remote.session == session else { return }
            books.liveness.data(from: remote.id, at: now)
            loop.receive(ended, from: remote.id, at: now)
            loop.afterCommit { remote.acknowledge(sequence, over: session) }
        }
    }

    // MARK: On event loops

    func session(_ session: WireSession, greeted hello: WireHello) {
        let uid: String
        switch session.identity {
        case .worker(let proved, _): uid = proved
        case .loopback: uid = hello.workerUid
        case .coordinator, nil: return session.refuse(.notAllowed, "only workers may come in here")
        }
        // It becomes part of rows and records, which have limits.
        guard WorkerUID.isValid(uid) else {
            return session.refuse(
                .notAllowed,
                "wanted a uid of \(WorkerUID.lengths.lowerBound) to "
                    + "\(WorkerUID.lengths.upperBound) letters, digits and -")
        }
        guard hello.purpose == .work else {
            return session.refuse(.notAllowed, "blobs are had over the worker's own connection")
        }
        engine.perform { [self] loop, now in
            admit(session, hello, uid: uid, &loop, at: now)
        }
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        guard let member = members.withLock({ $0[session] }) else { return }
        for message in batch.messages {
            switch message.kind {
            case .ended(let ended): member.intake.take(ended, from: session)
            case .inventory(let inventory): reattach(inventory, session, member)
            case .heartbeat(let beat): heard(beat, session, member.remote)
            case .progress(let said): heard(said, member.remote)
            case .logChunk(let chunk): logs.received(chunk, over: session)
            case .takenBack(let taken):
                let attempts = taken.attempts.map { AttemptID($0) }
                tell(
                    .attemptsTakenBack(member.remote.id, attempts), taken.sequence, session, member)
            case .slotsReturned(let returned):
                let slots = returned.slots.map { SlotID(wire: $0) }
                tell(.slotsReturned(member.remote.id, slots), returned.sequence, session, member)
            case .leaving:
                engine.perform { [self] loop, now in
                    drain(member.remote.id, in: &loop, at: now)
                }
            default: break
            }
        }
    }

    private func tell(
        _ event: Event, _ sequence: UInt64, _ session: WireSession, _ member: Member
    ) {
        let remote = member.remote
        engine.perform { loop, now in
            guard remote.session == session else { return }
            loop.handle(event, at: now)
            loop.afterCommit { remote.acknowledge(sequence, over: session) }
        }
    }

    private func reattach(
        _ wire: WireInventory, _ session: WireSession, _ member: Member
    ) {
        let remote = member.remote
        let running = wire.running.map {
            RunningAttempt(attempt: AttemptID($0.attempt), slot: SlotID(wire: $0.slot))
        }
        let queued = wire.queued.map { AttemptID($0) }
        if member.isFirst {
            // What it has is of a worker that was given up: nobody waits for it.
            let strangers = queued + running.map(\.attempt)
            if !strangers.isEmpty {
                remote.cancel(strangers, reason: "the worker had been given up")
            }
            return
        }
        engine.perform { [self] loop, now in
            guard remote.open(session) else { return }
            remote.keepLoans(of: Set(queued + running.map(\.attempt)))
            books.lastSession = max(books.lastSession + 1, now.nanoseconds)
            loop.handle(
                .workerReattached(
                    remote.id,
                    WorkerInventory(
                        session: books.lastSession, queued: queued, running: running)),
                at: now)
        }
    }

    private func heard(_ beat: WireHeartbeat, _ session: WireSession, _ remote: RemoteWorker) {
        engine.perform { [self] _, now in
            guard remote.session == session else { return }
            books.liveness.heartbeat(from: remote.id, at: now)
            // Not an event: what is used decides nothing, and a replay need not know it.
            books.heard[remote.id] = Timestamp.now().milliseconds
            books.peerBytes[remote.id] = (beat.peerBytesSent, beat.peerBytesFetched)
            books.measured[remote.id] = WorkerUse(beat)
        }
    }

    private func heard(_ said: WireProgress, _ remote: RemoteWorker) {
        guard
            let entry = progress.take(said, from: remote.id, at: monotonicNanoseconds()),
            let tell = progressed.withLock({ $0 })
        else { return }
        // Not an event of the core: it decides nothing, and a replay need not know it.
        engine.perform { loop, _ in tell(loop, entry) }
    }

    /// The connections of the workers that are here; on the loop's thread.
    var connections: [(WorkerID, WireSession)] {
        books.remotes.compactMap { remote in remote.session.map { (remote.id, $0) } }
    }

    func session(_ session: WireSession, isSlow: Bool) {
        let member = members.withLock { $0[session] }
        logger.info(
            "a worker reads slowly",
            metadata: ["worker": "\(member?.remote.name ?? "?")", "slow": "\(isSlow)"])
    }

    func session(_ session: WireSession, closed reason: WireError) {
        guard let member = members.withLock({ $0.removeValue(forKey: session) }) else { return }
        member.intake.reset()
        logs.ended(session)
        engine.perform { [self] loop, now in
            guard member.remote.detach(session) else { return }
            holders.leave(member.remote.id)
            leaveIfDrained(member.remote, &loop, at: now)
            logger.info(
                "a worker's connection ended",
                metadata: ["worker": "\(member.remote.name)", "why": "\(reason)"])
        }
    }

    /// A worker that was to go has gone, with nothing on it.
    private func leaveIfDrained(
        _ remote: RemoteWorker, _ loop: inout EngineLoop, at now: Tick
    ) {
        let usage = loop.workerUsage().first { $0.worker == remote.id }
        guard let usage, usage.phase == .draining, usage.slots == 0, usage.queued == 0 else {
            return
        }
        books.liveness.forget(remote.id)
        books.byUID[remote.uid] = nil
        loop.handle(.workerLost(remote.id, reason: "it was drained"), at: now)
    }

    func server(issued certificate: WireIssued) {
        logger.info("a certificate was issued", metadata: ["worker": "\(certificate.uid)"])
    }

    func server(turnedAway reason: WireError, from address: String) {
        logger.notice("turned away", metadata: ["from": "\(address)", "why": "\(reason)"])
    }
}
