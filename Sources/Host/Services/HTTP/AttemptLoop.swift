import CPluginABI
import FanfoldPlugins
import Synchronization

/// Sends one request, and again where that makes sense: rate, retries, budget.
///
/// One per plugin; what it holds is shared by all its requests.
package final class AttemptLoop: Sendable {
    /// What is sent, made anew for each attempt, so that each is signed with the time it is sent.
    typealias Preparation = @Sendable () async throws(PluginFailure) -> OutgoingRequest

    private struct State {
        var budget: RetryBudget
        var bucket: TokenBucket
    }

    let clock: any ServiceClock
    private let transport: any HTTPTransport
    private let rules: RetryRules
    private let chance: @Sendable (UInt64) -> UInt64
    private let state: Mutex<State>

    /// A loop with a full budget and a full bucket.
    ///
    /// Parameter chance: a number from 0 up to but not including its argument, evenly spread.
    package init(
        transport: any HTTPTransport, limits: HTTPClientLimits = HTTPClientLimits(),
        clock: any ServiceClock = SystemServiceClock(),
        chance: @escaping @Sendable (UInt64) -> UInt64 = { UInt64.random(in: 0..<$0) }
    ) {
        self.transport = transport
        self.clock = clock
        self.chance = chance
        rules = RetryRules(limits: limits)
        state = Mutex(
            State(
                budget: RetryBudget(most: limits.retryBudget),
                bucket: TokenBucket(
                    perSecond: limits.attemptsPerSecond, burst: limits.burst, now: clock.now())))
    }

    /// The answer and how many attempts it took.
    ///
    /// - Parameters:
    ///   - isIdempotent: whether more than one attempt is allowed.
    ///   - url: for errors.
    ///   - end: the tick at which it is given up.
    func run(
        isIdempotent: Bool, url: HTTPServiceURL, start: UInt64, end: UInt64,
        _ prepare: Preparation
    ) async throws(PluginFailure) -> (answer: HTTPServiceAnswer, attempts: Int) {
        let milliseconds = (end - start) / 1_000_000
        var attempt = 1
        while true {
            try await takePlaceInRate(url, end: end)
            let request = try await prepare()
            let now = clock.now()
            guard now < end, !Task.isCancelled else {
                throw .timeIsOver(url, milliseconds: milliseconds)
            }
            let outcome = await transport.exchange(request, timeout: end - now)
            let after = clock.now()
            let verdict = rules.verdict(
                isIdempotent: isIdempotent, outcome: outcome, attempt: attempt,
                remaining: end > after ? end - after : 0, unixSeconds: clock.unixSeconds(),
                chance: chance)
            if case .again(let wait) = verdict, takeRetry() {
                attempt += 1
                try await pause(until: after + wait, url, milliseconds)
                continue
            }
            switch outcome {
            case .success(let answer):
                if !RetryRules.retriedStatuses.contains(answer.status) { noteSuccess() }
                return (answer, attempt)
            case .failure(let failure):
                throw PluginFailure(failure, at: url, milliseconds: milliseconds)
            }
        }
    }

    private func takeRetry() -> Bool { state.withLock { $0.budget.take() } }

    private func noteSuccess() { state.withLock { $0.budget.succeeded() } }

    private func takePlaceInRate(
        _ url: HTTPServiceURL, end: UInt64
    ) async throws(PluginFailure) {
        let now = clock.now()
        let patience = end > now ? end - now : 0
        let taken = state.withLock { state in
            let wait = state.bucket.take(now: now, patience: patience)
            return (wait: wait, later: wait == nil ? state.bucket.wait(now: now) : 0)
        }
        guard let wait = taken.wait else {
            throw .later(
                FAN_EXHAUSTED, "http.rate",
                "this plugin sends more than \(rules.limits.attemptsPerSecond) requests a second, "
                    + "and \(url.shown) would have to wait past its time; send fewer, or raise "
                    + "`http: {rate:}` in the settings",
                milliseconds: UInt32(clamping: taken.later / 1_000_000 + 1))
        }
        if wait > 0 { try await pause(until: now + wait, url, patience / 1_000_000) }
    }

    private func pause(
        until tick: UInt64, _ url: HTTPServiceURL, _ milliseconds: UInt64
    ) async throws(PluginFailure) {
        do throws(CancellationError) {
            try await clock.pause(until: tick)
        } catch {
            throw .timeIsOver(url, milliseconds: milliseconds)
        }
    }
}
