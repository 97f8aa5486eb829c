import Synchronization

/// The tokens of a coordinator and who joined with them.
///
/// Decides and does nothing: time comes in.
package struct TokenBook: Hashable, Sendable {
    /// Tokens that are kept at a time.
    package static let tokens = 10_000
    /// Seconds for which a token is good unless said.
    package static let usualSeconds: Int64 = 3_600

    /// What is kept, oldest first.
    package private(set) var records: [JoinTokenRecord]
    /// The uids of those that joined.
    package private(set) var joined: Set<String>

    /// What was kept before.
    package init(records: [JoinTokenRecord] = [], joined: Set<String> = []) {
        self.records = records
        self.joined = joined
    }

    /// Makes a token, used once unless said; `nil` if there are too many.
    package mutating func mint(
        scope: JoinScope = JoinScope(), seconds: Int64 = usualSeconds, uses: UInt32 = 1,
        now: Int64
    ) -> (token: JoinToken, record: JoinTokenRecord)? {
        prune(now: now)
        guard records.count < Self.tokens else { return nil }
        let token = JoinToken()
        let record = JoinTokenRecord(
            id: WireHex.text(Array(token.digest.prefix(8))), digest: token.digest, scope: scope,
            expiresAt: now + seconds, usesLeft: uses)
        records.append(record)
        return (token, record)
    }

    /// Uses a token.
    ///
    /// Every record is compared, each in constant time: how long it takes says nothing.
    package mutating func redeem(
        _ request: JoinRequest, now: Int64
    ) -> Result<JoinGrant, WireDenial> {
        var place: Int?
        for (index, record) in records.enumerated()
        where WireHex.areEqual(record.digest, request.digest) {
            place = index
        }
        guard let place else { return .failure(.wrongToken) }
        guard records[place].expiresAt > now else { return .failure(.expiredToken) }
        guard records[place].usesLeft > 0 else { return .failure(.usedToken) }
        guard records[place].scope.allows(request.labels) else { return .failure(.wrongScope) }
        guard !joined.contains(request.uid) else { return .failure(.knownWorker) }
        records[place].usesLeft -= 1
        joined.insert(request.uid)
        return .success(JoinGrant(token: records[place].id, scope: records[place].scope))
    }

    /// Ends a token before its time: whether there was one.
    package mutating func revoke(id: String) -> Bool {
        let before = records.count
        records.removeAll { $0.id == id }
        return records.count < before
    }

    /// Forgets that a worker joined: it can join anew.
    package mutating func forget(uid: String) { joined.remove(uid) }

    /// Drops what nobody can use any more, a day after its time.
    package mutating func prune(now: Int64) {
        records.removeAll { $0.expiresAt + 86_400 <= now }
    }
}

/// Tokens in memory.
package final class MemoryTokenStore: JoinTokenStore {
    private let book = Mutex(TokenBook())
    private let now: @Sendable () -> Int64

    /// No tokens.
    ///
    /// Parameter now: seconds since 1970.
    package init(now: @escaping @Sendable () -> Int64 = WireClock.seconds) { self.now = now }

    /// Does something with the tokens.
    package func withBook<Value: Sendable>(_ body: (inout TokenBook) -> Value) -> Value {
        book.withLock { body(&$0) }
    }

    /// Uses a token up, and answers at once.
    package func redeem(
        _ request: JoinRequest,
        answer: @escaping @Sendable (Result<JoinGrant, WireDenial>) -> Void
    ) {
        let time = now()
        answer(book.withLock { $0.redeem(request, now: time) })
    }
}
