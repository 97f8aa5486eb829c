import DequeModule

/// Stands for "none" where an index of 4 bytes is kept.
let noIndex = UInt32.max

/// What the coordinator knows of a run.
struct RunState: Sendable {
    var id: RunID
    var tasks: Range<Int>
    var maximumConcurrency: Int
    var random: SplitMix64
    /// Set once the outcome is decided; the run ends when nothing of it is left outside.
    var outcome: RunOutcome?
    var hasEnded = false
    /// Whether nothing but its id is kept.
    var isForgotten = false
    /// Tasks that have not ended.
    var liveTasks = 0
    /// Slots held by its shapes.
    var slots = 0
    /// Attempts on workers, those being cancelled included.
    var placed = 0
    /// Strategies asked to begin that have not answered.
    var begins = 0
    var queue = 0
    var priority = 0
    var isPaused = false
    /// Tries that were charged beside the first ones.
    var retries = 0
    /// When it is cancelled, as far as is known; `nil` once it has ended.
    var deadline: Tick?
    /// How its demand for workers is served, if it has a deadline and the shell has said so.
    var serving: RunServing?

    /// Whether it is placed on workers that stay alone, and before others.
    var isInNet: Bool { serving?.outlook.market == .net }
}

/// What the coordinator knows of a task.
struct TaskState: Sendable {
    var spec: TaskSpec
    var run: Int
    var resources: Int
    var phase = TaskPhase.waiting
    var unmet = 0
    var isBeginning = false
    var hasBegun = false

    var split = SplitState.more
    var isSplitting = false
    var emptySplits = 0
    /// Calls that `strategyReplied` answers and has not.
    var outstanding = 0
    var isCapacityDue = false
    var isTellingCapacity = false
    /// Attempts worth queueing behind each slot, as the shape measured last has it.
    var depth = 1

    var subtasks: ContiguousArray<SubtaskRecord> = []
    var edges: ContiguousArray<DependencyEdge> = []
    var shapes: [Int] = []
    /// Failures told and not answered, in order.
    var verdicts: Deque<PendingVerdict> = []
    var firstFailure: Failure?
    var progress: TaskProgress
    /// Attempts on workers, those being cancelled included.
    var placed = 0
    /// How many subtasks it will probably have, as far as that was said.
    var width: TaskWidth?
    /// What its results held; counted where another task's width depends on it.
    var given: GivenItems?

    var isTouched = false
    var results: [AttemptID] = []
    /// Workers on which live subtasks failed; looked up only, never walked through.
    var blamed: [UInt32: [BlamedWorker]] = [:]
    var gangs: [Gang] = []
    /// By subtask: its gang; looked up only, never walked through.
    var gangOf: [UInt32: Int] = [:]

    var hasEnded: Bool { phase >= .completed }

    /// Subtasks that have not come to an end.
    var live: Int {
        progress.put - progress.succeeded - progress.failed - progress.withdrawn
    }
}

extension TaskPhase: Comparable {
    package static func < (left: TaskPhase, right: TaskPhase) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A worker on which a subtask failed.
struct BlamedWorker: Hashable, Sendable {
    var worker: UInt32
    /// Whether the worker did well with others at that time.
    var wasGood: Bool
}

/// A failure that a strategy was told and has not answered.
struct PendingVerdict: Sendable {
    var index: UInt32
    var failure: Failure
}

/// One subtask waits for another: kept as a linked list per subtask waited for.
struct DependencyEdge: Sendable {
    var dependent: UInt32
    var next: UInt32
}

/// Where a subtask is.
enum SubtaskState: UInt8, Sendable {
    /// It comes after others.  Exits: `ready`, `judged`, `withdrawn`.
    case blocked
    /// It could be placed.  Exits: `placed`, `withdrawn`.
    case ready
    /// It rests before the next try.  Exits: `ready`, `withdrawn`.
    case resting
    /// It is on a worker.  Exits: `succeeded`, `ready`, `resting`, `judged`, `withdrawn`.
    case placed
    /// It failed for good, and its strategy says what now.  Exits: `ready`, `failed`, `withdrawn`.
    case judged
    /// Its result was told.  No exits.
    case succeeded
    /// It was skipped.  No exits.
    case failed
    /// It is not needed.  No exits.
    case withdrawn
    /// It waits for the others of its gang.  Exits: `ready`, `judged`, `withdrawn`.
    case gathering
}

/// A subtask: 24 bytes, whatever becomes of it.
struct SubtaskRecord: Sendable {
    var shape: UInt32
    var priority: Float
    /// The placement while `isPlaced`; the number of subtasks it waits for while `blocked`.
    var link: UInt32 = 0
    /// The first edge to a subtask that comes after this one.
    var dependents: UInt32 = noIndex
    var epoch: UInt16 = 0
    /// Tries that count.
    var attempts: UInt16 = 0
    var state: SubtaskState
    /// Workers lost under it, and the times that it was preempted: four bits each.
    var troubles: UInt8 = 0
    var verdictRetries: UInt8 = 0
    /// Outlives the states `placed` when a withdrawn subtask is still on a worker.
    var isPlaced = false

    /// Tries that ended with their worker.
    var losses: UInt8 {
        get { troubles & 15 }
        set { troubles = troubles & 240 | min(newValue, 15) }
    }

    /// Tries that were ended because their place was needed.
    var preemptions: UInt8 {
        get { troubles >> 4 }
        set { troubles = troubles & 15 | min(newValue, 15) << 4 }
    }
}

/// What the coordinator knows of a shape.
struct ShapeState: Sendable {
    var spec: ShapeSpec
    var task: Int
    var resources: Int
    /// The lane of its deadlines, or `noIndex`.
    var timerLane: UInt32
    var queue = ReadyQueue()
    /// Subtasks that could be placed.
    var ready = 0
    /// Whether it stands in `Coordinator.activeShapes`.
    var isActive = false
    /// Attempts queued on workers and wanted.
    var queued = 0
    /// Those of them that were asked back.
    var asked = 0
    /// Whether it stands in its resource class's `queuedShapes`.
    var isListedQueued = false
    var slots = 0
    var cells: [UInt32] = []
    /// Cells that could be given more ahead.
    var hungry: Deque<UInt32> = []
    /// Exponentially weighted mean of wall times, in nanoseconds; `nil` before the first.
    var meanNanoseconds: Double?
    /// How far they are from it on average, in nanoseconds; measured for runs with a deadline.
    var spreadNanoseconds = 0.0
    /// Since when something is ready and there is no room: until the next slot.
    var waitingSince: Tick?
    /// The shape that what runs out of memory goes on as, or `noIndex`.
    var larger = noIndex
    /// How many shapes lead to this one.
    var rung = 0
    /// The shape that its subtasks have while they are ready, or `noIndex` for itself.
    var home = noIndex
    /// What its ready subtasks may be placed as, if there is no room for them as they are; the
    /// first that has room.
    var alternatives: [Int] = []
    /// How many of its subtasks run at the same time or not at all.
    var gang = 1
    /// The value of `Coordinator.roomChanges` when there was no room for a gang.
    var roomSeen: UInt64?
    /// The worker on which an attempt succeeded last, or `noIndex`.
    var succeededOn = noIndex

    /// Attempts worth queueing behind each slot.
    var depth: Int {
        guard let meanNanoseconds else { return 1 }
        let count = Limits.queuedNanosecondsPerSlot / max(1, meanNanoseconds)
        return min(Limits.queuedPerSlot, max(1, Int(count)))
    }

    /// Whether this many attempts ahead are so short that they are not worth moving.
    func isTooShortToMove(_ count: Int) -> Bool {
        guard let meanNanoseconds else { return false }
        return meanNanoseconds * Double(count) < Limits.notWorthMovingNanoseconds
    }
}

/// A request that one or more shapes have, and the workers that may have room for it.
struct ResourceClass: Sendable {
    var request: ResourceRequest
    /// How many such requests all active workers hold together.
    var totalSlots = 0
    /// Workers that may have room: those without devices first if the request needs none.
    var candidates: Deque<UInt32> = []
    var reluctant: Deque<UInt32> = []
    /// By worker: whether it stands in one of the two.
    var isCandidate: [Bool] = []
    var queuedShapes: [Int] = []
    /// The value of `Coordinator.roomChanges` when no worker had room for such a request.
    var fullSince: UInt64?
}

/// What the coordinator knows of a worker.
struct WorkerState: Sendable {
    var phase = WorkerPhase.lost
    /// Whether it ever registered.
    var isKnown = false
    /// Whether it has been silent for so long that it gets nothing new.
    var isSuspect = false
    /// The connection whose inventory was taken in last.
    var session: UInt64 = 0
    var ledger = Ledger(total: ResourceVector(milliCores: 0, memoryBytes: 0))
    var slots: ContiguousArray<SlotState> = []
    var freeSlots: [UInt32] = []
    var cells: [UInt32] = []

    /// The shape that it is kept for, or `noIndex`.
    var heldFor = noIndex
    var health = WorkerHealth()

    /// Whether it is given what is ready.
    var takesWork: Bool {
        phase == .active && !isSuspect && health.quarantinedUntil == nil
    }

    var isTouched = false
    var starts: [Assignment] = []
    var takeBacks: [AttemptID] = []
    var cancels: [PendingCancel] = []
}

/// Attempts to cancel on one worker for one reason.
struct PendingCancel: Sendable {
    var reason: CancelReason
    var attempts: [AttemptID]
}

/// A reservation.
struct SlotState: Sendable {
    var generation: UInt32 = 0
    /// The cell it belongs to, `noIndex` while it is free.
    var cell: UInt32 = noIndex
    /// Whether what runs in it was given up: it may be handed on, or never be heard of again.
    var isStuck = false
}

/// What one worker has of one shape.
struct Cell: Sendable {
    var worker: Int
    var shape: Int
    var isUsed = true
    /// Slots that are reserved.
    var slots = 0
    /// Those of them that are stuck.
    var stuck = 0
    /// Attempts queued, doomed ones included.
    var queued = LinkedQueue()
    /// Attempts that run, doomed ones included.
    var running = LinkedQueue()
    /// Attempts queued and wanted.
    var wanted = 0
    /// Those of them that were asked back.
    var asked = 0
    var positionInShape = 0
    var isHungry = false
    /// Whether it got a slot since it was last given something ahead.
    var isFresh = false
}
