import FanfoldPlugins

/// How much one plugin may ask of the network.
package struct HTTPClientLimits: Sendable, Hashable {
    /// Requests that are under way at a time; more wait.
    package var concurrentRequests = 16
    /// Requests that wait for a place; one more is refused.
    package var waitingRequests = 256
    /// Attempts a second, on average.
    package var attemptsPerSecond = 20.0
    /// Attempts that may happen at once after a quiet time.
    package var burst = 40
    /// Attempts of one request, the first one included.
    package var attempts = 4
    /// The longest wait before the second attempt, in nanoseconds; it doubles from then on.
    package var firstBackoff: UInt64 = 200_000_000
    /// The longest wait between two attempts, in nanoseconds.
    package var longestBackoff: UInt64 = 10_000_000_000
    /// The longest `Retry-After` that is waited for, in nanoseconds; a longer one is the plugin's.
    package var longestRetryAfter: UInt64 = 30_000_000_000
    /// Retries that a plugin has saved up at most.
    package var retryBudget = 20
    /// Nanoseconds that one request may take if it does not say.
    package var usualTimeout =
        UInt64(HTTPServiceLimits.usualTimeoutMilliseconds) * 1_000_000

    /// The usual limits.
    package init() {}
}
