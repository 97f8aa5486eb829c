import Synchronization

/// Which other workers the coordinator lets in no more, as far as it has said so: nobody serves them
/// blobs, nor wants any of them.
///
/// Until it has said so once, nobody is let in.  On loopback nobody proves a name, and nobody is asked.
final class RevokedPeers: Sendable {
    /// What the other side of a connection is told that ends for it.
    static let reason = "it was revoked"

    /// `nil` as long as it is not known who is revoked.
    private let uids = Mutex<Set<String>?>(nil)

    /// Whether a worker may have blobs.
    func admits(_ uid: String) -> Bool {
        uids.withLock { uids in uids.map { !$0.contains(uid) } ?? false }
    }

    /// These are all; what was known before counts no more.
    ///
    /// One too many, and nobody is let in until the coordinator says again who is revoked.
    func use(all: Set<String>) {
        uids.withLock { $0 = all.count <= PeerLimits.revoked ? all : nil }
    }

    /// These are revoked as well.
    func add(_ more: Set<String>) {
        uids.withLock { uids in
            uids?.formUnion(more)
            if let count = uids?.count, count > PeerLimits.revoked { uids = nil }
        }
    }
}
