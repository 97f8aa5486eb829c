@preconcurrency import Glibc

/// A counting semaphore of the system.
final class Semaphore: @unchecked Sendable {
    // Unchecked: a POSIX semaphore is made to be shared.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// A semaphore at 0.
    init() {
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets `count` waiting threads go on.
    func signal(_ count: Int = 1) {
        for _ in 0..<count { sem_post(semaphore) }
    }

    /// Waits for a signal.
    func wait() {
        while sem_wait(semaphore) == -1 && errno == EINTR {}
    }
}
