@preconcurrency import Glibc

/// The time that services go by; tests pass in one of their own.
package protocol ServiceClock: Sendable {
    /// Monotonic nanoseconds.
    func now() -> UInt64
    /// Seconds since 1970, UTC: what signatures and expiry dates are about.
    func unixSeconds() -> Int64
    /// Waits before another try, or for a place in the rate.
    func pause(until tick: UInt64) async throws(CancellationError)
    /// Waits for the moment at which a request is given up.
    func alarm(at tick: UInt64) async throws(CancellationError)
}

/// The time of this machine.
package struct SystemServiceClock: ServiceClock {
    /// The one clock there is.
    package init() {}

    /// `CLOCK_MONOTONIC`.
    package func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// `CLOCK_REALTIME`.
    package func unixSeconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }

    /// Sleeps without holding a thread.
    package func pause(until tick: UInt64) async throws(CancellationError) {
        try await alarm(at: tick)
    }

    /// Sleeps without holding a thread.
    package func alarm(at tick: UInt64) async throws(CancellationError) {
        let now = now()
        guard tick > now else { return }
        do {
            try await Task.sleep(nanoseconds: tick - now)
        } catch {
            throw CancellationError()
        }
    }
}
