@preconcurrency import Glibc

/// A counting semaphore of the system that can be waited for with a limit.
final class TimedSemaphore: @unchecked Sendable {
    // Unchecked: a POSIX semaphore is made to be shared.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets a waiting thread go on.
    func signal() { sem_post(semaphore) }

    /// Waits for a signal.
    ///
    /// The limit counts true time: a wall clock that is set meanwhile changes nothing.
    ///
    /// - Returns: whether there was one in time.
    func wait(_ limit: Duration) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        while sem_clockwait(semaphore, CLOCK_MONOTONIC, &end) == -1 {
            if errno != EINTR { return false }
        }
        return true
    }
}
