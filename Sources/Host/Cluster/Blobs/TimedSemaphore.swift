import FanfoldRuntime

/// Wakes a thread that waits with a limit.
///
/// By the monotonic clock: a machine whose clock is set waits no longer and no shorter for it.
final class TimedSemaphore: Sendable {
    private let signals = Mailbox<Void>()

    /// Lets a waiting thread go on, or the next that waits.
    func signal() { signals.post(()) }

    /// Waits for a signal; those that have come by then are one.
    ///
    /// The limit counts true time: a wall clock that is set meanwhile changes nothing.
    ///
    /// - Returns: whether there was one in time.
    func wait(_ limit: Duration) -> Bool {
        let (seconds, attoseconds) = limit.components
        let nanoseconds =
            UInt64(clamping: seconds) * 1_000_000_000
            + UInt64(clamping: attoseconds / 1_000_000_000)
        return !signals.takeAll(until: monotonicNanoseconds() + nanoseconds).isEmpty
    }
}
