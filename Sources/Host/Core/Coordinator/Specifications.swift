/// One execution of a pipeline, as the shell hands it in: the graph is checked, names are ids.
package struct RunSpec: Hashable, Sendable {
    /// The run.
    package var id: RunID
    /// The only source of the run's randomness.
    package var seed: UInt64
    /// The tasks; their ids count on from ``Coordinator/nextTask``.
    package var tasks: [TaskSpec]
    /// How many slots the run may hold at a time; `nil` for as many as there are.
    package var maximumConcurrency: Int?
    /// The queue that it shares the workers in; `nil` for the one that is always there.
    package var queue: String?
    /// Goes first within its queue, and may end what is ten points lower; -100 to 100.
    package var priority: Int

    /// A run.
    package init(
        id: RunID, seed: UInt64, tasks: [TaskSpec], maximumConcurrency: Int? = nil,
        queue: String? = nil, priority: Int = 0
    ) {
        self.id = id
        self.seed = seed
        self.tasks = tasks
        self.maximumConcurrency = maximumConcurrency
        self.queue = queue
        self.priority = priority
    }
}

/// One node of a run's graph.
package struct TaskSpec: Hashable, Sendable {
    /// The task.
    package var id: TaskID
    /// The name in the pipeline.
    package var name: String
    /// Tasks of the same run that must complete before the strategy begins.
    package var dependsOn: [TaskID]
    /// What its subtasks need unless their shape says otherwise; sizes the strategy's slots.
    package var needs: ResourceRequest
    /// How long an attempt may run, in nanoseconds; `nil` for as long as it likes.
    package var timeoutNanoseconds: UInt64?
    /// How often a subtask is tried.
    package var retry: RetryPolicy
    /// What a subtask that fails for good means for the task.
    package var failurePolicy: FailurePolicy

    /// A task.
    package init(
        id: TaskID, name: String, dependsOn: [TaskID] = [], needs: ResourceRequest = .init(),
        timeoutNanoseconds: UInt64? = nil, retry: RetryPolicy = .init(),
        failurePolicy: FailurePolicy = .failFast
    ) {
        self.id = id
        self.name = name
        self.dependsOn = dependsOn
        self.needs = needs
        self.timeoutNanoseconds = timeoutNanoseconds
        self.retry = retry
        self.failurePolicy = failurePolicy
    }
}

/// How often a subtask is tried, and how long it rests in between.
///
/// Source: "full jitter", M. Brooker, AWS Architecture Blog, 2015: before try `n + 1` the subtask
/// rests for a random time between 0 and `min(cap, base * 2^(n - 1))`.
package struct RetryPolicy: Hashable, Sendable {
    /// Tries in all, the first included; 1 for no second try, at most 1,000.
    package var attempts: Int
    /// The longest rest before the second try, in nanoseconds.
    package var baseNanoseconds: UInt64
    /// The longest rest before any try, in nanoseconds.
    package var capNanoseconds: UInt64

    /// A policy; three tries, resting at most 0.1 s and then 0.2 s, unless told otherwise.
    package init(
        attempts: Int = 3, baseNanoseconds: UInt64 = 100_000_000,
        capNanoseconds: UInt64 = 30_000_000_000
    ) {
        self.attempts = attempts
        self.baseNanoseconds = baseNanoseconds
        self.capNanoseconds = capNanoseconds
    }
}

/// What a subtask that fails for good means for its task.
package enum FailurePolicy: Hashable, Sendable {
    /// The task fails, and the others are cancelled.
    case failFast
    /// The task goes on, and completes if one subtask at least succeeded.
    case bestEffort
    /// The task goes on, and completes if this share of its subtasks, 0 to 1, succeeded.
    case minimumSuccess(Double)
}

/// What a shape stands for.
package struct ShapeSpec: Hashable, Sendable {
    /// The one task whose subtasks have this shape.
    package var task: TaskID
    /// What each of them needs; `nil` for the task's own needs.
    package var needs: ResourceRequest?
    /// How long an attempt may run, in nanoseconds; `nil` for the task's own timeout.
    package var timeoutNanoseconds: UInt64?

    /// How many of them run at the same time or not at all, in the order in which they are put; 1
    /// for each by itself.
    package var gang: Int

    /// A shape.
    package init(
        task: TaskID, needs: ResourceRequest? = nil, timeoutNanoseconds: UInt64? = nil,
        gang: Int = 1
    ) {
        self.task = task
        self.needs = needs
        self.timeoutNanoseconds = timeoutNanoseconds
        self.gang = gang
    }
}

/// A subtask that a strategy has put: no more than the coordinator decides on.
package struct SubtaskSpec: Hashable, Sendable {
    /// What it needs and runs; declared before.
    package var shape: ShapeID
    /// Subtasks of the same task that must succeed first: indices lower than its own.
    package var after: [UInt32]
    /// Higher goes first within the shape.
    package var priority: Float

    /// A subtask.
    package init(shape: ShapeID, after: [UInt32] = [], priority: Float = 0) {
        self.shape = shape
        self.after = after
        self.priority = priority
    }
}

/// A worker as it introduces itself.
package struct WorkerSpec: Hashable, Sendable {
    /// The worker.
    package var id: WorkerID
    /// What it has, all of it free.
    package var capacity: ResourceVector
    /// What it is called when a subtask asks for something by label.
    package var labels: [String]

    /// A worker.
    package init(id: WorkerID, capacity: ResourceVector, labels: [String] = []) {
        self.id = id
        self.capacity = capacity
        self.labels = labels
    }
}

/// What `split` says about the subtasks it has not handed out.
package enum SplitState: Hashable, Sendable {
    /// There are more: ask again when they are wanted.
    case more
    /// There will be more, after a result that is not in yet.
    case wait
    /// There are no more.
    case end
}

/// What a strategy makes of a subtask that failed for good.
package enum FailureVerdict: Hashable, Sendable {
    /// Try it once more.
    case retry
    /// The strategy has put other subtasks in its place.
    case replaced
    /// Go on without it, if the task's failure policy allows that.
    case skip
    /// The task fails.
    case failTask
}
