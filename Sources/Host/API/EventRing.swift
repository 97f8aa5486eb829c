import FanfoldJSON
import Synchronization

/// The last events, kept for those who come back.
///
/// ``append(kind:time:run:worker:data:)`` never waits, so the loop of an engine may call it.  Readers keep their own
/// place, so that a slow one costs nothing: what it missed is a gap.
package final class EventRing: Sendable {
    /// How many events are kept unless the owner says otherwise.
    package static let standardCapacity = 4_096

    private struct State {
        var events: [ControlEvent?]
        /// The number of the next event.
        var next: UInt64
        /// The number of the oldest event that is kept; `next` if there is none.
        var oldest: UInt64
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state: Mutex<State>

    /// A ring for this many events, whose first one is to have the number `first`.
    ///
    /// After a restart `first` must be above every number given out before.
    package init(capacity: Int = standardCapacity, first: UInt64 = 1) {
        precondition(capacity > 0, "a ring has room for at least one event")
        state = Mutex(
            State(
                events: Array(repeating: nil, count: capacity), next: max(1, first),
                oldest: max(1, first)))
    }

    /// Adds an event, gives it its number, and wakes those who wait.
    package func append(
        kind: String, time: Timestamp, run: UInt64? = nil, worker: UInt64? = nil,
        data: JSON = .object(JSONObject())
    ) {
        let waiters = state.withLock { state in
            let capacity = UInt64(state.events.count)
            state.events[Int(state.next % capacity)] = ControlEvent(
                number: state.next, time: time, kind: kind, run: run, worker: worker, data: data)
            state.next += 1
            if state.next - state.oldest > capacity { state.oldest = state.next - capacity }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Events with numbers above `after`, at most `limit`; waits up to `wait` for the first.
    ///
    /// A number that this ring has not given out yet is of another coordinator: that is a gap.
    package func batch(after: UInt64?, limit: Int, wait: Duration) async -> EventBatch {
        let (after, found) = state.withLock { state in
            let after = after ?? state.next - 1
            return (after, Self.read(state, after: after, limit: limit))
        }
        if !found.events.isEmpty || found.hasGap || wait <= .zero { return found }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForEvent(above: after) }
            group.addTask {
                // Cancelled as soon as an event comes: then it has nothing to say.
                try? await Task.sleep(for: wait)
            }
            await group.next()
            group.cancelAll()
        }
        return state.withLock { Self.read($0, after: after, limit: limit) }
    }

    private static func read(_ state: State, after: UInt64, limit: Int) -> EventBatch {
        guard after < state.next else {
            return EventBatch(events: [], next: state.next - 1, hasGap: true)
        }
        let first = max(after + 1, state.oldest)
        let end = min(state.next, first + UInt64(max(1, limit)))
        let capacity = UInt64(state.events.count)
        let events = (first..<max(first, end)).compactMap { state.events[Int($0 % capacity)] }
        return EventBatch(
            events: events, next: events.last?.number ?? after,
            hasGap: first > after + 1)
    }

    private func waitForEvent(above after: UInt64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    guard state.next - 1 <= after, !Task.isCancelled else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
