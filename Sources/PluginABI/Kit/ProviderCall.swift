import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// A call of a provider that waits for its one answer.
///
/// Hand it on to where the answer comes.  Let go of without an answer it fails; a second answer
/// changes nothing and is a line in the log.
///
/// It has no state but an atomic, and the host allows these calls from any thread.
public final class ProviderCall<Answer: ProviderAnswer>: Sendable {
    let call: OpenCall

    init(_ call: OpenCall) {
        self.call = call
    }

    /// The time by which the answer is wanted, on the host's clock; `nil` if there is none.
    public var deadlineNanoseconds: UInt64? { call.deadline }
    /// The W3C trace context of the caller, to hand on to a server.
    public var traceparent: String? { call.traceparent }
    /// Whether the host no longer wants the answer.
    public var isCancelled: Bool { call.isCancelled }

    /// Answers.
    public func succeed(_ answer: Answer) {
        if let failure = answer.failure {
            call.fail(failure, answer.json)
        } else {
            call.succeed(answer.json)
        }
    }

    /// Answers that it went wrong.
    public func fail(_ error: PluginError) {
        call.fail(error)
    }

    /// Runs `body`; an error that it throws is the answer.
    public func attempt(_ body: () throws(PluginError) -> Void) {
        do throws(PluginError) {
            try body()
        } catch {
            fail(error)
        }
    }
}

extension ProviderCall where Answer == EndOfOfferings {
    /// Hands over a page of offerings, then goes on with `next`.
    ///
    /// A host that is busy is asked again after a while.  An error, also one that `next` throws,
    /// ends the call.
    public func emit(
        _ page: [Offering], then next: @escaping @Sendable () throws(PluginError) -> Void
    ) {
        emit(page.json, tries: emitTries, then: next)
    }

    private func emit(
        _ page: JSON, tries: Int, then next: @escaping @Sendable () throws(PluginError) -> Void
    ) {
        attempt { () throws(PluginError) in
            if try call.emit(page) { return try next() }
            guard tries > 1 else {
                throw PluginError(
                    .exhausted, retry: .later, reason: "emit",
                    "the host was busy \(emitTries) times and took no page of offerings")
            }
            guard let lane = call.host.lane else {
                usleep(emitPauseMicroseconds)
                return emit(page, tries: tries - 1, then: next)
            }
            lane.after(.microseconds(Int64(emitPauseMicroseconds))) { [self] in
                emit(page, tries: tries - 1, then: next)
            }
        }
    }
}

/// How often a busy host is asked to take a page.
private let emitTries = 2_000

/// How long after each time, in microseconds.
private let emitPauseMicroseconds: UInt32 = 5_000
