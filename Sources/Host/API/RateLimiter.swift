import Synchronization

/// How many requests each client may still send: a bucket that fills at a steady rate.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private let rate: Double
    private let burst: Double
    private let capacity: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    init(_ limits: APILimits) {
        rate = limits.requestsPerSecond
        burst = limits.requestBurst
        capacity = limits.ratedClients
    }

    /// Takes one request from a client's bucket.
    ///
    /// Returns: `nil` if it may go on, otherwise the seconds after which it may.
    func take(from client: String, at now: ContinuousClock.Instant) -> Int64? {
        buckets.withLock { buckets in
            if buckets[client] == nil, buckets.count >= capacity { makeRoom(in: &buckets, now) }
            var bucket = buckets[client] ?? Bucket(tokens: burst, filled: now)
            bucket.tokens = level(of: bucket, at: now)
            bucket.filled = now
            defer { buckets[client] = bucket }
            guard bucket.tokens >= 1 else {
                return Int64(((1 - bucket.tokens) / rate).rounded(.up))
            }
            bucket.tokens -= 1
            return nil
        }
    }

    private func level(of bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
        min(burst, bucket.tokens + (now - bucket.filled) / .seconds(1) * rate)
    }

    /// Forgets those whose bucket is full again, which changes nothing, or else the one idle longest.
    private func makeRoom(
        in buckets: inout [String: Bucket], _ now: ContinuousClock.Instant
    ) {
        buckets = buckets.filter { level(of: $0.value, at: now) < burst }
        guard buckets.count >= capacity else { return }
        if let oldest = buckets.min(by: { $0.value.filled < $1.value.filled }) {
            buckets[oldest.key] = nil
        }
    }
}
