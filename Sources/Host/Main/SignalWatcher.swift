import FanfoldRuntime
@preconcurrency import Glibc
import Synchronization

/// Turns SIGINT, SIGTERM and SIGHUP into calls on a plain thread.
///
/// A signal handler may do next to nothing; a thread that waits for the signal may do anything.
final class SignalWatcher: Sendable {
    private let received = Atomic<Int>(0)
    private static let watched = [SIGINT, SIGTERM, SIGHUP]

    /// Keeps the signals from every thread that is made from now on.
    init() {
        var set = Self.set
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// How many came so far.
    var count: Int { received.load(ordering: .relaxed) }

    /// Calls `body` with how many have come, once for each.
    ///
    /// - Parameter reload: called for SIGHUP instead, which is not counted then.
    func start(
        reload: (@Sendable () -> Void)? = nil, _ body: @escaping @Sendable (Int) -> Void
    ) {
        _ = PlainThread(name: "signals") { [self] in
            var set = Self.set
            while true {
                var signal: Int32 = 0
                guard sigwait(&set, &signal) == 0 else { continue }
                if signal == SIGHUP, let reload {
                    reload()
                    continue
                }
                body(received.add(1, ordering: .relaxed).newValue)
            }
        }
    }

    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in watched { sigaddset(&set, signal) }
        return set
    }
}
