import NIOCore

/// Refills evenly, holds a burst.
struct RateBucket {
    private let perSecond: Double
    private let burst: Double
    private var tokens: Double
    private var last: NIODeadline

    init(perSecond: Int, burst: Int, now: NIODeadline) {
        self.perSecond = Double(perSecond)
        self.burst = Double(burst)
        tokens = Double(burst)
        last = now
    }

    /// Takes so many, if they are there.
    mutating func take(_ count: Int, now: NIODeadline) -> Bool {
        let passed = Double((now - last).nanoseconds) / 1e9
        last = now
        tokens = min(burst, tokens + passed * perSecond)
        guard tokens >= Double(count) else { return false }
        tokens -= Double(count)
        return true
    }
}
