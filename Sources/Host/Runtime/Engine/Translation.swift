import CPluginABI
import FanfoldCore
import FanfoldPlugins

extension AttemptReport {
    /// What a worker told, in the coordinator's words.
    init(_ ended: EndedAttempt) {
        let outcome: AttemptOutcome
        var items: UInt64 = 0
        switch ended.result.outcome {
        case .success(_, _, let count):
            outcome = .succeeded
            items = UInt64(clamping: count)
        case .failure(let failure): outcome = .failed(Failure(failure))
        }
        self.init(
            attempt: ended.attempt, outcome: outcome, slot: ended.slot,
            successor: ended.successor,
            usage: AttemptUsage(
                ranNanoseconds: ended.result.ranNanoseconds,
                cpuNanoseconds: ended.result.cpuNanoseconds,
                peakMemoryBytes: UInt64(clamping: ended.result.peakMemoryBytes),
                peakDeviceMemoryBytes: UInt64(clamping: ended.result.peakDeviceMemoryBytes),
                bytesIn: UInt64(clamping: ended.result.bytesIn),
                bytesOut: UInt64(clamping: ended.result.bytesOut), items: items))
    }
}

extension Failure {
    /// Why an attempt gave no result.
    package init(_ failure: WorkFailure) {
        let (kind, reason): (FailureClass, String) =
            switch failure.kind {
            case .exitCode(let code): (.exitCode, "exit.\(code)")
            case .signal(let signal): (.exitCode, "signal.\(signal)")
            case .timeout: (.timeout, "timeout")
            case .cancelled: (.cancelled, "cancelled")
            case .outputInvalid: (.other, "output.invalid")
            case .inputInvalid: (.inputMissing, "input.invalid")
            case .notFound: (.misconfigured, "not-found")
            case .launch: (.unavailable, "launch")
            case .outOfMemory: (.outOfMemory, "memory")
            case .crash: (.pluginCrash, "crash")
            }
        self.init(
            kind, retry: failure.isPermanent ? .never : .later, reason: reason, failure.message)
    }

    /// What a strategy answered instead of doing its work.
    init(_ failure: PluginFailure) {
        let retry: RetryAdvice =
            switch failure.retry {
            case .never: .never
            case .later: .later
            case .elsewhere: .elsewhere
            case .renewed: .renewed
            }
        self.init(.strategyFailed, retry: retry, reason: failure.reason, failure.message)
    }
}

extension PluginFailure {
    /// Why a subtask failed for good, as the contract says it.
    init(_ failure: Failure) {
        let code: Int =
            switch failure.kind {
            case .timeout: FAN_DEADLINE
            case .cancelled: FAN_CANCELLED
            case .inputMissing: FAN_NOT_FOUND
            case .misconfigured: FAN_INVALID
            case .outOfMemory: FAN_EXHAUSTED
            case .dependencyFailed: FAN_ABORTED
            case .workerLost, .preempted, .unavailable, .pluginCrash: FAN_UNAVAILABLE
            default: FAN_UNKNOWN
            }
        let retry: Retry =
            switch failure.retry {
            case .never: .never
            case .later: .later
            case .elsewhere: .elsewhere
            case .renewed: .renewed
            }
        self.init(
            code: Int32(code), retry: retry, reason: failure.reason, message: failure.message)
    }
}

extension SplitState {
    init(_ state: StrategyInstance.SplitState) {
        self =
            switch state {
            case .more: .more
            case .wait: .wait
            case .end: .end
            }
    }
}

extension FailureVerdict {
    init(_ verdict: StrategyInstance.Verdict) {
        self =
            switch verdict {
            case .retry: .retry
            case .replaced: .replaced
            case .skip: .skip
            case .failTask: .failTask
            }
    }
}
