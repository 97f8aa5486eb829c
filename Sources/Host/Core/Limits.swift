/// The coordinator's limits: each has a name, a unit, and a reason.
package enum Limits {
    /// Subtasks of a task that are put and not placed, more than which are not asked for.
    package static let unplacedPerTask = 4096
    /// Work queued behind a slot, in nanoseconds: bridges the way to the coordinator and back.
    package static let queuedNanosecondsPerSlot = 4_000_000.0
    /// Attempts queued behind a slot.
    package static let queuedPerSlot = 1024
    /// Attempts queued on a worker for one shape.
    package static let queuedPerWorkerAndShape = 8192
    /// Slots of one shape on a worker: bounds shapes that need nothing.
    package static let slotsPerWorkerAndShape = 1024
    /// Queued work, in nanoseconds, that is not worth asking back.
    package static let notWorthMovingNanoseconds = 200_000.0
    /// Workers looked at for one that has the most to give back.
    package static let workersSearchedForQueued = 64
    /// Attempts that fail on a worker one after the other, of what succeeds elsewhere, after which it
    /// is put in quarantine.
    package static let failuresInARowPerWorker = 8
    /// Shapes that fail on a worker and succeed elsewhere, from which it is put in quarantine.
    package static let blamedShapesPerWorker = 3
    /// The first quarantine of a worker, in nanoseconds; each further one is twice as long.
    package static let quarantineNanoseconds: UInt64 = 300_000_000_000
    /// The longest quarantine, in nanoseconds.
    package static let longestQuarantineNanoseconds: UInt64 = 3_600_000_000_000
    /// Workers in good health on which a subtask fails before no other try is made.
    package static let goodWorkersPerPoison = 3
    /// Workers on which a subtask failed that are remembered.
    package static let blamedWorkersPerSubtask = 8
    /// Ready subtasks looked at for one that has not failed on a worker.
    package static let avoidedSubtasksSearched = 16
    /// Tries beside the first ones that any run may make.
    package static let retriesPerRun = 100
    /// Subtasks of a run for which it may make one more.
    package static let subtasksPerRetry = 10
    /// Times that a subtask loses its worker and is tried again free of charge.
    package static let lossesPerSubtask = 8
    /// Placements of a subtask after which one that did not reach its worker was the last: an order
    /// that breaks its connection each time must not go on for ever.
    package static let placementsPerSubtask = 1000
    /// Members of one gang.
    package static let membersPerGang = 1024
    /// Alternatives of one shape, beside itself.
    package static let alternativesPerShape = 7
    /// Times that a strategy may have a subtask tried again after it failed for good.
    package static let verdictRetriesPerSubtask = 8
    /// Answers in a row in which a strategy that nothing keeps waiting put nothing.
    package static let emptySplits = 16
    /// Time that a cancelled attempt has to end, in nanoseconds, before it is given up.
    package static let cancelGraceNanoseconds: UInt64 = 10_000_000_000
    /// Subtasks that a task may have.
    package static let subtasksPerTask = 1 << 28
    /// Tries that a retry policy may ask for.
    package static let attemptsPerSubtask = 1000
    /// Ids of workers that may be left out.
    package static let workerGap = 65_536
    /// Intervals between heartbeats that are remembered of a worker.
    static let heartbeatWindow = 100
    /// The interval that is expected before the first is measured, in nanoseconds.
    package static let heartbeatNanoseconds: UInt64 = 1_000_000_000
    /// The deviation that is taken for the least, in nanoseconds: a network that was steady for a
    /// while may still stall for a moment.
    package static let heartbeatDeviationNanoseconds: UInt64 = 1_000_000_000
    /// The longest interval that is remembered as such, in nanoseconds: one partition must not make
    /// the next one look usual.
    static let heartbeatIntervalNanoseconds: UInt64 = 10_000_000_000
    /// Time between two turns of the coordinator's loop, in nanoseconds, that is no pause.
    package static let loopTurnNanoseconds: UInt64 = 1_000_000_000
    /// Phi from which a worker is suspected: it is given nothing new.
    package static let phiSuspected = 1.0
    /// Phi from which a worker is doubted: what has not begun is placed elsewhere.
    package static let phiDoubted = 5.0
    /// Phi from which a worker is lost, if nothing at all came from it.
    package static let phiLost = 8.0
    /// Weights of a queue: 1 to this.
    package static let queueWeight = 1000
    /// Queues that a configuration may name.
    package static let queues = 256
    /// Priorities of a run.
    package static let priorities = -100...100
    /// Points of priority across which an attempt may be ended for another.
    package static let preemptionPriorities = 10
    /// Times that a subtask's attempts are ended for others: after that it is left alone.
    package static let preemptionsPerSubtask = 4
    /// Waiting that counts as a point of priority, in nanoseconds.
    package static let ageingNanosecondsPerPoint: UInt64 = 60_000_000_000
    /// Waiting without any slot after which a worker is kept for a shape, in nanoseconds.
    package static let claimAfterNanoseconds: UInt64 = 30_000_000_000
    /// Time for which a worker is kept for a shape that waits, in nanoseconds.
    package static let claimNanoseconds: UInt64 = 600_000_000_000
    /// Time between two searches for a worker to keep, in nanoseconds.
    package static let claimPauseNanoseconds: UInt64 = 1_000_000_000
    /// Time for which a worker is kept where attempts were ended, in nanoseconds: the grace of
    /// those, and as much again for what was handed on meanwhile.
    package static let evictionNanoseconds: UInt64 = 30_000_000_000
    /// Workers that are kept for shapes at a time.
    package static let holds = 16
    /// Workers looked at for one to keep or to end attempts on.
    package static let workersSearchedForHolds = 128
    /// Shapes waiting for capacity that are looked at before another is given more work ahead.
    package static let starvedShapesSearched = 16
    /// Changes of workers' states that are kept beyond twice the states there are.
    static let placementLogEntries = 1024
    /// States nobody is in that are kept beyond twice those somebody is in.
    static let emptyStates = 16_384
    /// Typical requests that are kept; a look at a worker costs so many steps at most.
    static let typicalRequests = 256
    /// The share of all requests that typical ones make up.
    static let typicalShare = 0.95
    /// Requests after which is learned for the first time what is typical.
    static let firstLessonRequests = 64.0
    /// Requests after which older ones count half.
    static let remembersRequests = 65_536.0
    /// Loss of what is usable below which two workers are alike, in thousandths of a GPU.
    static let usableStepMilli = 80.0
    /// What room for one more typical request counts beside capacity that it could use.
    static let roomWeight = 0.1
    /// Slots of which is kept why they are where they are.
    package static let placementNotes = 4096
    /// Kinds of workers that a policy which is a plugin is asked about.
    package static let policyKinds = 256
    /// Classes of requests whose scores are kept of a plugin.
    package static let policyRequests = 1024
    /// Scores that a plugin is asked for at a time.
    package static let policyScoresAsked = 8192
    /// Classes of requests that a plugin is asked about at a time.
    package static let policyRequestsAsked = 64
    /// Classes of requests that wait to be asked about; more are asked about when they come again.
    package static let policyRequestsWaiting = 4096
    /// Attempts that ended of which a policy that is a plugin has not been told; more are dropped.
    package static let policyOutcomesWaiting = 4096
    /// Attempts that ended of which such a policy is told at a time.
    package static let policyOutcomesTold = 256
    /// What a score is lowered by for work without GPUs on a worker with some; more than any score.
    static let reluctance = 1e9
    /// Workers that a pool may have.
    package static let workersPerPool = 100_000
    /// Half of what is known of an offering counts no more after this time, in nanoseconds.
    static let offeringHalfLifeNanoseconds: UInt64 = 1_800_000_000_000
    /// Subtasks of a task that are asked for at least where more workers can be had.
    static let elasticLookahead = 64
    /// Subtasks that are expected at most of a task that has not begun: what is asked for first.
    static let expectedSubtasks = elasticLookahead
    /// Tasks that have not begun and are expected to soon, at a time.
    static let expectedTasks = 64
    /// Tasks that are remembered as expected: more are not expected before some of them have begun.
    static let expectationsKept = 256
    /// A task's items are known from what it gave once so large a part of its results is in: a quarter.
    static let expectedResultsShare = 4
    /// Decisions about scaling that are remembered.
    package static let scalingDecisions = 256
    /// Workers that are needed after all, more than which are not looked at for one that is not.
    static let scalingRetireTries = 16
    /// Offerings or workers that a decision names beside the one it took.
    static let scalingAlternatives = 8
    /// Utilisations that are remembered of a window.
    static let scalingSamples = 256
    /// Time after which a launch or an end without effect is asked for again, in nanoseconds.
    package static let scalingRepeatNanoseconds: UInt64 = 30_000_000_000
    /// Time for which a worker that was launched may be missing in its provider's list.
    package static let unlistedNanoseconds: UInt64 = 120_000_000_000
    /// Time, beside two boots, after which a worker that takes no work is ended, in nanoseconds.
    package static let neverReadyNanoseconds: UInt64 = 300_000_000_000
    /// Intervals before the end of the total budget at which all workers are drained.
    static let scalingSpentIntervals = 10.0
    /// Intervals before the end of the total budget at which all workers are ended.
    static let scalingLastIntervals = 2.0
    /// Steps of a load whose forecasts are kept, to tell how wrong they were.
    package static let forecastSteps = 8000
    /// Length of the steps in which a pool's load is forecast, in nanoseconds.
    static let forecastStepNanoseconds: UInt64 = 300_000_000_000
    /// Steps of a worker's boot that are looked ahead at most: an hour.
    static let forecastBootSteps = 12
    /// Steps in which nothing was looked at that are filled in: a day.
    static let forecastMissedSteps: UInt64 = 288
    /// Steps of a plan for a job with a deadline: bounds what it costs and what it keeps.
    static let spotPlanSteps = 512.0
    /// Hours after which a job with a deadline is planned anew, by what it has seen of spot.
    static let spotPlanHours = 6.0
    /// A change of the price of spot, as a share of that on demand, after which it is planned anew.
    static let spotPriceChange = 0.1
    /// What the priority of a run counts more that is served on demand for its deadline; less than what
    /// ends attempts.
    static let netPriorities = 9
    /// Runs that are planned at a time; others are served by what is cheapest until on demand is due.
    static let spotRuns = 32
    /// Time after which spot that was not given is asked for again, in nanoseconds.
    static let spotProbeNanoseconds: UInt64 = 300_000_000_000
}
