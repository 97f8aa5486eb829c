import FanfoldPlugins

/// What is tried again, and when.
///
/// Pure: time, chance and the budget come from outside.
struct RetryRules: Sendable {
    /// Methods that a server may be asked twice without harm.
    ///
    /// Source: RFC 9110, section 9.2.2.
    static let idempotentMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
    /// Answers that say: not now.
    static let retriedStatuses: Set<Int> = [429, 502, 503, 504]

    /// What to do after an attempt.
    enum Verdict: Equatable {
        /// This is what the plugin gets.
        case end
        /// Try again after so many nanoseconds.
        case again(UInt64)
    }

    var limits: HTTPClientLimits

    /// Judges one attempt.
    ///
    /// - Parameters:
    ///   - attempt: from 1.
    ///   - remaining: nanoseconds until the request is given up.
    ///   - chance: a number below its argument, evenly spread: the jitter.
    func verdict(
        isIdempotent: Bool, outcome: Result<HTTPServiceAnswer, TransportFailure>, attempt: Int,
        remaining: UInt64, unixSeconds: Int64, chance: (UInt64) -> UInt64
    ) -> Verdict {
        guard isIdempotent, attempt < limits.attempts else { return .end }
        var wait = chance(backoff(attempt) + 1)
        switch outcome {
        case .success(let answer):
            guard Self.retriedStatuses.contains(answer.status) else { return .end }
            if let asked = Self.retryAfter(of: answer, unixSeconds: unixSeconds) {
                guard asked <= limits.longestRetryAfter else { return .end }
                // Everybody is told the same moment; the jitter spreads them behind it.
                wait = asked + chance(limits.firstBackoff + 1)
            }
        case .failure(let failure):
            guard [.refused, .reset, .notConnected].contains(failure) else { return .end }
        }
        return wait < remaining ? .again(wait) : .end
    }

    /// The longest wait after an attempt, from which chance takes its share: full jitter.
    ///
    /// Source: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
    func backoff(_ attempt: Int) -> UInt64 {
        let doublings = UInt64(max(0, min(attempt - 1, 30)))
        let (product, isOver) = limits.firstBackoff.multipliedReportingOverflow(by: 1 << doublings)
        return isOver ? limits.longestBackoff : min(product, limits.longestBackoff)
    }

    /// Nanoseconds that an answer asks to wait; `nil` if it does not, or not in a known form.
    ///
    /// Source: RFC 9110, section 10.2.3.
    static func retryAfter(of answer: HTTPServiceAnswer, unixSeconds: Int64) -> UInt64? {
        guard
            let text = answer.headers.first(where: { $0.name.lowercased() == "retry-after" })?.value
        else { return nil }
        if let seconds = UInt32(text) { return UInt64(seconds) * 1_000_000_000 }
        guard let time = CalendarTime(httpDate: text) else { return nil }
        return UInt64(max(0, time.unixSeconds - unixSeconds)) * 1_000_000_000
    }
}

/// How many tries may be repeated before a server is left alone: a tenth of what succeeds.
///
/// Without it, a plugin whose server is down would ask it several times as often as before.
struct RetryBudget: Sendable {
    /// What one success adds.
    private static let share = 0.1

    /// The most that can be saved, and what there is at first.
    let most: Double
    private(set) var left: Double

    init(most: Int) {
        self.most = Double(most)
        left = Double(most)
    }

    /// Takes one retry out; `false` if there is none left.
    mutating func take() -> Bool {
        guard left >= 1 else { return false }
        left -= 1
        return true
    }

    /// A request ended well.
    mutating func succeeded() { left = min(most, left + Self.share) }
}

/// How often something may happen: so many at once, then so many a second.
struct TokenBucket: Sendable {
    private let capacity: Double
    private let perNanosecond: Double
    private var tokens: Double
    private var filledAt: UInt64

    init(perSecond: Double, burst: Int, now: UInt64) {
        capacity = Double(burst)
        perNanosecond = perSecond / 1_000_000_000
        tokens = Double(burst)
        filledAt = now
    }

    /// Nanoseconds until the next one may happen; what is taken is reserved.
    ///
    /// `nil` if that is later than `patience` nanoseconds; then nothing is taken.
    mutating func take(now: UInt64, patience: UInt64) -> UInt64? {
        if now > filledAt {
            tokens = min(capacity, tokens + Double(now - filledAt) * perNanosecond)
            filledAt = now
        }
        let missing = 1 - tokens
        let wait = missing > 0 ? (missing / perNanosecond).rounded(.up) : 0
        guard wait <= Double(patience) else { return nil }
        tokens -= 1
        return UInt64(wait)
    }

    /// Nanoseconds until one would be there.
    func wait(now: UInt64) -> UInt64 {
        let gained = now > filledAt ? Double(now - filledAt) * perNanosecond : 0
        return UInt64(max(0, (1 - tokens - gained) / perNanosecond).rounded(.up))
    }
}
