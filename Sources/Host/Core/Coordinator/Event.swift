/// What happened: the only way anything reaches the coordinator.
///
/// An event may arrive twice, late, or about something that is gone; then it changes nothing.
/// Answers of one strategy arrive in the order of the calls.
package enum Event: Hashable, Sendable {
    /// Somebody wants a pipeline run.  A graph that cannot run ends at once, failed.
    case runSubmitted(RunSpec)
    /// Nobody wants the run any more.
    case runCancelled(RunID, reason: String)
    /// The shell has interned a shape: before the first subtask that has it, ids without a gap.
    case shapeDeclared(ShapeID, ShapeSpec)
    /// Subtasks of the first shape that run out of memory are tried again as the second one, which
    /// was declared later for the same task.
    case shapeEscalated(ShapeID, to: ShapeID)
    /// Subtasks of the first shape may be placed as the second one, which was declared later for
    /// the same task, where there is no room for them as they are.
    case shapeAlternative(ShapeID, or: ShapeID)

    /// A worker is there and idle.
    case workerRegistered(WorkerSpec)
    /// A worker will leave: it finishes what it runs and gets nothing new.
    case workerDraining(WorkerID)
    /// A worker is gone for good, with everything on it.
    case workerLost(WorkerID, reason: String)
    /// A worker has not been heard of for longer than usual: it is given nothing new, and keeps
    /// what it has.
    case workerSuspected(WorkerID)
    /// A suspected worker is still silent: what has not begun on it is placed elsewhere; what runs
    /// is waited for.
    case workerDoubted(WorkerID)
    /// A worker that was suspected or doubted is heard of again: it takes work again.
    case workerTrusted(WorkerID)
    /// A worker that was to leave stays: it takes work again.
    case workerDrainCancelled(WorkerID)
    /// What the shell has decided about workers, and what it goes on with after a restart.
    case scalingRecorded(state: [UInt8], [ScalingDecision])
    /// Somebody has put right a worker that is in quarantine: it takes work again.
    case workerPardoned(WorkerID)
    /// A worker is connected again, or the coordinator is back, and says what is on it.  What the
    /// two disagree about is settled: see ``WorkerInventory``.
    case workerReattached(WorkerID, WorkerInventory)
    /// What a worker's processes use now, as it measured; never changes what is reserved.
    case workerMeasured(WorkerID, MeasuredUse)

    /// Answers ``Effect/beginStrategy(_:)``.
    case strategyBegan(TaskID)
    /// Answers ``Effect/split(_:want:)``.
    case strategySplit(TaskID, added: [SubtaskSpec], state: SplitState)
    /// Answers ``Effect/tellResults(_:_:)``, ``Effect/tellFailure(_:_:attempts:)`` and
    /// ``Effect/tellCapacity(_:)``: one answer for each effect.
    case strategyReplied(TaskID, StrategyReply)
    /// Answers ``Effect/finishStrategy(_:)``: the output of the task is complete.
    case strategyFinished(TaskID)
    /// Answers any call to the strategy, in place of the usual answer; the task fails.
    case strategyFailed(TaskID, Failure)

    /// Attempts ended on a worker.
    case attemptsEnded(WorkerID, [AttemptReport])
    /// Answers ``Effect/takeBack(_:_:)``: these were queued, and are not any more.
    case attemptsTakenBack(WorkerID, [AttemptID])
    /// Slots that came with a ``AssignmentOrder/promote(_:)`` for an attempt that was not queued.
    case slotsReturned(WorkerID, [SlotID])

    /// The moment of the last ``Effect/wakeAt(_:)`` has come.
    case timeElapsed
    /// Nobody asks about an ended run any more: what is kept of it goes.  Ids are not used again.
    case runForgotten(RunID)

    /// These are the queues; one that is not named keeps its runs, at weight 1 without a quota.
    case queuesConfigured([QueueSpec])
    /// Nothing more of a queue's runs is started, or they go on; what runs runs on.
    case queuePaused(String, Bool)
    /// Nothing more of a run is started, or it goes on; what runs runs on.
    case runPaused(RunID, Bool)
    /// The shell will cancel a run at this moment.
    case runTimed(RunID, deadline: Tick)
    /// So many subtasks tasks of a run will probably have that have not begun.
    case widthsEstimated(RunID, [TaskWidth])
    /// The workers of a run with a deadline are such as the outlook says from now on.
    case runServed(RunOutlook)
    /// Subtasks are placed by these policies from now on; before the first, workers take turns.
    case placementConfigured(PlacementSettings)
    /// A plugin gave scores, which choose from now on.
    case policyAnswered(PolicyAnswer)
    /// A plugin gave none; if it is set aside, what it said before counts no more.
    case policyFailed(PolicySeat, PolicyFault, isSetAside: Bool)
    /// What is known of workers that are not there yet.
    case supplyChanged(Supply)
}

/// A strategy's answer to what it was told.
package struct StrategyReply: Hashable, Sendable {
    /// What it was told.
    package enum Answer: Hashable, Sendable {
        /// Answers one ``Effect/tellResults(_:_:)``, all its results together.
        case results
        /// Answers one ``Effect/tellFailure(_:_:attempts:)``.
        case failure(index: UInt32, FailureVerdict)
        /// Answers one ``Effect/tellCapacity(_:)``.
        case capacity
    }

    /// What it was told.
    package var answer: Answer
    /// The subtasks it put, in order; they take the next indices.
    package var added: [SubtaskSpec]
    /// Indices of subtasks it does not need any more, also of ones it just put.
    package var withdrawn: [UInt32]

    /// An answer.
    package init(_ answer: Answer, added: [SubtaskSpec] = [], withdrawn: [UInt32] = []) {
        self.answer = answer
        self.added = added
        self.withdrawn = withdrawn
    }
}

/// The end of an attempt, as the worker tells it.
package struct AttemptReport: Hashable, Sendable {
    /// The attempt.
    package var attempt: AttemptID
    /// How it ended.
    package var outcome: AttemptOutcome
    /// The slot it ran in; `nil` if it was cancelled while it was queued.
    package var slot: SlotID?
    /// The attempt that runs in the slot now: the first that was queued for the same shape.
    ///
    /// With `nil` the slot is free.
    package var successor: AttemptID?
    /// What it used.
    package var usage: AttemptUsage

    /// The end of an attempt.
    package init(
        attempt: AttemptID, outcome: AttemptOutcome, slot: SlotID?, successor: AttemptID? = nil,
        usage: AttemptUsage = .init()
    ) {
        self.attempt = attempt
        self.outcome = outcome
        self.slot = slot
        self.successor = successor
        self.usage = usage
    }
}

/// How an attempt ended.
package enum AttemptOutcome: Hashable, Sendable {
    /// Its result is with the shell.
    case succeeded
    /// It has no result.  An attempt that was cancelled says so with ``FailureClass/cancelled``.
    indirect case failed(Failure)
}

/// What an attempt used, as its worker measured.
package struct AttemptUsage: Hashable, Sendable {
    /// Wall time, in nanoseconds.
    package var ranNanoseconds: UInt64
    /// Time on all cores together, in nanoseconds.
    package var cpuNanoseconds: UInt64
    /// The most memory it had at a time, in bytes.
    package var peakMemoryBytes: UInt64
    /// The most of one device's memory that it had at a time, in bytes.
    package var peakDeviceMemoryBytes: UInt64
    /// Bytes it was given.
    package var bytesIn: UInt64
    /// Bytes it gave.
    package var bytesOut: UInt64
    /// Items it gave.
    package var items: UInt64

    /// What an attempt used; nothing measured unless said.
    package init(
        ranNanoseconds: UInt64 = 0, cpuNanoseconds: UInt64 = 0, peakMemoryBytes: UInt64 = 0,
        peakDeviceMemoryBytes: UInt64 = 0, bytesIn: UInt64 = 0, bytesOut: UInt64 = 0,
        items: UInt64 = 0
    ) {
        self.ranNanoseconds = ranNanoseconds
        self.cpuNanoseconds = cpuNanoseconds
        self.peakMemoryBytes = peakMemoryBytes
        self.peakDeviceMemoryBytes = peakDeviceMemoryBytes
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.items = items
    }
}

/// What a worker's processes use, as it measured.
package struct MeasuredUse: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64

    /// What is used.
    package init(milliCores: Int64, memoryBytes: Int64) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
    }
}
