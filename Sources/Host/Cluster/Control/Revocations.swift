import FanfoldAPI
import FanfoldJournal
import Synchronization

/// Workers that are let in no more, by uid: rows of the journal's table of tokens.
///
/// Where workers have certificates the uid is proved.  On loopback it is what a worker says of
/// itself, and whoever has the token of this machine may say something else.
final class Revocations: Sendable {
    /// The role that marks them among the tokens of the table.
    static let role = "revoked"

    private let uids = Mutex<Set<String>>([])

    /// Takes over what was kept.
    func recover(_ entries: [TokenEntry]) {
        let known = entries.filter { $0.role == Self.role }.map(\.scope)
        uids.withLock { $0.formUnion(known) }
    }

    /// Whether a worker is let in no more.
    func contains(_ uid: String) -> Bool { uids.withLock { $0.contains(uid) } }

    /// Lets a worker in no more; for good once the row is stored.
    func add(_ uid: String, at now: Timestamp) -> TokenEntry {
        _ = uids.withLock { $0.insert(uid) }
        let id = "\(Self.role):\(uid)"
        return TokenEntry(
            id: id, hash: Array(id.utf8), role: Self.role, scope: uid, created: now.milliseconds)
    }
}
