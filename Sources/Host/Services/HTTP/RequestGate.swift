import FanfoldPlugins
import Synchronization

/// Lets so many through at a time, the others in the order in which they came.
final class RequestGate: Sendable {
    /// What came of asking for a place.
    enum Entry: Equatable, Sendable {
        case entered
        case full
        case cancelled
    }

    private struct State {
        var inside = 0
        var nextTicket: UInt64 = 0
        /// In order of arrival; a ticket without an entry was cancelled before it waited.
        var waiting: [(ticket: UInt64, wake: CheckedContinuation<Entry, Never>)] = []
        var cancelled: Set<UInt64> = []
    }

    private let places: Int
    private let longestQueue: Int
    private let state = Mutex(State())

    init(places: Int, longestQueue: Int) {
        self.places = places
        self.longestQueue = longestQueue
    }

    /// Waits for a place; every `.entered` is followed by one `leave`.
    func enter() async -> Entry {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let entry = await withTaskCancellationHandler {
            await withCheckedContinuation { wake in
                let now: Entry? = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return .cancelled }
                    if state.inside < places {
                        state.inside += 1
                        return .entered
                    }
                    guard state.waiting.count < longestQueue else { return .full }
                    state.waiting.append((ticket, wake))
                    return nil
                }
                if let now { wake.resume(returning: now) }
            }
        } onCancel: {
            cancel(ticket)
        }
        // A cancellation that came too late left its mark.
        state.withLock { _ = $0.cancelled.remove(ticket) }
        return entry
    }

    /// Gives the place to who waits longest.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Entry, Never>? in
            guard !state.waiting.isEmpty else {
                state.inside -= 1
                return nil
            }
            return state.waiting.removeFirst().wake
        }
        next?.resume(returning: .entered)
    }

    private func cancel(_ ticket: UInt64) {
        let wake = state.withLock { state -> CheckedContinuation<Entry, Never>? in
            if let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) {
                return state.waiting.remove(at: place).wake
            }
            // Not waiting yet, or past it: then nobody asks for this number again.
            state.cancelled.insert(ticket)
            return nil
        }
        wake?.resume(returning: .cancelled)
    }
}
