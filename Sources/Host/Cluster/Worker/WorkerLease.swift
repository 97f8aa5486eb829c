import FanfoldRuntime
@preconcurrency import Glibc
import Synchronization

/// How long a worker on a rented machine stays without its coordinator.
///
/// The machine costs money: one that nobody asks for any more has to end by itself.
package final class WorkerLease: Sendable {
    /// How long, in nanoseconds.
    private let nanoseconds: UInt64
    /// A file whose time says when the worker was last renewed; empty for none.
    ///
    /// Who started the worker looks at it, and ends the machine also if this process hangs.
    private let aliveFile: String
    private let renewedAt: Mutex<UInt64>

    /// A lease that begins now.
    ///
    /// - Parameters:
    ///   - now: on the monotonic clock, in nanoseconds.
    ///   - aliveFile: touched at each renewal; empty for none.
    package init(
        nanoseconds: UInt64, aliveFile: String, now: UInt64 = monotonicNanoseconds()
    ) {
        self.nanoseconds = nanoseconds
        self.aliveFile = aliveFile
        renewedAt = Mutex(now)
        touch()
    }

    /// Renews the lease if the coordinator is there.
    ///
    /// - Returns: why the worker has to end, if it has to.
    package func renew(isConnected: Bool, at now: UInt64) -> String? {
        let age = renewedAt.withLock { renewed -> UInt64 in
            if isConnected { renewed = max(renewed, now) }
            return now > renewed ? now - renewed : 0
        }
        if isConnected {
            touch()
            return nil
        }
        guard age >= nanoseconds else { return nil }
        return "it has not reached its coordinator for \(age / 1_000_000_000) s"
    }

    private func touch() {
        guard !aliveFile.isEmpty else { return }
        let file = open(aliveFile, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        futimens(file, nil)
        close(file)
    }
}
