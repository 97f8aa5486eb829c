import FanfoldAPI
import FanfoldCore
import FanfoldJSON
import FanfoldJournal
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// Join tokens, kept in the journal's table of tokens: a use counts once it is on disk.
final class JoinTokens: JoinTokenStore {
    /// The role that marks them among the tokens of the table.
    static let role = "join"

    private let book: Mutex<TokenBook>
    private let created: Mutex<[String: Timestamp]>
    private let engine: EngineHost
    private let change = Mutex<(@Sendable (SideChange) -> Void)?>(nil)
    /// What a worker must know beside the secret; `nil` where no token is needed.
    private let entrance = Mutex<(address: WireAddress, authority: [UInt8])?>(nil)

    /// No tokens; ``recover(_:joined:store:)`` brings back those that there were.
    init(engine: EngineHost) {
        self.engine = engine
        book = Mutex(TokenBook())
        created = Mutex([:])
    }

    /// Takes over what was kept.
    ///
    /// - Parameters:
    ///   - joined: who joined before.
    ///   - store: has a row changed with the turn; called on the loop's thread.
    func recover(
        _ entries: [TokenEntry], joined: Set<String>,
        store: @escaping @Sendable (SideChange) -> Void
    ) {
        let records = entries.filter { $0.role == Self.role }.compactMap(JoinTokenRecord.init)
        book.withLock { $0 = TokenBook(records: records, joined: joined) }
        created.withLock { created in
            for entry in entries { created[entry.id] = Timestamp(milliseconds: entry.created) }
        }
        change.withLock { $0 = store }
    }

    /// Workers join here, and trust this authority.
    func open(at address: WireAddress, authority: [UInt8]) {
        entrance.withLock { $0 = (address, authority) }
    }

    /// Makes a token; its secret is a whole join string.
    ///
    /// It counts when ``entry(_:)`` is stored.
    func make(
        _ request: JoinTokenRequest, now: Timestamp
    ) throws(ControlError) -> NewJoinToken {
        guard let (address, authority) = entrance.withLock({ $0 }) else {
            throw ControlError(
                .conflict,
                "workers of this machine need no join token here: `fanfold serve` said which file "
                    + "holds theirs; serve with --workers ADDRESS or --tls for others")
        }
        var labels: [String: String] = [:]
        for label in request.labels {
            let parts = label.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ControlError(
                    .invalid, "wanted a label as NAME=VALUE, found \"\(label)\"")
            }
            labels[parts[0]] = parts[1]
        }
        let scope = JoinScope(labels: labels)
        let minted = book.withLock {
            $0.mint(
                scope: scope, seconds: request.lifetimeSeconds,
                uses: UInt32(clamping: request.maximumUses), now: now.milliseconds / 1_000)
        }
        guard let (token, record) = minted else {
            throw ControlError(
                .tooMany, "there are \(TokenBook.tokens) tokens already; revoke some")
        }
        created.withLock { $0[record.id] = now }
        return NewJoinToken(
            summary: summary(record),
            secret: JoinString(address: address, authority: authority, token: token).text)
    }

    func summaries(now: Timestamp) -> [JoinTokenSummary] {
        book.withLock { $0.records }
            .filter { $0.usesLeft > 0 && $0.expiresAt > now.milliseconds / 1_000 }
            .map(summary)
    }

    func revoke(_ id: String) -> Bool { book.withLock { $0.revoke(id: id) } }

    /// A token as a row of the table.
    func entry(_ id: String) -> TokenEntry? {
        guard let record = book.withLock({ $0.records.first { $0.id == id } }) else { return nil }
        return TokenEntry(
            id: id, hash: record.digest, role: Self.role, scope: record.scopeText,
            created: created.withLock { $0[id] }?.milliseconds ?? 0,
            expires: record.expiresAt * 1_000)
    }

    func redeem(
        _ request: JoinRequest,
        answer: @escaping @Sendable (Result<JoinGrant, WireDenial>) -> Void
    ) {
        engine.perform { [self] loop, _ in
            let time = Timestamp.now().milliseconds / 1_000
            let outcome = book.withLock { $0.redeem(request, now: time) }
            guard case .success(let grant) = outcome, let entry = entry(grant.token) else {
                return answer(outcome)
            }
            change.withLock { $0 }?(.putToken(entry))
            loop.demandCommit()
            loop.afterCommit { answer(outcome) }
        }
    }

    private func summary(_ record: JoinTokenRecord) -> JoinTokenSummary {
        JoinTokenSummary(
            id: record.id,
            created: created.withLock { $0[record.id] } ?? Timestamp(milliseconds: 0),
            expires: Timestamp(milliseconds: record.expiresAt * 1_000),
            remainingUses: Int(record.usesLeft),
            labels: record.scope.labels.map { "\($0.key)=\($0.value)" }.sorted())
    }
}

extension JoinTokenRecord {
    /// What a token is for, and how often, as the table keeps it.
    fileprivate var scopeText: String {
        var labels = JSONObject()
        for key in scope.labels.keys.sorted() { labels[key] = .string(scope.labels[key] ?? "") }
        let text: JSON = [
            "uses": .integer(Int64(usesLeft)), "pool": .string(scope.pool),
            "labels": .object(labels),
        ]
        return text.text
    }

    /// `nil` if the row makes no sense.
    fileprivate init?(_ entry: TokenEntry) {
        guard let scope = try? JSON(parsing: Array(entry.scope.utf8)),
            let uses = scope["uses"]?.integerValue
        else { return nil }
        var labels: [String: String] = [:]
        for (key, value) in scope["labels"]?.objectValue?.members ?? [] {
            labels[key] = value.stringValue ?? ""
        }
        self.init(
            id: entry.id, digest: entry.hash,
            scope: JoinScope(labels: labels, pool: scope["pool"]?.stringValue ?? ""),
            expiresAt: (entry.expires ?? 0) / 1_000, usesLeft: UInt32(clamping: uses))
    }
}
