@preconcurrency import Glibc
import Synchronization

/// The order to stop an attempt, given at most once, from any thread.
///
/// Costs no descriptor: an executor that is about to block registers its own event descriptor for
/// the time of the wait.
package final class Cancellation: Sendable {
    private struct State {
        var reason: String?
        var waiters: [Int32] = []
    }

    private let state = Mutex(State())

    /// Not cancelled.
    package init() {}

    /// Why the attempt has to stop; `nil` as long as it may go on.
    package var reason: String? { state.withLock { $0.reason } }

    /// Orders the stop and wakes who waits; the first reason stands.
    package func cancel(reason: String) {
        state.withLock { state in
            guard state.reason == nil else { return }
            state.reason = reason
            // Under the lock, so that no descriptor is written to after its owner has left.
            var one: UInt64 = 1
            for descriptor in state.waiters { _ = write(descriptor, &one, 8) }
        }
    }

    /// Has `descriptor`, an event descriptor, made readable when the order comes.
    ///
    /// - Returns: whether the order has come already; then nothing is registered.
    func register(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            guard state.reason == nil else { return true }
            state.waiters.append(descriptor)
            return false
        }
    }

    /// Ends a registration; afterwards the descriptor is not written to.
    ///
    /// - Returns: whether the descriptor was made readable meanwhile.
    func unregister(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            state.waiters.removeAll { $0 == descriptor }
            return state.reason != nil
        }
    }
}
