/// What kind of thing went wrong: decides whether another try is worth it.
package enum FailureClass: UInt8, Hashable, Sendable, CaseIterable {
    /// The worker was taken away with notice.
    case preempted
    /// The worker went silent.
    case workerLost
    /// The attempt needed more memory than it had.
    case outOfMemory
    /// The attempt took longer than it may.
    case timeout
    /// The command ended with another exit code than 0, or by a signal.
    case exitCode
    /// A plugin, or the process it ran in, crashed.
    case pluginCrash
    /// Something the attempt was to read is not there.
    case inputMissing
    /// The attempt was cancelled.
    case cancelled
    /// A subtask that this one comes after failed for good or was withdrawn.
    case dependencyFailed
    /// The configuration or the request is wrong.
    case misconfigured
    /// The worker could not run the attempt now: no process, no disk, no connection.
    case unavailable
    /// A strategy failed, or went against the contract.
    case strategyFailed
    /// Too few subtasks succeeded.
    case tooFewSucceeded
    /// What is none of the others.
    case other
}

/// What would make another try worth it.
package enum RetryAdvice: UInt8, Hashable, Sendable, CaseIterable {
    /// Nothing: the request is wrong.
    case never
    /// Time.
    case later
    /// Another worker.
    case elsewhere
    /// A person renewing credentials or quota; the coordinator does not try again by itself.
    case renewed
}

/// Why an attempt, a subtask, a task or a run did not succeed.
package struct Failure: Hashable, Sendable {
    /// What kind of thing went wrong.
    package var kind: FailureClass
    /// What would make another try worth it.
    package var retry: RetryAdvice
    /// For programs: `exit-code`, `config./size`.
    package var reason: String
    /// For people: what was wanted, what was found, what to do.
    package var message: String

    /// A failure.
    package init(
        _ kind: FailureClass, retry: RetryAdvice = .later, reason: String, _ message: String
    ) {
        self.kind = kind
        self.retry = retry
        self.reason = reason
        self.message = message
    }
}
