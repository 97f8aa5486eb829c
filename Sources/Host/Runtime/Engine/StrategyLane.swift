import CPluginABI
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// Puts the output of a task where it outlives this process, and gives it back from there.
package typealias OutputKeeper = @Sendable (TaskID, Dataset) throws(DataError) -> Dataset

/// A call to the strategy of a task.
package enum StrategyCall: Sendable {
    /// Makes the strategy and hands it the task.
    case begin(spec: [UInt8])
    /// Asks for subtasks.
    case split(want: Int)
    /// Tells results, in order of arrival; one answer for all.
    case results([SubtaskOutcome])
    /// Asks what becomes of a subtask that failed for good.
    case failure(Failure, index: UInt32, attempts: Int)
    /// Tells which workers there are.
    case capacity([UInt8])
    /// Has the strategy put the rest of its output.
    case finish
    /// Has it forget the task.
    case end
}

/// What a strategy answered, on its way to the loop.
enum StrategyNotice: Sendable {
    case began(StrategyAnswer)
    case split(StrategyAnswer, SplitState)
    case replied(StrategyReply.Answer, StrategyAnswer)
    case finished(Dataset, reports: [JSON])
    case failed(Failure)
}

/// The strategy of one task on a thread of its own: calls in order, each with a deadline.
final class StrategyLane: Sendable {
    private let task: TaskID
    private let strategy: PlannedStrategy
    private let inputs: [Dataset]
    private let lane: Lane
    private let callNanoseconds: UInt64
    private let keep: OutputKeeper?
    private let deadline: Duration?
    private let slot: SessionSlot
    private let answer: @Sendable (StrategyNotice) -> Void

    /// The session; only the lane touches it.
    private final class SessionSlot: @unchecked Sendable {
        // Unchecked: read and written by jobs of the lane only.
        var session: StrategySession?
        var output = OutputPieces()
        var hasFailed = false
    }

    /// The calls of the contract, for the message about one that hangs.
    private enum Call: UInt64 {
        case begin, split, on_result, on_failure, on_capacity, finish, end
    }

    /// A lane without a strategy; the call `begin` makes it.
    ///
    /// - Parameter keep: puts the output where it outlives this process; `nil` leaves it in memory.
    init(
        task: TaskID, plan: PlannedTask, inputs: [Dataset], callNanoseconds: UInt64,
        keep: OutputKeeper?, answer: @escaping @Sendable (StrategyNotice) -> Void
    ) {
        self.task = task
        self.inputs = inputs
        self.callNanoseconds = callNanoseconds
        self.keep = keep
        strategy = plan.strategy
        // A helper is bounded call by call, and one that hangs is replaced: that takes longer.
        deadline = plan.strategy.isIsolated ? nil : .nanoseconds(callNanoseconds)
        self.answer = answer
        slot = SessionSlot()
        lane = Lane(name: plan.name) { tag in
            let call = Call(rawValue: tag) ?? .begin
            answer(
                .failed(
                    Failure(
                        .pluginCrash, retry: .never, reason: "plugin.hung",
                        "the strategy did not return from \(call) within "
                            + "\(callNanoseconds / 1_000_000) ms; the task is given up")))
        }
    }

    /// Makes a call after those made before; each but `end` is answered.
    func make(_ call: StrategyCall) {
        switch call {
        case .begin(let spec): begin(spec: spec)
        case .split(let want): split(want: want)
        case .results(let outcomes): tell(outcomes)
        case .failure(let failure, let index, let attempts):
            tell(failure: failure, of: index, attempts: attempts)
        case .capacity(let text): tell(capacity: text)
        case .finish: finish()
        case .end: end()
        }
    }

    /// Makes the strategy and hands it the task.
    private func begin(spec: [UInt8]) {
        call(.begin) { [task, strategy, inputs, slot, callNanoseconds] () throws(PluginFailure) in
            let session = StrategySession(
                task: task, instance: try strategy.make(callNanoseconds: callNanoseconds),
                inputs: inputs)
            do throws(PluginFailure) {
                try session.begin(spec: spec)
            } catch {
                session.discard()
                throw error
            }
            slot.session = session
            return .began(session.takeAnswer())
        }
    }

    /// Asks for subtasks.
    private func split(want: Int) {
        callSession(.split) { (session) throws(PluginFailure) in
            let (answer, state) = try session.split(want: want)
            return .split(answer, state)
        }
    }

    /// Tells results, in order of arrival; one answer for all.
    private func tell(_ outcomes: [SubtaskOutcome]) {
        callSession(.on_result) { (session) throws(PluginFailure) in
            for outcome in outcomes { try session.tell(outcome) }
            return .replied(.results, session.takeAnswer())
        }
    }

    /// Asks what becomes of a subtask that failed for good.
    private func tell(failure: Failure, of index: UInt32, attempts: Int) {
        callSession(.on_failure) { (session) throws(PluginFailure) in
            let verdict = try session.tell(failure: failure, of: index, attempts: attempts)
            return .replied(.failure(index: index, verdict), session.takeAnswer())
        }
    }

    /// Tells which workers there are.
    private func tell(capacity: [UInt8]) {
        callSession(.on_capacity) { (session) throws(PluginFailure) in
            try session.tell(capacity: capacity)
            return .replied(.capacity, session.takeAnswer())
        }
    }

    /// Has the strategy put the rest of its output, and appends the pieces of it.
    private func finish() {
        callSession(.finish) { [task, slot, keep] (session) throws(PluginFailure) in
            try session.finish()
            var answer = session.takeAnswer()
            slot.output.append(&answer.output)
            do throws(DataError) {
                let output = try slot.output.dataset()
                return .finished(
                    try keep?(task, output) ?? output, reports: slot.output.reports)
            } catch {
                throw PluginFailure(
                    code: fan_code(FAN_DATA_LOSS), reason: "output",
                    message: "what the strategy put out is not "
                        + "\(slot.output.format ?? .bytes): \(error)")
            }
        }
    }

    /// Has the strategy forget the task, after every call before this one; nothing if it has.
    func end() {
        _ = lane.post(deadline: deadline, tag: Call.end.rawValue) { [slot] in
            slot.session?.end()
            slot.session = nil
            slot.output = OutputPieces()
        }
    }

    /// Waits until the thread has ended; a strategy that hangs is left alone.
    ///
    /// A strategy that began too late for the run to end it is ended first.
    func close() {
        guard !lane.isHung else { return lane.abandon() }
        end()
        _ = lane.close()
    }

    private func callSession(
        _ name: Call,
        _ body: @escaping @Sendable (StrategySession) throws(PluginFailure) -> StrategyNotice
    ) {
        call(name) { [slot] () throws(PluginFailure) in
            guard let session = slot.session, !slot.hasFailed else {
                throw PluginFailure(
                    code: fan_code(FAN_PRECONDITION), reason: "strategy.ended",
                    message: "the strategy has failed before")
            }
            do throws(PluginFailure) {
                let notice = try body(session)
                if let refusal = session.takeRefusal() { throw refusal }
                return notice
            } catch {
                // What the host refused says more than what the strategy made of it.
                throw session.takeRefusal() ?? error
            }
        }
    }

    private func call(
        _ name: Call,
        _ body: @escaping @Sendable () throws(PluginFailure) -> StrategyNotice
    ) {
        let isTaken = lane.post(
            deadline: deadline, tag: name.rawValue
        ) { [answer, slot] in
            do throws(PluginFailure) {
                var notice = try body()
                notice.moveOutput(to: &slot.output)
                answer(notice)
            } catch {
                slot.hasFailed = true
                answer(.failed(Failure(error)))
            }
        }
        if !isTaken {
            answer(
                .failed(
                    Failure(
                        .strategyFailed, retry: .never, reason: "plugin.queue-full",
                        "more than \(Lane.maximumQueued) calls wait for the strategy")))
        }
    }
}

extension StrategyNotice {
    /// Moves what was put out behind what was put out before.
    fileprivate mutating func moveOutput(to pieces: inout OutputPieces) {
        switch self {
        case .began(var answer):
            pieces.append(&answer.output)
            self = .began(answer)
        case .split(var answer, let state):
            pieces.append(&answer.output)
            self = .split(answer, state)
        case .replied(let kind, var answer):
            pieces.append(&answer.output)
            self = .replied(kind, answer)
        case .finished, .failed: break
        }
    }
}
