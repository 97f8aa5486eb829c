import FanfoldBlobs
import FanfoldCore
import FanfoldJSON
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc
import Logging
import Synchronization

/// Orders on their way from a connection to the worker's slots: specifications are looked up, parts
/// that lie elsewhere are fetched first.
final class OrderIntake: Sendable {
    private struct Spec {
        var run: Result<FanfoldRuntime.RunSpec, WorkFailure>
        var taskName: String
        var directory: String
        /// Where its files are, if any came with its run.
        var place: RunPlace?
    }

    /// An order that waits for parts.
    fileprivate struct Waiting {
        var order: WorkOrder
        var missing: Int
        /// Where files of parts are, by part.
        var files: [Int: [String]] = [:]
    }

    /// A blob that an order waits for.
    struct Missing {
        var part: Int
        var blob: BlobReference
        /// Workers that have it.
        var holders: [WireHolder]
        var content: Content

        enum Content {
            case bytes(DataFormat)
            /// A file of a list, at this place, under this name.
            case file(place: Int, name: String)
            /// The folder of its run.
            case folder(RunPlace)
        }
    }

    private struct State {
        var session: WireSession?
        var specs: [UInt64: Spec] = [:]
        var waiting: [AttemptID: Waiting] = [:]
        /// Attempts that are here or were, so that an order which comes twice is one.
        var known: Set<AttemptID> = []
        /// The folders that attempts hold.
        var places: [AttemptID: RunPlace] = [:]
        /// Blobs that did not come, to be asked for again.
        var again: [Refetch] = []
        var isPausing = false
    }

    /// A blob that did not come.
    private struct Refetch {
        var attempt: AttemptID
        var missing: Missing
        /// How often it failed over a connection that went on.
        var failures: Int
    }

    /// Times that a blob may fail to come over a connection that goes on.
    static let fetchTries = 5
    /// The pause before a blob that did not come is asked for again, in microseconds.
    static let refetchMicroseconds: UInt32 = 500_000

    private let worker: LocalWorker
    private let store: BlobStore
    private let fetcher: BlobFetcher
    private let peers: PeerConnections
    private let report: @Sendable ([EndedAttempt]) -> Void
    /// Where files of inputs are kept under their names.
    private let filesFolder: String
    private let runs: RunPlaces
    private let logger: Logger
    private let state = Mutex(State())

    init(
        worker: LocalWorker, store: BlobStore, fetcher: BlobFetcher, peers: PeerConnections,
        filesFolder: String, runs: RunPlaces, logger: Logger,
        report: @escaping @Sendable ([EndedAttempt]) -> Void
    ) {
        self.worker = worker
        self.store = store
        self.fetcher = fetcher
        self.peers = peers
        self.filesFolder = filesFolder
        self.runs = runs
        self.logger = logger
        self.report = report
    }

    /// Another connection: specifications are defined again.
    func begin(over session: WireSession) {
        let old = state.withLock { state in
            defer { state.specs = [:] }
            state.session = session
            return state.specs.values.compactMap(\.place)
        }
        for place in old { runs.release(place) }
        fetchAgain()
    }

    /// The connection is gone: what was being fetched over it is asked for over the next.
    func end(_ session: WireSession) {
        state.withLock { state in
            if state.session == session { state.session = nil }
        }
    }

    /// What waits for parts: queued in the coordinator's eyes, or running in a slot of its own.
    var waiting: (queued: [AttemptID], running: [(AttemptID, SlotID)]) {
        state.withLock { state in
            var queued: [AttemptID] = []
            var running: [(AttemptID, SlotID)] = []
            for (attempt, waiting) in state.waiting {
                if let slot = waiting.order.assignment.slot {
                    running.append((attempt, slot))
                } else {
                    queued.append(attempt)
                }
            }
            return (queued.sorted(), running.sorted { $0.0 < $1.0 })
        }
    }

    /// An attempt has ended: an order for it would be a new one.
    func forget(_ attempts: [AttemptID]) {
        let left = state.withLock { state in
            attempts.compactMap { attempt in
                state.known.remove(attempt)
                return state.places.removeValue(forKey: attempt)
            }
        }
        for place in left { runs.release(place) }
    }

    /// No order will name these specifications any more.
    func forget(specs: [UInt64]) {
        let left = state.withLock { state in
            specs.compactMap { state.specs.removeValue(forKey: $0)?.place }
        }
        for place in left { runs.release(place) }
    }

    func define(_ wire: WireDefine) {
        let run: Result<FanfoldRuntime.RunSpec, WorkFailure>
        do {
            run = .success(
                try FanfoldRuntime.RunSpec(json: try JSON(parsing: Array(wire.runSpecJson))))
        } catch {
            run = .failure(
                WorkFailure(.inputInvalid, "what to run makes no sense to this worker: \(error)"))
        }
        let manifest = wire.names[ShippedName.key].flatMap(ShippedName.reference)
        let place = manifest.map { runs.hold(run: wire.run, manifest: $0) }
        let old = state.withLock {
            $0.specs.updateValue(
                Spec(
                    run: run, taskName: wire.taskName, directory: wire.pipelineID, place: place),
                forKey: wire.spec)
        }
        if let place = old?.place { runs.release(place) }
    }

    func start(_ wire: WireStart, from session: WireSession) {
        var ready: [WorkOrder] = []
        var fetches: [(AttemptID, [Missing])] = []
        state.withLock { state in
            for assignment in wire.assignments {
                let attempt = AttemptID(assignment.attempt)
                guard let order = AssignmentOrder(assignment) else { continue }
                if case .promote(let slot) = order, var waiting = state.waiting[attempt] {
                    waiting.order.assignment.order = .start(slot)
                    waiting.order.assignment.devices = assignment.places
                    state.waiting[attempt] = waiting
                    continue
                }
                let placed = Assignment(attempt, order, assignment)
                if case .promote = order {
                    ready.append(WorkOrder(assignment: placed, work: .refuse("")))
                    continue
                }
                guard state.known.insert(attempt).inserted else { continue }
                if let place = state.specs[assignment.spec]?.place {
                    runs.hold(place)
                    state.places[attempt] = place
                }
                let (work, missing) = self.work(assignment, attempt, state.specs[assignment.spec])
                let workOrder = WorkOrder(assignment: placed, work: work)
                if missing.isEmpty {
                    ready.append(workOrder)
                } else {
                    state.waiting[attempt] = Waiting(
                        order: workOrder, missing: missing.count, files: Self.places(missing))
                    fetches.append((attempt, missing))
                }
            }
        }
        if !ready.isEmpty { worker.accept(ready) }
        for (attempt, missing) in fetches {
            for each in missing { fetch(each, attempt, session) }
        }
    }

    /// Room for the paths of each list of files.
    private static func places(_ missing: [Missing]) -> [Int: [String]] {
        var places: [Int: [String]] = [:]
        for each in missing {
            if case .file = each.content { places[each.part, default: []].append("") }
        }
        return places
    }

    private func work(
        _ wire: WireAssignment, _ attempt: AttemptID, _ spec: Spec?
    ) -> (WorkOrder.Work, missing: [Missing]) {
        if !wire.refuse.isEmpty { return (.refuse(wire.refuse), []) }
        guard let spec else { return (.refuse("nobody has said what to run"), []) }
        let run: FanfoldRuntime.RunSpec
        switch spec.run {
        case .success(let known): run = known
        case .failure(let failure): return (.refuse(failure.message), [])
        }
        var missing: [Missing] = []
        var parts: [InputPart] = []
        do {
            for (index, part) in wire.parts.enumerated() {
                let blobs = try Self.missing(part, at: index)
                missing += blobs
                parts.append(
                    blobs.isEmpty ? try InputPart(part) : .payload(Payload.empty.whole, .bytes))
            }
        } catch {
            return (.refuse("a part of its input makes no sense: \(error)"), [])
        }
        let names = wire.parts.map(\.name)
        var item = WorkItem(
            run: run, parts: parts, names: names.contains("") || names.isEmpty ? nil : names,
            taskName: spec.taskName, subtask: UInt64(attempt.index), attempt: Int(attempt.epoch),
            pipelineDirectory: spec.directory)
        if wire.hasGang {
            guard let gang = WorkGang(wire.gang) else {
                return (.refuse("the gang that it belongs to makes no sense"), [])
            }
            item.gang = gang
        }
        if let ready = spec.place?.ready {
            item.pipelineDirectory = ready.path
            item.executors = ready.executors
        } else if let place = spec.place {
            missing.append(
                Missing(
                    part: 0, blob: place.manifest, holders: [], content: .folder(place)))
        }
        return (.run(item), missing)
    }

    private func fetch(
        _ missing: Missing, _ attempt: AttemptID, _ session: WireSession, failures: Int = 0
    ) {
        if case .folder(let place) = missing.content {
            let current: @Sendable () -> WireSession? = { [self] in
                state.withLock { $0.session }
            }
            place.whenReady(from: current) { [self] in arrived($0, attempt) }
            return
        }
        // The coordinator has everything and is in everybody's way: it is asked last.
        let coordinator = SessionBlobs(session, name: "coordinator", isLastResort: true)
        let sources =
            missing.holders.prefix(BlobHolders.offered).compactMap { peers.source($0) }
            + [coordinator]
        fetcher.fetch(missing.blob, from: sources, pinnedFor: nil) { [self] outcome in
            do {
                _ = try outcome.get()
                switch missing.content {
                case .bytes(let format):
                    let payload = try StoredResult.payload(missing.blob.id, in: store)
                    arrived(missing, payload, format, attempt)
                case .file(_, let name):
                    let path = try InputFiles(folder: filesFolder, store: store)
                        .place(missing.blob.id, as: name)
                    arrived(missing, path: path, attempt)
                case .folder: break
                }
            } catch {
                failed(
                    Refetch(attempt: attempt, missing: missing, failures: failures), over: session,
                    error)
            }
        }
    }

    /// A blob did not come.
    ///
    /// That says nothing of the attempt: it is asked for again, over the next connection if this
    /// one is gone, and when there is room if the disk is full.
    private func failed(_ refetch: Refetch, over session: WireSession, _ error: any Error) {
        var refetch = refetch
        if case .fetchEnded = error as? BlobError { return }
        let isForRoom = (error as? BlobError)?.isForWantOfRoom ?? false
        logger.log(
            level: isForRoom ? .error : .notice, "an input did not come, and is asked for again",
            metadata: ["attempt": "\(refetch.attempt)", "why": "\(error)"])
        let (isOver, pauses) = state.withLock { state -> (Bool, Bool) in
            guard state.waiting[refetch.attempt] != nil else { return (false, false) }
            if state.session == session, !isForRoom { refetch.failures += 1 }
            guard refetch.failures < Self.fetchTries else { return (true, false) }
            state.again.append(refetch)
            defer { state.isPausing = state.isPausing || state.session != nil }
            return (false, !state.isPausing && state.session != nil)
        }
        if isOver { giveUp(refetch.attempt, "its input could not be fetched: \(error)") }
        guard pauses else { return }
        _ = PlainThread(name: "fetch-again") { [weak self] in
            usleep(Self.refetchMicroseconds)
            self?.state.withLock { $0.isPausing = false }
            self?.fetchAgain()
        }
    }

    private func fetchAgain() {
        let (session, all) = state.withLock { state -> (WireSession?, [Refetch]) in
            guard let session = state.session else { return (nil, []) }
            defer { state.again = [] }
            return (session, state.again)
        }
        guard let session else { return }
        for each in all { fetch(each.missing, each.attempt, session, failures: each.failures) }
    }

    /// Ends an attempt that could not begin; another worker may do better.
    private func giveUp(_ attempt: AttemptID, _ why: String) {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: attempt) }
        guard let waiting else { return }
        report([
            EndedAttempt(
                attempt: attempt, slot: waiting.order.assignment.slot, successor: nil,
                result: WorkResult(.failure(WorkFailure(.launch, why))))
        ])
    }

    private func arrived(
        _ missing: Missing, _ payload: Payload, _ format: DataFormat, _ attempt: AttemptID
    ) {
        change(attempt) { $0.set(.payload(payload.whole, format), at: missing.part) }
    }

    private func arrived(_ missing: Missing, path: String, _ attempt: AttemptID) {
        change(attempt) { waiting in
            guard case .file(let place, _) = missing.content else { return }
            waiting.files[missing.part]?[place] = path
            guard let paths = waiting.files[missing.part], !paths.contains("") else { return }
            waiting.set(.slice(Dataset(files: paths).whole), at: missing.part)
        }
    }

    /// The folder of its run is there, or cannot be: then another worker may do better.
    private func arrived(_ outcome: Result<RunPlace.Ready, EngineLogFailure>, _ attempt: AttemptID)
    {
        switch outcome {
        case .success(let ready):
            change(attempt) { waiting in
                guard case .run(var item) = waiting.order.work else { return }
                item.pipelineDirectory = ready.path
                item.executors = ready.executors
                waiting.order.work = .run(item)
            }
        case .failure(let error):
            guard let waiting = state.withLock({ $0.waiting.removeValue(forKey: attempt) })
            else { return }
            let failure = WorkFailure(
                .launch, "the files of its run could not be put on this worker: \(error)")
            report([
                EndedAttempt(
                    attempt: attempt, slot: waiting.order.assignment.slot, successor: nil,
                    result: WorkResult(.failure(failure)))
            ])
        }
    }

    /// One blob less is missing; with the last the order goes to the worker.
    private func change(_ attempt: AttemptID, _ body: (inout Waiting) -> Void) {
        let order = state.withLock { state -> WorkOrder? in
            guard var waiting = state.waiting[attempt] else { return nil }
            body(&waiting)
            waiting.missing -= 1
            state.waiting[attempt] = waiting.missing > 0 ? waiting : nil
            return waiting.missing > 0 ? nil : waiting.order
        }
        if let order { worker.accept([order]) }
    }

    func takeBack(_ attempts: [AttemptID]) -> [AttemptID] {
        let taken = state.withLock { state in
            attempts.filter { attempt in
                guard let waiting = state.waiting[attempt], waiting.order.assignment.slot == nil
                else { return false }
                state.waiting[attempt] = nil
                return true
            }
        }
        forget(taken)
        return taken
    }

    /// Ends what waits for parts; the others are the worker's.
    ///
    /// - Returns: those that did not wait here.
    func cancel(_ attempts: [AttemptID], reason: String) -> [AttemptID] {
        var others: [AttemptID] = []
        var ended: [EndedAttempt] = []
        state.withLock { state in
            for attempt in attempts {
                guard let waiting = state.waiting.removeValue(forKey: attempt) else {
                    others.append(attempt)
                    continue
                }
                ended.append(
                    EndedAttempt(
                        attempt: attempt, slot: waiting.order.assignment.slot, successor: nil,
                        result: WorkResult(.failure(WorkFailure(.cancelled, reason)))))
            }
        }
        if !ended.isEmpty { report(ended) }
        return others
    }
}

extension OrderIntake.Waiting {
    fileprivate mutating func set(_ part: InputPart, at index: Int) {
        guard case .run(var item) = order.work else { return }
        item.parts[index] = part
        order.work = .run(item)
    }
}

extension AssignmentOrder {
    /// `nil` if the message does not say.
    fileprivate init?(_ wire: WireAssignment) {
        switch wire.order {
        case .start(let slot): self = .start(SlotID(wire: slot))
        case .queue: self = .queue
        case .promote(let slot): self = .promote(SlotID(wire: slot))
        case nil: return nil
        }
    }
}

extension InputPart {
    /// A part that came within its message.
    fileprivate init(_ wire: WirePart) throws {
        guard case .inline(let inline) = wire.source,
            let format = DataFormat(rawValue: inline.format)
        else { throw WorkFailure(.inputInvalid, "a part has no content") }
        let bytes = Array(inline.bytes)
        let content: PortablePart.Content =
            switch format {
            case .range: .range(from: Int(String(decoding: bytes, as: UTF8.self)) ?? 0)
            case .files:
                .files(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            default: .bytes(Payload(bytes).whole)
            }
        self = try PortablePart(
            format: format, count: Int(clamping: inline.items), content: content
        ).inputPart()
    }
}
