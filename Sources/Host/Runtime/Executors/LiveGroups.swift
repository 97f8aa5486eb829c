@preconcurrency import Glibc
import Synchronization

/// The process groups of all children that run, so that they can be ended when nobody waits.
///
/// A group stays in until just before its leader is reaped: till then its number means nobody else.
package enum LiveGroups {
    private static let leaders = Mutex<Set<Int32>>([])

    /// A child that leads a group of its own was started.
    static func add(_ leader: Int32) {
        leaders.withLock { _ = $0.insert(leader) }
    }

    /// The child is about to be reaped.
    static func remove(_ leader: Int32) {
        leaders.withLock { _ = $0.remove(leader) }
    }

    /// Kills every child with all that it started; for a process that ends without waiting.
    package static func killAll() {
        leaders.withLock { leaders in
            for leader in leaders { kill(-leader, SIGKILL) }
        }
    }
}
