import FanfoldAPI
import FanfoldJournal
import FanfoldWire
import Synchronization

/// Workers that are let in no more, by uid: rows of the journal's table of tokens.
///
/// Where workers have certificates the uid is proved.  On loopback it is what a worker says of
/// itself, and whoever has the token of this machine may say something else.
final class Revocations: Sendable {
    /// The role that marks them among the tokens of the table.
    static let role = "revoked"
    /// Seconds for which other workers are told of one: as long as a certificate may be good that was
    /// issued to it just before, and a day for clocks that differ.
    static let toldSeconds = CertificateAuthority.workerSeconds + 86_400

    /// When each was revoked.
    private let moments = Mutex<[String: Timestamp]>([:])

    /// Takes over what was kept.
    func recover(_ entries: [TokenEntry]) {
        moments.withLock { moments in
            for entry in entries where entry.role == Self.role {
                moments[entry.scope] = Timestamp(milliseconds: entry.created)
            }
        }
    }

    /// Whether a worker is let in no more.
    func contains(_ uid: String) -> Bool { moments.withLock { $0[uid] != nil } }

    /// Lets a worker in no more; for good once the row is stored.
    func add(_ uid: String, at now: Timestamp) -> TokenEntry {
        moments.withLock { $0[uid] = now }
        let id = "\(Self.role):\(uid)"
        return TokenEntry(
            id: id, hash: Array(id.utf8), role: Self.role, scope: uid, created: now.milliseconds)
    }

    /// Those whose certificates may still be good, the latest first.
    ///
    /// - Parameter limit: how many at most; nobody takes more.
    func told(at now: Timestamp, limit: Int = PeerLimits.revoked) -> [String] {
        let recent = moments.withLock { moments in
            moments.filter { now < $0.value.advanced(bySeconds: Self.toldSeconds) }
        }
        return recent.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).map(\.key)
    }
}
