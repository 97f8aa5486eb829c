import CFanfoldSystem
@preconcurrency import Glibc
import Synchronization

/// A serial queue on a thread of its own.
///
/// Calls of one plugin instance happen here, one after another, so that a plugin that blocks for
/// half a minute holds up nobody else.  What overruns its deadline is reported, not stopped: a
/// thread cannot be ended from outside, so the host fails the task and abandons the lane.
package final class Lane: Sendable {
    /// How many jobs may wait.
    package static let maximumQueued = 65_536
    /// How long ``close()`` waits for the job that is running.
    package static let closeLimit: Duration = .seconds(10)

    private struct Job {
        var deadline: UInt64
        var tag: UInt64
        var work: @Sendable () -> Void
    }

    private struct State {
        var queue: [Job] = []
        var isSleeping = false
        var isClosing = false
        var isFinished = false
    }

    /// The thread's name, cut to 15 bytes.
    package let name: String

    private let state = Monitor(State())
    private let watch: LaneWatch
    private let watchdog: LaneWatchdog

    /// Starts the thread.
    ///
    /// Parameter onOverrun: Told the tag of a job that passed its deadline, once, while it still
    /// runs; on the watchdog's thread, so it must not block.
    package init(name: String, onOverrun: @escaping @Sendable (_ tag: UInt64) -> Void = { _ in }) {
        self.name = name
        watch = LaneWatch(onOverrun: onOverrun)
        watchdog = .shared
        watchdog.add(watch)
        startThread(name: name) { [state, watch, watchdog] in
            Self.run(state, watch, watchdog)
        }
    }

    deinit {
        state.withLock { $0.isClosing = true }
        state.wake()
    }

    /// Runs `work` on the lane after all that was posted before.
    ///
    /// Parameter deadline: How long the work may take, from when it begins; `nil` for no limit.
    /// Parameter tag: What the overrun is reported by.
    /// Returns: `false` if the lane is closed or ``maximumQueued`` jobs wait: the work is dropped.
    package func post(
        deadline: Duration? = nil, tag: UInt64 = 0, _ work: @escaping @Sendable () -> Void
    ) -> Bool {
        let job = Job(deadline: deadline.map(Self.nanoseconds) ?? 0, tag: tag, work: work)
        let (isTaken, mustWake) = state.withLock { state in
            guard !state.isClosing, state.queue.count < Self.maximumQueued else {
                return (false, false)
            }
            state.queue.append(job)
            return (true, state.isSleeping)
        }
        if mustWake { state.wake() }
        return isTaken
    }

    /// Whether a job has passed its deadline and still runs.
    package var isHung: Bool { watch.isOverrun }

    /// Runs what is queued and ends the thread; what waits behind a hung job is dropped.
    ///
    /// Must not be called on the lane itself.
    ///
    /// Returns: Whether the thread has ended; `false` means that it hangs and is left alone.
    package func close() -> Bool {
        state.withLock { $0.isClosing = true }
        state.wake()
        let limit = HostTable.monotonicNow() + Self.nanoseconds(Self.closeLimit)
        let watch = watch
        let isFinished = state.wait(until: limit) { state -> Bool? in
            if state.isFinished { return true }
            guard watch.isOverrun else { return nil }
            state.queue = []
            return false
        }
        return isFinished ?? false
    }

    /// Drops what is queued and lets the thread end when its job does; does not wait.
    package func abandon() {
        state.withLock { state in
            state.isClosing = true
            state.queue = []
        }
        state.wake()
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, seconds < 1_000_000_000 else { return seconds < 0 ? 1 : .max / 2 }
        return max(1, UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
    }

    private static func run(_ state: Monitor<State>, _ watch: LaneWatch, _ watchdog: LaneWatchdog) {
        var batch: [Job] = []
        while true {
            let goOn = state.wait { state -> Bool? in
                state.isSleeping = state.queue.isEmpty
                if state.queue.isEmpty { return state.isClosing ? false : nil }
                swap(&batch, &state.queue)
                return true
            }
            guard goOn == true else { break }
            for job in batch {
                guard job.deadline > 0 else {
                    job.work()
                    continue
                }
                watch.begin(HostTable.monotonicNow() + job.deadline, tag: job.tag, watchdog)
                job.work()
                watch.end()
            }
            batch.removeAll(keepingCapacity: true)
        }
        watchdog.remove(watch)
        state.withLock { $0.isFinished = true }
        state.wake()
    }
}

/// Starts a thread that nobody joins and that takes no signals.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
    let code = pthread_create(
        &thread, &attributes,
        { pointer in
            guard let pointer else { return nil }
            let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
            fanfold_set_thread_name(start.name)
            start.body()
            return nil
        }, start)
    precondition(code == 0, "the system can start another thread: \(systemMessage(code))")
}
