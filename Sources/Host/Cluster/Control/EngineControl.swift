import DequeModule
import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldJSON
import FanfoldJournal
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

/// The engine as clients see it: what the API asks becomes work on the loop's thread.
final class EngineControl: ControlPlane {
    typealias Preparer = ClusterServerOptions.Preparer

    let engine: EngineHost
    let journal: EngineJournal
    let blobs: BlobStore
    let hub: WorkerHub
    let tokens: JoinTokens
    let outputs: OutputPlaces
    let runsFolder: String
    /// Ended runs that are kept, and for how long.
    let retention: RunRetention
    /// The queues of the settings.
    let queueBook = Mutex(QueueBook())
    /// Plans that are being made.
    let plans = Atomic<Int>(0)
    let preparer: Preparer
    /// What predictions are made from; set before anybody asks.
    let history: (any HistoryKeeper)?
    /// Who rents workers; `nil` if nobody does.
    let desk: ScalingDesk?
    /// Who asks policies that are plugins.
    let policyDesk: PolicyDesk
    let books: RunBooks
    let ring: EventRing
    private let logger: Logger
    /// The number that the next run has.
    private let numbers = Atomic<UInt64>(0)
    private let planNumbers = Atomic<UInt64>(0)
    private let isOpen = Atomic(false)
    let seen = Seen()

    /// What was last looked at; belongs to the loop's thread.
    final class Seen: @unchecked Sendable {
        // Unchecked: touched by the loop's thread only.
        /// Runs that have ended, those that ended first before the others.
        var ended: Deque<RunID> = []
        var workers: [WorkerID: WorkerPhase] = [:]
        /// What was told of runs that go on.
        var progress: [RunID: RunNumbers] = [:]
        /// When it is looked at again, and the last run that was.
        var progressDue = Tick.zero
        var progressLast = RunID(0)
        let clock = SteadyClock()
        /// When the side tables are cleared of what is over.
        var pruneDue = Tick.zero
        /// When workers are looked at again.
        var nextLook = Tick.zero
    }

    /// How often it is looked which workers there are, in nanoseconds.
    private static let lookNanoseconds: UInt64 = 80_000_000

    /// Why the loop gave no answer.
    var silent: ControlError {
        guard let problem = journal.standstill else {
            return ControlError(.unavailable, "the coordinator is stopping")
        }
        return ControlError(
            .unavailable,
            "the coordinator waits for its journal: \(problem); it goes on by itself once it can "
                + "write")
    }

    static func noRun(_ id: UInt64) -> ControlError {
        ControlError(.notFound, "there is no run \(id)")
    }

    init(
        engine: EngineHost, journal: EngineJournal, blobs: BlobStore, hub: WorkerHub,
        tokens: JoinTokens, outputs: OutputPlaces, runsFolder: String,
        retention: RunRetention, preparer: @escaping Preparer,
        history: (any HistoryKeeper)?, desk: ScalingDesk?, policyDesk: PolicyDesk,
        logger: Logger
    ) {
        self.desk = desk
        self.policyDesk = policyDesk
        self.history = history
        self.engine = engine
        self.journal = journal
        self.blobs = blobs
        self.hub = hub
        books = RunBooks(progress: hub.progress)
        self.tokens = tokens
        self.outputs = outputs
        self.runsFolder = runsFolder
        self.retention = retention
        self.preparer = preparer
        self.logger = logger
        ring = EventRing(first: UInt64(Timestamp.now().milliseconds))
        hub.progressed.withLock { told in
            told = { [weak self] loop, entry in self?.note(entry, loop) }
        }
    }

    // MARK: On the loop's thread

    /// Fills the books from a loop that was recovered.
    func recovered(_ loop: EngineLoop) {
        var highest: UInt64 = 0
        for run in loop.runs {
            highest = max(highest, run.id.rawValue)
            outputs.enter(run.id, tasks: run.tasks)
            guard !run.isForgotten, let label = try? RunLabel(run.label) else { continue }
            var ended: Int64?
            if run.outcome != nil {
                ended = (try? journal.tables.run("\(run.id.rawValue)"))?.ended ?? label.submitted
            }
            books.enter(run.id, label, ended: ended)
        }
        let ended = loop.runs.filter { $0.outcome != nil && !$0.isForgotten }.map(\.id)
        seen.ended = Deque(
            ended.sorted { (books.ended($0) ?? 0, $0) < (books.ended($1) ?? 0, $1) })
        removePlans()
        numbers.store(highest + 1, ordering: .releasing)
        RunFolder.removeAll(
            but: Set(loop.runs.filter { !$0.isForgotten }.map(\.id.rawValue)), below: runsFolder)
    }

    /// A run of an earlier process that has not ended.
    func prepareAgain(
        _ run: LiveRun, _ preparer: Preparer
    ) -> Result<PreparedRun, EngineLogFailure> {
        do {
            let label = try RunLabel(run.label)
            let folder = RunFolder(run.id, below: runsFolder)
            return .success(try preparer("\(folder.path)/\(label.document)", label.overrides))
        } catch {
            return .failure(EngineLogFailure("\(error)"))
        }
    }

    /// Serving begins.
    func open() { isOpen.store(true, ordering: .releasing) }

    /// Looks at what ended, came or went in a turn.
    func turned(_ loop: inout EngineLoop) {
        for id in loop.takeEndedRuns() {
            guard let run = loop.run(id), let outcome = run.outcome else { continue }
            seen.progress[id] = nil
            seen.ended.append(id)
            finish(run, outcome, &loop)
        }
        retain(&loop)
        noteProgress(loop)
        // One turn in many: it looks at each worker.
        let now = loop.now
        guard now >= seen.nextLook else { return }
        seen.nextLook = now.advanced(byNanoseconds: Self.lookNanoseconds)
        noteWorkers(loop)
    }

    private func finish(_ run: LiveRun, _ outcome: RunOutcome, _ loop: inout EngineLoop) {
        let now = Timestamp.now()
        books.end(run.id, at: now.milliseconds)
        let status: RunStatus =
            switch outcome {
            case .completed: .completed
            case .failed: .failed
            case .cancelled: .cancelled
            }
        if let label = books.label(run.id) {
            journal.change(.putRun(books.entry(run.id, label, status, ended: now.milliseconds)))
            loop.demandCommit()
        }
        hub.forget(tasks: run.tasks)
        note("run.ended", run: run.id)
    }

    /// Drops a run that ended long ago, with its files.
    func forget(_ id: RunID, _ loop: inout EngineLoop) {
        books.forget(id)
        journal.change(.removeRun(id: "\(id.rawValue)"))
        loop.handle(.runForgotten(id), at: loop.now)
        loop.afterCommit { [self] in _ = PlainThread(name: "forget") { self.discard(id) } }
    }

    private func noteWorkers(_ loop: EngineLoop) {
        var there: [WorkerID: WorkerPhase] = [:]
        for usage in loop.workerUsage() {
            there[usage.worker] = usage.phase
            if seen.workers[usage.worker] != usage.phase {
                note("worker.\(usage.phase)", worker: usage.worker)
            }
        }
        for worker in seen.workers.keys.sorted() where there[worker] == nil {
            note("worker.lost", worker: worker)
        }
        seen.workers = there
    }

    func note(
        _ kind: String, run: RunID? = nil, worker: WorkerID? = nil,
        data: JSON = .object(JSONObject())
    ) {
        ring.append(
            kind: kind, time: .now(), run: run?.rawValue, worker: worker.map { UInt64($0.index) },
            data: data)
    }

    // MARK: From any thread

    /// A number that no plan of this process has.
    func nextPlan() async -> UInt64 { planNumbers.add(1, ordering: .relaxed).oldValue }

    /// The number of the next run.
    func nextRun() async -> UInt64 { numbers.add(1, ordering: .acquiringAndReleasing).oldValue }

    /// Asks the loop something.
    ///
    /// - Returns: `nil` if the coordinator stops or stands still, as ``silent`` says.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (RunBooks.View) -> Answer
    ) async -> Answer? {
        await engine.ask { loop, now in question(RunBooks.View(loop: loop, now: now)) }
    }

    func askBooks<Answer: Sendable>(
        _ question: @escaping @Sendable (RunBooks) -> Answer
    ) async -> Answer? {
        await engine.ask { [books] _, _ in question(books) }
    }

    /// What was said of a run when it was submitted.
    func label(of id: UInt64) async throws(ControlError) -> RunLabel {
        guard let found = await askBooks({ $0.label(RunID(id)) }) else { throw silent }
        guard let label = found else { throw Self.noRun(id) }
        return label
    }

    /// Has something done by the loop, and waits until it is on disk.
    ///
    /// - Returns: whether it is; `false` if the coordinator stops, or stands still now and nothing was
    ///   asked of it.
    func settle(
        _ body: @escaping @Sendable (inout EngineLoop, Tick) -> Void
    ) async -> Bool {
        guard journal.standstill == nil else { return false }
        return await withCheckedContinuation { continuation in
            let pending = Once { continuation.resume(returning: $0) }
            engine.perform { loop, now in
                body(&loop, now)
                loop.demandCommit()
                loop.afterCommit { pending.give(true) }
            }
        }
    }

    /// Does something that waits for the disk on a plain thread.
    func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        let outcome: Result<Value, ControlError> = await withCheckedContinuation { continuation in
            _ = PlainThread(name: "control") {
                continuation.resume(
                    returning: Result { () throws(ControlError) in try body() })
            }
        }
        return try outcome.get()
    }

    func readiness() async -> [String] {
        var missing: [String] = []
        if !isOpen.load(ordering: .acquiring) { missing.append("the state is being recovered") }
        if let problem = journal.standstill {
            missing.append("the journal cannot be written: \(problem)")
        }
        return missing
    }

    func events(
        after: UInt64?, limit: Int, wait: Duration
    ) async throws(ControlError) -> EventBatch {
        await ring.batch(after: after, limit: limit, wait: wait)
    }
}

/// A callback that is made once: with what was given, or with `false` when nobody can give it.
private final class Once: Sendable {
    private let callback: Mutex<(@Sendable (Bool) -> Void)?>

    init(_ callback: @escaping @Sendable (Bool) -> Void) { self.callback = Mutex(callback) }

    func give(_ value: Bool) { take()?(value) }

    deinit { take()?(false) }

    private func take() -> (@Sendable (Bool) -> Void)? {
        callback.withLock { callback in
            defer { callback = nil }
            return callback
        }
    }
}
