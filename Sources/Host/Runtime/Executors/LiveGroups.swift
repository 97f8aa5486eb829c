import CFanfoldSystem
@preconcurrency import Glibc
import Synchronization

/// The process groups of all children that run, so that they can be ended when nobody waits.
///
/// A group stays in until just before its leader is reaped: till then its number means nobody else.
package enum LiveGroups {
    private struct State {
        /// Leaders with their cells among the warden's.
        var leaders: [Int32: Int] = [:]
        /// The address of the warden's cells, which are never given back; 0 if there is none.
        var cells: UInt = 0
        var free: [Int] = []

        func address(of cell: Int) -> UnsafeMutablePointer<Int32>? {
            cells == 0
                ? nil
                : UnsafeMutablePointer(
                    bitPattern: cells + UInt(cell * MemoryLayout<Int32>.stride))
        }
    }

    private static let state = Mutex(State())

    /// Has a process of its own watch this one: however this one ends, the groups of its children end.
    ///
    /// - Returns: whether it could be started.
    package static func startWarden() -> Bool {
        guard let cells = fan_warden_start() else { return false }
        let address = UInt(bitPattern: cells)
        state.withLock { state in
            guard state.cells == 0 else { return }
            state.cells = address
            state.free = Array((0..<Int(FAN_WARDEN_CELLS)).reversed())
        }
        return true
    }

    /// Where a child is to write the number of its group; `nil` if nobody watches, or too many run.
    static func takeCell() -> Int? { state.withLock { $0.free.popLast() } }

    static func giveBack(_ cell: Int?) {
        guard let cell else { return }
        state.withLock { $0.free.append(cell) }
    }

    static func address(of cell: Int?) -> UnsafeMutablePointer<Int32>? {
        let address = state.withLock { state in
            cell.flatMap { state.address(of: $0) }.map { UInt(bitPattern: $0) }
        }
        return address.flatMap { UnsafeMutablePointer(bitPattern: $0) }
    }

    /// A child that leads a group of its own was started.
    static func add(_ leader: Int32, cell: Int? = nil) {
        state.withLock { $0.leaders[leader] = cell ?? -1 }
    }

    /// The child is about to be reaped.
    static func remove(_ leader: Int32) {
        state.withLock { state in
            guard let cell = state.leaders.removeValue(forKey: leader), cell >= 0 else { return }
            state.address(of: cell)?.pointee = 0
            state.free.append(cell)
        }
    }

    /// Kills every child with all that it started; for a process that ends without waiting.
    package static func killAll() {
        state.withLock { state in
            for leader in state.leaders.keys { kill(-leader, SIGKILL) }
        }
    }
}
