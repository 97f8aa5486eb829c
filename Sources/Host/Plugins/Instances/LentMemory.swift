import CPluginABI
import Synchronization

/// Who owns the memory that is lent to plugins at the moment.
///
/// A lent blob carries a ticket in `owner`, not a pointer, so that a second or late release, or an
/// owner that a plugin made up, is noticed and not a crash.
final class LentMemory: Sendable {
    /// What one ticket stands for.
    struct Loan: @unchecked Sendable {
        // Unchecked: the owner is only kept alive and handed back here, never used.
        var owner: AnyObject
        var start: UInt
        var count: Int
    }

    private struct Slot {
        var generation: UInt32 = 1
        var loan: Loan?
    }

    private struct State {
        var slots: [Slot] = []
        var free: [UInt32] = []
        var live = 0
    }

    /// The one of this process: `release` is a C function and knows no other.
    static let shared = LentMemory()

    private let state = Mutex(State())

    /// How many blobs are out.
    var liveCount: Int { state.withLock { $0.live } }

    /// Keeps `loan.owner` until the ticket comes back.
    func lend(_ loan: Loan) -> UInt {
        state.withLock { state in
            let index: UInt32
            if let free = state.free.popLast() {
                index = free
            } else {
                index = UInt32(state.slots.count)
                state.slots.append(Slot())
            }
            state.slots[Int(index)].loan = loan
            state.live += 1
            return UInt(state.slots[Int(index)].generation) << 32 | UInt(index)
        }
    }

    /// Who owns what the ticket stands for; `nil` if the loan has ended.
    func owner(of ticket: UInt) -> AnyObject? {
        state.withLock { state in
            let index = Int(truncatingIfNeeded: ticket & 0xFFFF_FFFF)
            guard state.slots.indices.contains(index),
                state.slots[index].generation == UInt32(truncatingIfNeeded: ticket >> 32)
            else { return nil }
            return state.slots[index].loan?.owner
        }
    }

    /// Ends a loan; `nil` if the ticket stands for none.
    func takeBack(_ ticket: UInt) -> Loan? {
        state.withLock { state in
            let index = Int(truncatingIfNeeded: ticket & 0xFFFF_FFFF)
            let generation = UInt32(truncatingIfNeeded: ticket >> 32)
            guard state.slots.indices.contains(index),
                state.slots[index].generation == generation, let loan = state.slots[index].loan
            else { return nil }
            // 0 is skipped, so that a ticket is never NULL.
            state.slots[index].generation = generation == .max ? 1 : generation + 1
            state.slots[index].loan = nil
            state.free.append(UInt32(index))
            state.live -= 1
            return loan
        }
    }
}
