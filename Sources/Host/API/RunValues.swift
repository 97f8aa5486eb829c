/// A pipeline that a client hands in.
package struct Submission: Sendable {
    /// How the document is written.
    package enum Format: String, Sendable {
        case yaml, json
    }

    /// The document's bytes.
    package var document: [UInt8]
    /// How they are written; JSON is YAML, but an error names the right one.
    package var format: Format
    /// The run's name; `nil` takes the document's.
    package var name: String?
    /// Values that replace those of the document, as `fanfold run --set` takes them:
    /// `("tasks.count.strategy.with.shards", "4")`.
    package var overrides: [(key: String, value: String)]
    /// The files that the document names, by their path relative to it: their SHA-256, and whether
    /// their owner may execute them.
    ///
    /// Each must have been uploaded before; paths are relative and without `..`.
    package var files: [(path: String, sha256: String, isExecutable: Bool)]
    /// What tells a repetition from a second run; `nil` if the client does not care.
    package var idempotencyKey: String?
    /// The name of the client's token.
    package var submitter: String
    /// Whether `POST /api/v1/tasks` made it of one task: the run's summary is to say how far that is.
    package var isOrchestrated = false
    /// Whether its plugins may be granted something and run inside the coordinator.
    package var mayGrant = false

    /// A pipeline that `submitter` hands in.
    package init(
        document: [UInt8], format: Format, name: String? = nil,
        overrides: [(key: String, value: String)] = [],
        files: [(path: String, sha256: String, isExecutable: Bool)] = [],
        idempotencyKey: String? = nil, submitter: String
    ) {
        self.document = document
        self.format = format
        self.name = name
        self.overrides = overrides
        self.files = files
        self.idempotencyKey = idempotencyKey
        self.submitter = submitter
    }
}

/// How far a run is.
package enum RunStatus: String, Hashable, Sendable, CaseIterable {
    /// Nothing of it has begun.
    case pending
    /// It goes on.
    case running
    /// It completed.
    case completed
    /// It failed.
    case failed
    /// It was cancelled.
    case cancelled

    /// Whether nothing more will happen to it.
    package var hasEnded: Bool { self >= .completed }
}

extension RunStatus: Comparable {
    package static func < (left: RunStatus, right: RunStatus) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .pending: 0
        case .running: 1
        case .completed, .failed, .cancelled: 2
        }
    }
}

/// Why an attempt, a task or a run did not succeed.
package struct FailureSummary: Hashable, Sendable {
    /// What kind of thing went wrong, as `FailureClass` in Core names it, in kebab case.
    package var kind: String
    /// For programs.
    package var reason: String
    /// For people.
    package var message: String

    /// A failure.
    package init(kind: String, reason: String, message: String) {
        self.kind = kind
        self.reason = reason
        self.message = message
    }
}

/// A run, as lists show it.
package struct RunSummary: Hashable, Sendable {
    /// Its number, from 1.
    package var id: UInt64
    /// Its name.
    package var name: String
    /// How far it is.
    package var status: RunStatus
    /// The name of the token that handed it in.
    package var submitter: String
    /// The queue that it shares the workers in.
    package var queue = "default"
    /// Goes first within its queue.
    package var priority = 0
    /// Whether nothing more of it is started.
    package var isPaused = false
    /// When it was taken on.
    package var submitted: Timestamp
    /// When its first subtask began.
    package var started: Timestamp?
    /// When it ended.
    package var ended: Timestamp?
    /// Subtasks put so far, over all tasks.
    package var subtasks: Int
    /// Those of them that succeeded.
    package var succeeded: Int
    /// Those of them that failed for good.
    package var failed: Int
    /// The sum of what the attempts that run say of how far they are, each from 0 to 1; `nil` if none
    /// says anything.
    package var begun: Double?
    /// How far the one task is that `POST /api/v1/tasks` made; `nil` for every other run.
    package var orchestrated: OrchestratedState?

    /// A run without subtasks yet.
    package init(
        id: UInt64, name: String, status: RunStatus, submitter: String, submitted: Timestamp,
        started: Timestamp? = nil, ended: Timestamp? = nil, subtasks: Int = 0, succeeded: Int = 0,
        failed: Int = 0, orchestrated: OrchestratedState? = nil
    ) {
        self.id = id
        self.name = name
        self.status = status
        self.submitter = submitter
        self.submitted = submitted
        self.started = started
        self.ended = ended
        self.subtasks = subtasks
        self.succeeded = succeeded
        self.failed = failed
        self.orchestrated = orchestrated
    }
}

/// A run with its tasks.
package struct RunDetail: Hashable, Sendable {
    /// What lists show of it.
    package var summary: RunSummary
    /// Its tasks, in the order of the document.
    package var tasks: [TaskDetail]
    /// Why it failed or was cancelled; `nil` if neither.
    package var failure: FailureSummary?
    /// What it puts out, once it has completed.
    package var outputs: [OutputSummary]

    /// A run with its tasks.
    package init(
        summary: RunSummary, tasks: [TaskDetail], failure: FailureSummary? = nil,
        outputs: [OutputSummary] = []
    ) {
        self.summary = summary
        self.tasks = tasks
        self.failure = failure
        self.outputs = outputs
    }
}

/// How far a task is: the phases of Core.
package enum TaskStatus: String, Hashable, Sendable, CaseIterable {
    case waiting, beginning, running, finishing, completed, failed, cancelled
}

/// A task of a run, with the numbers that Core's `TaskProgress` has.
package struct TaskDetail: Hashable, Sendable {
    /// Its name in the document.
    package var name: String
    /// The strategy that splits it.
    package var strategy: String
    /// How far it is.
    package var status: TaskStatus
    /// Subtasks that come after others, rest before the next try, or wait for a verdict.
    package var waiting = 0
    /// Subtasks that could be placed.
    package var ready = 0
    /// Subtasks queued on a worker.
    package var queued = 0
    /// Subtasks that run.
    package var running = 0
    /// Subtasks that succeeded.
    package var succeeded = 0
    /// Subtasks that failed for good.
    package var failed = 0
    /// Subtasks that were withdrawn, replaced or cancelled.
    package var withdrawn = 0
    /// Subtasks that the strategy has put: the sum of the above.
    package var put = 0
    /// Whether there will be no more.
    package var allPut = false
    /// Attempts that failed, those that were tried again included.
    package var failedAttempts = 0
    /// What attempts that run say of how far they are, at most ``APILimits/listedProgress`` of them.
    package var progress: [ProgressDetail] = []
    /// The first failure for good.
    package var failure: FailureSummary?

    /// A task without subtasks yet.
    package init(name: String, strategy: String, status: TaskStatus) {
        self.name = name
        self.strategy = strategy
        self.status = status
    }
}

/// How far a subtask is.
package enum SubtaskStatus: String, Hashable, Sendable, CaseIterable {
    case waiting, ready, queued, running, succeeded, failed, withdrawn
}

/// A subtask.
package struct SubtaskDetail: Hashable, Sendable {
    /// Counted from 0 within the task.
    package var index: UInt32
    /// How far it is.
    package var status: SubtaskStatus
    /// The worker that has it, or had it last.
    package var worker: UInt64?
    /// Tries so far.
    package var attempts: Int

    /// A subtask.
    package init(index: UInt32, status: SubtaskStatus, worker: UInt64? = nil, attempts: Int = 0) {
        self.index = index
        self.status = status
        self.worker = worker
        self.attempts = attempts
    }
}

/// Some subtasks of a task.
package struct SubtaskPage: Hashable, Sendable {
    /// In order.
    package var subtasks: [SubtaskDetail]
    /// How many the task has.
    package var total: Int

    /// Some of `total` subtasks.
    package init(subtasks: [SubtaskDetail], total: Int) {
        self.subtasks = subtasks
        self.total = total
    }
}

/// An attempt that ended.
package struct AttemptDetail: Hashable, Sendable {
    /// The subtask, counted from 0 within the task.
    package var subtask: UInt32
    /// Which try of it, from 1.
    package var attempt: Int
    /// The name of the worker.
    package var worker: String
    /// When it began, as the coordinator reckons it.
    package var started: Timestamp
    /// When its end was told.
    package var ended: Timestamp
    /// Why it failed; `nil` if it succeeded.
    package var failure: String?

    /// An attempt that ended.
    package init(
        subtask: UInt32, attempt: Int, worker: String, started: Timestamp, ended: Timestamp,
        failure: String? = nil
    ) {
        self.subtask = subtask
        self.attempt = attempt
        self.worker = worker
        self.started = started
        self.ended = ended
        self.failure = failure
    }
}

/// Some attempts of a task.
package struct AttemptPage: Hashable, Sendable {
    /// Those that succeeded, then those that failed.
    package var attempts: [AttemptDetail]
    /// How many are known.
    package var total: Int

    /// Some of `total` attempts.
    package init(attempts: [AttemptDetail], total: Int) {
        self.attempts = attempts
        self.total = total
    }
}

/// What a run puts out.
package struct OutputSummary: Hashable, Sendable {
    /// Its name in the document.
    package var name: String
    /// Its size in bytes, if it is known.
    package var bytes: Int64?
    /// What the bytes are: `application/json`.
    package var mediaType: String

    /// An output.
    package init(name: String, bytes: Int64?, mediaType: String) {
        self.name = name
        self.bytes = bytes
        self.mediaType = mediaType
    }
}

/// Which runs are wanted.
package struct RunQuery: Hashable, Sendable {
    /// Only these states; empty for all.
    package var statuses: Set<RunStatus>
    /// Only those that `POST /api/v1/tasks` made.
    package var onlyOrchestrated: Bool
    /// Only those that `POST /api/v1/tasks` made and whose task is in this state.
    package var orchestrated: OrchestratedState?
    /// Only numbers below this one: how pages follow each other.
    package var before: UInt64?
    /// This many at the beginning are left out.
    package var offset: Int
    /// At most this many.
    package var limit: Int

    /// All runs, at most `limit`.
    package init(
        statuses: Set<RunStatus> = [], onlyOrchestrated: Bool = false,
        orchestrated: OrchestratedState? = nil, before: UInt64? = nil, offset: Int = 0, limit: Int
    ) {
        self.statuses = statuses
        self.onlyOrchestrated = onlyOrchestrated
        self.orchestrated = orchestrated
        self.before = before
        self.offset = offset
        self.limit = limit
    }

    /// Picks from all runs, in any order, what the query names.
    ///
    /// Complexity: that of sorting those that the filter lets through.
    package func page(of runs: some Sequence<RunSummary>) -> RunPage {
        let wanted = runs.filter(lets).sorted { $0.id > $1.id }
        let rest = wanted.drop { run in before.map { run.id >= $0 } ?? false }.dropFirst(offset)
        return RunPage(
            runs: Array(rest.prefix(limit)), total: wanted.count, hasMore: rest.count > limit)
    }

    private func lets(_ run: RunSummary) -> Bool {
        if !statuses.isEmpty, !statuses.contains(run.status) { return false }
        if let orchestrated { return run.orchestrated == orchestrated }
        return !onlyOrchestrated || run.orchestrated != nil
    }
}

/// Runs, newest first.
package struct RunPage: Hashable, Sendable {
    /// At most as many as were wanted.
    package var runs: [RunSummary]
    /// How many the filter lets through, whatever `before`, `offset` and `limit` say.
    package var total: Int
    /// Whether there are more after these.
    package var hasMore: Bool

    /// Some of `total` runs.
    package init(runs: [RunSummary], total: Int, hasMore: Bool) {
        self.runs = runs
        self.total = total
        self.hasMore = hasMore
    }
}

/// A run, one of its tasks, or one subtask of that.
package struct RunSubject: Hashable, Sendable {
    /// The run.
    package var run: UInt64
    /// The task's name; `nil` for the whole run.
    package var task: String?
    /// The subtask's number in the task; `nil` for the whole task.
    package var subtask: UInt32?

    /// A run, or a part of it.
    package init(run: UInt64, task: String? = nil, subtask: UInt32? = nil) {
        self.run = run
        self.task = task
        self.subtask = subtask
    }
}

/// Why something waits.
package struct Explanation: Hashable, Sendable {
    /// One reason.
    package struct Reason: Hashable, Sendable {
        /// The task it is about; `nil` for the run.
        package var task: String?
        /// The subtask it is about.
        package var subtask: UInt32?
        /// How many subtasks of the task wait for it; `nil` where none is ready to run.
        package var waiting: UInt32?
        /// For programs, as Core names it, in kebab case: `no-worker-type`.
        package var code: String
        /// For people.
        package var sentence: String
        /// What would have to be so for it to run, where that can be said.
        package var wouldRunIf: String?

        /// A reason.
        package init(
            task: String? = nil, subtask: UInt32? = nil, waiting: UInt32? = nil, code: String,
            sentence: String, wouldRunIf: String? = nil
        ) {
            self.task = task
            self.subtask = subtask
            self.waiting = waiting
            self.code = code
            self.sentence = sentence
            self.wouldRunIf = wouldRunIf
        }
    }

    /// Where the run is.
    package var status: RunStatus
    /// None if nothing waits.
    package var reasons: [Reason]
    /// Where the subtask that was asked about is, or what is short elsewhere.
    package var placement: PlacementAccount?

    /// Why something waits.
    package init(status: RunStatus, reasons: [Reason], placement: PlacementAccount? = nil) {
        self.status = status
        self.reasons = reasons
        self.placement = placement
    }
}
