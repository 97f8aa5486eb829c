@preconcurrency import Glibc

/// What a check's calls live in: a simulated clock, and one lane that runs what is posted to it.
///
/// Time passes only while the lane has nothing to do, so an hour of a cloud takes a moment, and the
/// same seed gives the same order.  Threads that a plugin spawns are real: while one works, the
/// clock waits for it a little.
final class CallWorld: @unchecked Sendable {
    // Unchecked: everything that changes is touched under `lock` only.

    /// How long a call may take that waits for nothing simulated, in real time.
    static let patience = Duration.seconds(2)
    /// How long the clock waits for a thread of the plugin before it goes on, in milliseconds.
    static let grace = 20
    /// Steps of the lane after which a call counts as endless.
    static let maximumSteps = 200_000

    private struct Event {
        var time: UInt64
        var body: () -> Void
    }

    private let lock = CallLock()
    private var time: UInt64 = 1_000_000_000
    private var posted: [() -> Void] = []
    private var events: [Event] = []
    private var working = 0
    private var changes: UInt64 = 0

    /// The simulated time, in nanoseconds.
    var now: UInt64 { lock.locked { time } }

    /// Runs `body` on the lane, after what was posted before.
    func post(_ body: @escaping () -> Void) {
        lock.locked {
            posted.append(body)
            changes += 1
        }
    }

    /// Runs `body` on the lane when this many nanoseconds have passed.
    func after(_ delay: UInt64, _ body: @escaping () -> Void) {
        lock.locked {
            let event = Event(time: time &+ min(delay, 1 << 60), body: body)
            let place = events.firstIndex { $0.time > event.time } ?? events.count
            events.insert(event, at: place)
            changes += 1
        }
    }

    /// Runs `body` on a thread of its own; `joinAll` waits for it.
    func spawn(_ body: @escaping () -> Void) {
        lock.locked { working += 1 }
        _ = CheckThread { [self] in
            body()
            lock.locked {
                working -= 1
                changes += 1
            }
        }
    }

    /// Says that something has happened which a waiting lane may look at.
    func notify() {
        lock.locked { changes += 1 }
    }

    /// Lets this many nanoseconds pass and all that falls into them happen.
    func pass(_ nanoseconds: UInt64) {
        var isReached = false
        after(nanoseconds) { isReached = true }
        _ = run { isReached }
    }

    /// Runs the lane until `done`.
    ///
    /// Returns: Whether it was done before everything stood still.
    func run(until done: () -> Bool) -> Bool {
        var idleSince = ContinuousClock.now
        for _ in 0..<Self.maximumSteps {
            if done() { return true }
            let (body, changes) = next(mayPass: false)
            if let body {
                body()
                idleSince = .now
                continue
            }
            let isWorking = lock.locked { working > 0 }
            if isWorking, waitForChange(changes, milliseconds: Self.grace) { continue }
            if let body = next(mayPass: true).body {
                body()
                idleSince = .now
                continue
            }
            if waitForChange(changes, milliseconds: Self.grace) { continue }
            if ContinuousClock.now - idleSince > Self.patience { return done() }
        }
        return false
    }

    /// Waits for all spawned threads.
    ///
    /// Returns: Whether they ended in time.
    func joinAll() -> Bool {
        let start = ContinuousClock.now
        while lock.locked({ working > 0 }) {
            guard ContinuousClock.now - start < Self.patience else { return false }
            usleep(1_000)
        }
        return true
    }

    /// What the lane does next; with `mayPass`, the clock moves to the next event.
    private func next(mayPass: Bool) -> (body: (() -> Void)?, changes: UInt64) {
        lock.locked {
            if !posted.isEmpty { return (posted.removeFirst(), changes) }
            guard mayPass, !events.isEmpty else { return (nil, changes) }
            let event = events.removeFirst()
            time = max(time, event.time)
            return (event.body, changes)
        }
    }

    private func waitForChange(_ seen: UInt64, milliseconds: Int) -> Bool {
        for _ in 0..<milliseconds * 2 {
            if lock.locked({ changes != seen }) { return true }
            usleep(500)
        }
        return false
    }
}

/// A lock around a few words.
///
/// It is not `Mutex`, because what it guards is not sendable: closures over a plugin's pointers.
final class CallLock: @unchecked Sendable {
    // Unchecked: the mutex is made before and freed after all use.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}
