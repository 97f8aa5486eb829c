import HeapModule

/// Decides: facts in, orders out, nothing else.
///
/// A value without a clock, randomness or I/O of its own: the same events at the same ticks give
/// the same effects, in every process.  ``handle(_:at:)`` takes the event to its end, then lets
/// what is due happen, places what can be placed, asks strategies for what is wanted, and hands
/// out all orders at once.
package struct Coordinator: Sendable {
    var clock = Tick.zero
    var runs: ContiguousArray<RunState> = []
    /// Looked up only, never walked through.
    var runIndices: [RunID: Int] = [:]
    var tasks: ContiguousArray<TaskState> = []
    var shapes: ContiguousArray<ShapeState> = []
    var classes: ContiguousArray<ResourceClass> = []
    var workers: ContiguousArray<WorkerState> = []

    var cells: ContiguousArray<Cell> = []
    var freeCells: [UInt32] = []
    /// Looked up only, never walked through.
    var cellIndices: [UInt64: UInt32] = [:]
    var placements = Placements()
    var cellLinks = LinkTable()
    var timerLinks = LinkTable()
    /// The first is for cancelled attempts.
    var lanes: [TimerLane] = [TimerLane(nanoseconds: Limits.cancelGraceNanoseconds)]
    var rests: Heap<Rest> = []
    var wake: Tick?

    /// Shapes with ready subtasks, the one whose turn it is first.
    var activeShapes: [Int] = []
    /// Cells that may hold queued attempts without a slot that hands itself on to them.
    var orphans: [UInt32] = []
    /// Workers in quarantine, the one that came first before the others.
    var quarantined: [UInt32] = []
    var sharing = Sharing()
    /// What is kept of scaling.
    package internal(set) var scaling = ScalingBook()
    var placing = Placing()
    var outbox = Outbox()
    /// Counts up when something becomes free; not kept, as nothing but repeated work depends on it.
    var roomChanges: UInt64 = 0

    /// A coordinator that knows of nothing.
    package init() {}

    /// The id that the next task has.
    package var nextTask: TaskID { TaskID(UInt32(tasks.count)) }

    /// The moment of the latest event: a clock that goes on after a restart starts here.
    package var latest: Tick { clock }

    /// The moment of the last ``Effect/wakeAt(_:)`` that has not come, for a shell that restarts.
    package var wakes: Tick? { wake }

    /// Takes in what happened and says what is to be done; the only way in.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: When.  A moment before that of an earlier event counts as that moment.
    /// - Complexity: grows with what changes, not with the subtasks or workers there are.
    package mutating func handle(_ event: Event, at now: Tick) -> [Effect] {
        clock = max(clock, now)
        apply(event)
        expireTimers()
        place()
        settleTasks()
        settleRuns()
        scheduleWake()
        return flush()
    }

    private mutating func apply(_ event: Event) {
        switch event {
        case .runSubmitted(let spec): submit(spec)
        case .runCancelled(let run, let reason): cancelRun(run, reason: reason)
        case .shapeDeclared(let shape, let spec): declare(shape, spec)
        case .shapeEscalated(let shape, let larger): escalate(shape, to: larger)
        case .shapeAlternative(let shape, let other): allow(other, insteadOf: shape)
        case .workerRegistered(let spec): register(spec)
        case .workerDraining(let worker): drain(worker)
        case .workerLost(let worker, let reason): lose(worker, reason: reason)
        case .workerSuspected(let worker): suspect(worker)
        case .workerDoubted(let worker): doubt(worker)
        case .workerTrusted(let worker): trust(worker)
        case .workerPardoned(let worker): pardon(worker)
        case .workerDrainCancelled(let worker): cancelDrain(worker)
        case .scalingRecorded(let state, let decisions): scaling.record(state, decisions)
        case .workerReattached(let worker, let inventory): reattach(worker, inventory)
        case .workerMeasured(let worker, let use): measure(worker, use)
        case .strategyBegan(let task): strategyBegan(task)
        case .strategySplit(let task, let added, let state): strategySplit(task, added, state)
        case .strategyReplied(let task, let reply): strategyReplied(task, reply)
        case .strategyFinished(let task): strategyFinished(task)
        case .strategyFailed(let task, let failure): strategyFailed(task, failure)
        case .attemptsEnded(let worker, let reports): attemptsEnded(worker, reports)
        case .attemptsTakenBack(let worker, let attempts): takenBack(worker, attempts)
        case .slotsReturned(let worker, let slots): slotsReturned(worker, slots)
        case .timeElapsed: wake = nil
        case .runForgotten(let run): forget(run)
        case .queuesConfigured(let specs): configure(specs)
        case .placementConfigured(let settings): configure(settings)
        case .policyAnswered(let answer): policyAnswered(answer)
        case .policyFailed(let seat, let fault, let isSetAside):
            placing.fail(seat, fault, isSetAside: isSetAside)
        case .queuePaused(let name, let isPaused): pause(queue: name, isPaused)
        case .supplyChanged(let supply): sharing.supply = supply
        case .runPaused(let run, let isPaused): pause(run: run, isPaused)
        case .runTimed(let run, let deadline): time(run, deadline)
        case .runServed(let outlook): serve(outlook)
        case .widthsEstimated(let run, let widths): estimate(run, widths)
        }
    }
}
