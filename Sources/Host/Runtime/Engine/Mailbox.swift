@preconcurrency import Glibc

/// A queue that many threads fill and one empties, a batch at a time.
///
/// The lock is taken once a batch, and the reader is woken only if it sleeps: a hop per element
/// costs microseconds on a busy machine, a batched one nanoseconds.
package final class Mailbox<Element: Sendable>: @unchecked Sendable {
    // Unchecked: `elements`, `isClosed` and `isSleeping` are touched under `lock` only.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var elements: [Element] = []
    private var isClosed = false
    private var isSleeping = false

    /// An open, empty mailbox.
    package init() {
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(arrived, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(lock)
        arrived.deallocate()
        lock.deallocate()
    }

    /// Adds one element; what comes after `close` is dropped.
    package func post(_ element: Element) {
        fill { $0.append(element) }
    }

    /// Adds the elements in order; what comes after `close` is dropped.
    package func post(contentsOf batch: [Element]) {
        fill { $0.append(contentsOf: batch) }
    }

    /// Lets the reader go on with what is there, and then for ever with nothing.
    package func close() {
        pthread_mutex_lock(lock)
        isClosed = true
        pthread_cond_broadcast(arrived)
        pthread_mutex_unlock(lock)
    }

    /// Waits for elements and takes all of them.
    ///
    /// Parameter deadline: Nanoseconds on the monotonic clock; `nil` waits for ever.
    /// Returns: Nothing if the deadline passed or the mailbox is closed and empty.
    package func takeAll(until deadline: UInt64? = nil) -> [Element] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while elements.isEmpty && !isClosed {
            isSleeping = true
            defer { isSleeping = false }
            guard let deadline else {
                pthread_cond_wait(arrived, lock)
                continue
            }
            var time = timespec(
                tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            if pthread_cond_timedwait(arrived, lock, &time) == ETIMEDOUT { break }
        }
        var taken: [Element] = []
        swap(&taken, &elements)
        return taken
    }

    private func fill(_ change: (inout [Element]) -> Void) {
        pthread_mutex_lock(lock)
        if !isClosed {
            change(&elements)
            if isSleeping { pthread_cond_signal(arrived) }
        }
        pthread_mutex_unlock(lock)
    }
}

/// Nanoseconds on the monotonic clock.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds of processor time that the calling thread has used.
package func threadNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
