/// Why a subtask or a task is not running: the first that applies, in the order listed.
package enum WaitingReason: Hashable, Sendable {
    /// Nobody wants it any more: it was withdrawn, or its run was cancelled or has failed.
    case deactivated(String)
    /// What it was given is wrong: the name of what, and what is wrong with it.
    case misconfigured(field: String, String)
    /// Tasks that have not completed.
    case dependencyWaiting(tasks: [TaskID])
    /// Subtasks it comes after that have not succeeded: how many.
    case subtasksWaiting(Int)
    /// What it comes after did not succeed; these tasks, or subtasks of its own task.
    case dependencyFailed(tasks: [TaskID])
    /// Others of its gang are not ready: how many, of how many.
    case gangWaiting(missing: Int, size: Int)
    /// All workers together, were they idle, run fewer of its gang at a time than it has members.
    case topologyUnsatisfiable(wanted: Int, possible: Int)
    /// No worker has so many devices that are as near to one another as is asked for; the most that
    /// one has.
    case devicesApart(DeviceTopology, wanted: Int, largest: Int)
    /// The strategy has not answered yet.
    case strategyAnswering
    /// Its run is paused, or the queue of this name.
    case paused(queue: String?)
    /// No worker has the labels.
    case noWorkerType(labels: [String])
    /// It needs more than any worker has, even an idle one.
    case exceedsMaximumWorker(ResourceDimension, wanted: Int64, largest: Int64)
    /// It needs more than its queue may ever hold.
    case exceedsQuota(QuotaEvidence)
    /// Its queue holds as much as it may.
    case waitingForQuota(QuotaEvidence)
    /// The run holds as many slots as it may.
    case concurrencyLimit(Int)
    /// No worker is bought for it: what was spent and what may be, in millionths of the currency.
    case budgetExhausted(spentMicros: Int64, limitMicros: Int64)
    /// Its run will be cancelled before what is left of it could end.
    case deadlineInfeasible(DeadlineEvidence)
    /// The devices of a worker have enough left together, and none has enough by itself.
    case fragmentedDevices(FragmentEvidence)
    /// A worker could take it, when something ends there.
    case waitingForCapacity(CapacityEvidence)
    /// A worker was asked for, and is expected at this moment.
    case scalingUp(workers: Int, expected: Tick)
    /// Who gives workers does not answer, and is asked again at this moment.
    case providerUnavailable(String, until: Tick)
    /// There is no worker at all.
    case noWorker
    /// It rests before the next try.
    case backingOff(until: Tick)
    /// Each worker that could take it is in quarantine, or has been silent; the one whose quarantine
    /// ends first.
    case nodeQuarantined(WorkerID, QuarantineReason, until: Tick)
    /// A worker that could take it has been silent for longer than usual; no other could.
    case suspect(WorkerID)
    /// It is on a worker, queued behind others of its shape.
    case queued(WorkerID)
}

/// What a queue holds and may hold in the dimension in which a request is too much.
///
/// Units: thousandths of cores and devices, bytes.
package struct QuotaEvidence: Hashable, Sendable {
    /// The queue.
    package var queue: String
    /// The first dimension in which it is too much.
    package var dimension: ResourceDimension
    /// What the request needs.
    package var wanted: Int64
    /// What the queue holds.
    package var used: Int64
    /// Its quota.
    package var limit: Int64
    /// What it may hold beyond its quota; 0 if it may not borrow, or not for such a request.
    package var mostBorrowed: Int64 = 0
}

/// How long what is left of a run takes at least, and how long it has.
package struct DeadlineEvidence: Hashable, Sendable {
    /// When the run is cancelled.
    package var deadline: Tick
    /// What is left until then, in nanoseconds.
    package var leftNanoseconds: UInt64
    /// What all workers together, if they did nothing else, would need for what is ready and queued,
    /// in nanoseconds, by the mean times of attempts that have ended.
    package var neededNanoseconds: UInt64
}

/// What is left of the devices of the worker that has most left.
///
/// Units: thousandths of a device.
package struct FragmentEvidence: Hashable, Sendable {
    /// The worker.
    package var worker: WorkerID
    /// What is needed of each device.
    package var wanted: Int64
    /// What is left of the device that has most left.
    package var largest: Int64
    /// What is left of all of them.
    package var together: Int64
}

/// The worker that lacks least of what is needed.
///
/// Units: thousandths of cores and devices, bytes.
package struct CapacityEvidence: Hashable, Sendable {
    /// The worker.
    package var worker: WorkerID
    /// The dimension in which the largest share of it is lacking.
    package var dimension: ResourceDimension
    /// How much has to become free there; 0 if it is only kept for another request.
    package var lacking: Int64
    /// Whether the worker is kept for a request that has waited longer.
    package var isKept: Bool
    /// When something is expected to end on a worker that could take it; `nil` if nothing of the
    /// kind has been measured.
    package var expected: Tick?
}

/// What is known of workers that are not there yet: the shell tells the coordinator, which decides
/// nothing by it and says it when it is asked why something waits.
package enum Supply: Hashable, Sendable {
    /// Workers come and go by themselves.
    case given
    /// More workers can be had, and none is on its way.
    case elastic
    /// So many workers were asked for, and are expected at this moment.
    case scalingUp(workers: Int, expected: Tick)
    /// Who gives workers does not answer, and is asked again at this moment.
    case unavailable(provider: String, until: Tick)
    /// No more may be spent: millionths of the currency.
    case budgetExhausted(spentMicros: Int64, limitMicros: Int64)
}
