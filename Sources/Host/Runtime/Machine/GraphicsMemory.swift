import Synchronization

/// How much memory of GPUs processes have, read at most as often as ``interval`` for all attempts
/// together.
package final class GraphicsMemory: Sendable {
    /// Nanoseconds for which what was read stands.
    static let interval: UInt64 = 200_000_000

    private struct State {
        var cards: GraphicsCards
        var uses: [GraphicsProcess] = []
        var readAt: UInt64?
    }

    private let state: Mutex<State>

    /// - Parameter library: the management library; the driver's unless said.
    package init(library: String = GraphicsCards.library) {
        state = Mutex(State(cards: GraphicsCards(library: library)))
    }

    /// The most that these processes have together on any one GPU, in bytes; 0 if nothing is known.
    func bytes(of processes: [Int32], at now: UInt64) -> Int64 {
        let uses = state.withLock { state in
            if state.readAt.map({ now >= $0 + Self.interval }) ?? true {
                state.uses = state.cards.uses()
                state.readAt = now
            }
            return state.uses
        }
        guard !uses.isEmpty else { return 0 }
        let ours = Set(processes)
        var byDevice: [Int: Int64] = [:]
        for use in uses where ours.contains(use.process) {
            byDevice[use.device, default: 0] += use.memoryBytes
        }
        return byDevice.values.max() ?? 0
    }
}
