import FanfoldJSON

/// The API's only door to the engine: what clients may see of it, and what they may ask of it.
///
/// Every method answers when what it says is durable: a run that ``submit(_:)`` returns survives the
/// end of the coordinator.  Methods are called at the same time from many threads.  They do not look at
/// roles: who may call what is settled before, by the route table.
///
/// Throws: ``ControlError`` everywhere; its code decides the status that a client sees.
package protocol ControlPlane: Sendable {
    /// Whether the engine takes work now, for `/readyz`: what is missing, empty when it is ready.
    func readiness() async -> [String]

    // Runs.

    /// Checks a pipeline and takes it on.
    ///
    /// A submission whose ``Submission/idempotencyKey`` was taken before, by the same submitter, is
    /// answered with the run of the first time.
    func submit(_ submission: Submission) async throws(ControlError) -> RunDetail
    /// Runs that the query names, newest first.
    func runs(_ query: RunQuery) async throws(ControlError) -> RunPage
    /// One run; `not-found` if there is none, or none any more.
    func run(_ id: UInt64) async throws(ControlError) -> RunDetail
    /// Says how a pipeline would be split and placed on the workers that are here, if nothing else
    /// ran; nothing of it is kept.
    func plan(_ submission: Submission) async throws(ControlError) -> JSON
    /// What tasks will need: of one class, or of the first `limit` by name.
    func predictions(taskClass: String?, limit: Int) async throws(ControlError) -> JSON
    /// What the tasks of a run were given and used, and what to ask for; `not-found` as for the run.
    func efficiency(run id: UInt64) async throws(ControlError) -> JSON
    /// Cancels a run; one that has ended is returned as it is.
    func cancel(run id: UInt64, reason: String) async throws(ControlError) -> RunDetail
    /// Runs what failed again, as a new run that takes over what had succeeded.
    ///
    /// `conflict` if the run has not ended, or nothing of it failed.
    func retryFailed(
        run id: UInt64, submitter: String, isAdmin: Bool
    ) async throws(ControlError) -> RunDetail
    /// Why something waits: the run, one of its tasks, or one subtask of the task.
    func why(_ subject: RunSubject) async throws(ControlError) -> Explanation
    /// The names of a run's outputs, with their sizes; empty until it has completed.
    func outputs(run id: UInt64) async throws(ControlError) -> [OutputSummary]
    /// The bytes of one output; `conflict` if the run has not completed.
    func output(run id: UInt64, name: String) async throws(ControlError) -> ByteStream
    /// The subtasks of a run's task, in order, from number `first`, at most `limit` of them.
    func subtasks(run id: UInt64, task: String, from first: UInt32, limit: Int)
        async throws(ControlError) -> SubtaskPage
    /// Attempts of a task that ended, as far as they are known, from number `first`, at most `limit`.
    func attempts(run id: UInt64, task: String, from first: Int, limit: Int)
        async throws(ControlError) -> AttemptPage
    /// The end of what a subtask wrote, or of what a whole run's attempts wrote, in the order of the
    /// tasks, subtasks and attempts.
    func logs(_ query: LogQuery) async throws(ControlError) -> [LogTail]
    /// The same, and then what is written until the subject has ended.
    func followLogs(_ query: LogQuery) async throws(ControlError) -> LogStream

    /// Starts nothing more of a run, or lets it go on; one that has ended is returned as it is.
    func pause(run id: UInt64, _ isPaused: Bool) async throws(ControlError) -> RunDetail

    // Queues.

    /// The queues of the settings, and those that still have runs.
    func queues() async throws(ControlError) -> [QueueDetail]
    /// One queue; `not-found` if there is none of this name.
    func queue(_ name: String) async throws(ControlError) -> QueueDetail
    /// Starts nothing more of a queue's runs, or lets them go on.
    func pause(queue name: String, _ isPaused: Bool) async throws(ControlError) -> QueueDetail

    // Workers.

    /// All workers that are here, or were not long ago, by number.
    func workers() async throws(ControlError) -> [WorkerDetail]
    /// Workers that are gone, those that joined last first, at most ``APILimits/lostWorkers``.
    func lostWorkers() async throws(ControlError) -> [WorkerDetail]
    /// All that is known of one worker, also of one that is gone.
    func describe(worker id: UInt64) async throws(ControlError) -> WorkerAccount
    /// One worker.
    func worker(_ id: UInt64) async throws(ControlError) -> WorkerDetail
    /// Lets a worker finish what it runs and gives it nothing more.
    func drain(worker id: UInt64) async throws(ControlError) -> WorkerDetail
    /// Somebody has put a worker right: if it is in quarantine, that ends.
    func pardon(worker id: UInt64) async throws(ControlError) -> WorkerDetail
    /// Lets a worker in no more, whether it is here or gone: its certificate is worthless from now on,
    /// its connection ends, and what it had is done elsewhere.
    func revoke(worker id: UInt64) async throws(ControlError) -> WorkerDetail
    /// Makes a token with which a worker may join; its secret is told this once.
    func createJoinToken(_ request: JoinTokenRequest) async throws(ControlError) -> NewJoinToken
    /// The join tokens that are not used up, revoked or expired.
    func joinTokens() async throws(ControlError) -> [JoinTokenSummary]
    /// Makes a join token worthless; `not-found` if there is none of this id.
    func revokeJoinToken(id: String) async throws(ControlError)
    /// What all active workers have, hold and use together.
    func resources() async throws(ControlError) -> ResourceTotals

    // Scaling.

    /// Pools, their workers and what they wait for; `not-found` if nobody rents workers.
    func scaling() async throws(ControlError) -> JSON
    /// What would be decided about workers now; nothing is done.
    func scalingPlan() async throws(ControlError) -> JSON
    /// What was decided about workers, the latest first, at most `limit`.
    func scalingDecisions(limit: Int) async throws(ControlError) -> JSON
    /// What workers have cost, cost now, and will.
    func cost() async throws(ControlError) -> JSON

    // Files.

    /// What the store has of the file with this SHA-256: 64 lowercase hexadecimal digits.
    func blob(_ sha256: String) async throws(ControlError) -> BlobStatus
    /// Writes bytes at `offset`, which must be where the store is; bytes that it has are not sent twice.
    ///
    /// Returns: where the store is afterwards.  `conflict` if `offset` is elsewhere: ask ``blob(_:)``.
    func writeBlob(_ sha256: String, at offset: Int64, _ bytes: [UInt8])
        async throws(ControlError) -> BlobStatus
    /// Ends an upload: the bytes must have the sum, or all of them are dropped (`checksum-mismatch`).
    func finishBlob(_ sha256: String) async throws(ControlError) -> BlobStatus

    // Observation.

    /// Events with numbers above `after`, at most `limit`; waits up to `wait` for the first.
    ///
    /// Without `after` it begins with the next event.  The task that calls may be cancelled meanwhile.
    /// ``EventRing`` is made for this.
    func events(after: UInt64?, limit: Int, wait: Duration)
        async throws(ControlError) -> EventBatch
    /// The figures of the engine in Prometheus' text format, without those of the API.
    func metrics() async throws(ControlError) -> String
}
