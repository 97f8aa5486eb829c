import Crypto

/// A secret that lets a worker join: 256 random bits, shown once.
package struct JoinToken: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a token.
    package static let byteCount = 32

    /// The secret.
    package let bytes: [UInt8]

    /// A new one.
    package init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The token of these bytes; `nil` if there are too few or too many.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// What is kept of it: its SHA-256.
    ///
    /// It is random, therefore nobody can guess it from that.
    package var digest: [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// The secret as text, to be shown once.
    package var text: String { WireHex.text(bytes) }

    /// Never the secret.
    package var description: String { "(secret)" }
}

/// What a token is for.
package struct JoinScope: Hashable, Sendable {
    /// The labels that a worker must have.
    package var labels: [String: String]
    /// The pool that a worker must name by its label `pool`; empty for any.
    package var pool: String

    /// Any worker unless said.
    package init(labels: [String: String] = [:], pool: String = "") {
        self.labels = labels
        self.pool = pool
    }

    /// Whether a worker with these labels is meant.
    package func allows(_ labels: [String: String]) -> Bool {
        (pool.isEmpty || labels["pool"] == pool)
            && self.labels.allSatisfy { labels[$0.key] == $0.value }
    }
}

/// What is kept of a token.
package struct JoinTokenRecord: Hashable, Sendable {
    /// What it is called: names it without giving it away.
    package var id: String
    /// The SHA-256 of the secret.
    package var digest: [UInt8]
    /// What it is for.
    package var scope: JoinScope
    /// When it ends, in seconds since 1970.
    package var expiresAt: Int64
    /// How often it can still be used.
    package var usesLeft: UInt32

    /// A record.
    package init(
        id: String, digest: [UInt8], scope: JoinScope, expiresAt: Int64, usesLeft: UInt32
    ) {
        self.id = id
        self.digest = digest
        self.scope = scope
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
    }
}

/// A worker that wants to join, with the digest of the token that it showed.
package struct JoinRequest: Hashable, Sendable {
    /// The SHA-256 of the token.
    package var digest: [UInt8]
    /// The worker's name for itself, for good.
    package var uid: String
    /// What people call it.
    package var name: String
    /// What it says it is.
    package var labels: [String: String]
    /// Where it is.
    package var address: String

    /// A request.
    package init(
        digest: [UInt8], uid: String, name: String = "", labels: [String: String] = [:],
        address: String = ""
    ) {
        self.digest = digest
        self.uid = uid
        self.name = name
        self.labels = labels
        self.address = address
    }
}

/// A token that was good.
package struct JoinGrant: Hashable, Sendable {
    /// The token's ``JoinTokenRecord/id``.
    package var token: String
    /// What it is for.
    package var scope: JoinScope

    /// A grant.
    package init(token: String, scope: JoinScope) {
        self.token = token
        self.scope = scope
    }
}

/// Where tokens are kept.
package protocol JoinTokenStore: AnyObject, Sendable {
    /// Uses a token up, once: `answer` comes once, from any thread, after the use is on disk.
    func redeem(
        _ request: JoinRequest,
        answer: @escaping @Sendable (Result<JoinGrant, WireDenial>) -> Void)
}
