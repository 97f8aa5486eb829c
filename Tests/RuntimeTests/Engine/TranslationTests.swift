import CPluginABI
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import Testing

@testable import FanfoldRuntime

@Suite struct `Translations` {
    @Test(arguments: [
        (WorkFailure.Kind.exitCode(3), FailureClass.exitCode, RetryAdvice.later, "exit.3"),
        (.signal(11), .exitCode, .later, "signal.11"), (.timeout, .timeout, .later, "timeout"),
        (.cancelled, .cancelled, .later, "cancelled"),
        (.outputInvalid, .other, .later, "output.invalid"),
        (.inputInvalid, .inputMissing, .never, "input.invalid"),
        (.notFound, .misconfigured, .never, "not-found"),
        (.launch, .unavailable, .later, "launch"), (.outOfMemory, .outOfMemory, .later, "memory"),
        (.crash, .pluginCrash, .later, "crash"),
    ])
    func `why an attempt failed decides what becomes of it`(
        kind: WorkFailure.Kind, wanted: FailureClass, retry: RetryAdvice, reason: String
    ) {
        let failure = Failure(WorkFailure(kind, "so it was"))
        #expect(failure == Failure(wanted, retry: retry, reason: reason, "so it was"))
    }

    @Test(arguments: [
        (FailureClass.preempted, FAN_UNAVAILABLE), (.workerLost, FAN_UNAVAILABLE),
        (.outOfMemory, FAN_EXHAUSTED), (.timeout, FAN_DEADLINE), (.exitCode, FAN_UNKNOWN),
        (.pluginCrash, FAN_UNAVAILABLE), (.inputMissing, FAN_NOT_FOUND),
        (.cancelled, FAN_CANCELLED), (.dependencyFailed, FAN_ABORTED),
        (.misconfigured, FAN_INVALID), (.unavailable, FAN_UNAVAILABLE),
        (.strategyFailed, FAN_UNKNOWN), (.tooFewSucceeded, FAN_UNKNOWN), (.other, FAN_UNKNOWN),
    ])
    func `a strategy is told a failure with a code of the contract`(
        kind: FailureClass, code: Int
    ) {
        let failure = PluginFailure(Failure(kind, retry: .elsewhere, reason: "r", "m"))
        #expect(failure.code == Int32(code))
        #expect(failure.retry == .elsewhere)
        #expect(failure.reason == "r")
        #expect(failure.message == "m")
    }

    @Test(arguments: [
        (PluginFailure.Retry.never, RetryAdvice.never), (.later, .later),
        (.elsewhere, .elsewhere), (.renewed, .renewed),
    ])
    func `what a strategy answers is the failure of its task`(
        retry: PluginFailure.Retry, wanted: RetryAdvice
    ) {
        let failure = Failure(PluginFailure(code: 3, retry: retry, reason: "r", message: "m"))
        #expect(failure == Failure(.strategyFailed, retry: wanted, reason: "r", "m"))
        #expect(PluginFailure(failure).retry == retry)
    }

    @Test func `states of a split and verdicts keep their meaning`() {
        #expect(SplitState(.more) == .more)
        #expect(SplitState(.wait) == .wait)
        #expect(SplitState(.end) == .end)
        #expect(FailureVerdict(.retry) == .retry)
        #expect(FailureVerdict(.replaced) == .replaced)
        #expect(FailureVerdict(.skip) == .skip)
        #expect(FailureVerdict(.failTask) == .failTask)
    }

    @Test func `what a subtask told is JSON with every member`() throws {
        let payload = LentPayload(Payload(text: "x").whole, format: .lines)
        let outcome = SubtaskOutcome(
            index: 4, worker: "a\"b", attempt: 2, payload: payload, items: 10, ranNanoseconds: .max,
            bytesIn: -1, bytesOut: 1_234_567)
        var text = Array("before".utf8)
        outcome.write(to: &text)
        let json = try JSON(parsing: Array(text.dropFirst(6)))
        #expect(json["worker"] == "a\"b")
        #expect(json["attempt"] == 2)
        #expect(json["bytes_in"] == 0)
        #expect(json["bytes_out"] == 1_234_567)
        #expect(json["items"] == 10)
        #expect(json["ran_ns"] != nil)
    }

    @Test func `the handle of a lent blob says the format, and any other number JSON`() {
        for format in DataFormat.allCases {
            #expect(LentPayload.format(mark: LentPayload.mark(of: format)) == format)
        }
        for mark in [0, -1, 99, Int64.min, .max] {
            #expect(LentPayload.format(mark: mark) == .json)
        }
    }

    @Test func `a part of what was lent is a part of the payload`() {
        let whole = Payload(text: "abcdef")
        let lent = LentPayload(PayloadSlice(payload: whole, range: 1..<5), format: .bytes)
        #expect(lent.part(offset: 1, count: 2).text == "cd")
        var blob = lent.lend()
        #expect(blob.size == 4)
        blob.data = blob.data.map { $0 + 3 }
        blob.size = 1
        guard case .lent(let owner, 3, 1) = HostBlob.receive(&blob) else {
            Issue.record("lent memory comes back")
            return
        }
        let isTheSame = owner === lent
        #expect(isTheSame)
    }
}
