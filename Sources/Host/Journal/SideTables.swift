/// A run as lists and filters see it.
package struct RunEntry: Sendable, Hashable {
    /// Its id, which no other run has.
    package var id: String
    /// What its author calls it.
    package var name: String
    /// What it is doing, in the words of the API.
    package var state: String
    /// When it was submitted, in milliseconds since 1970.
    package var submitted: Int64
    /// When it ended, in milliseconds since 1970.
    package var ended: Int64?
    /// A summary, as JSON.
    package var summary: String

    /// A run.
    package init(
        id: String, name: String, state: String, submitted: Int64, ended: Int64? = nil,
        summary: String = "{}"
    ) {
        self.id = id
        self.name = name
        self.state = state
        self.submitted = submitted
        self.ended = ended
        self.summary = summary
    }
}

/// What a request was answered, for when it comes again.
package struct AnswerEntry: Sendable, Hashable {
    /// The client's `Idempotency-Key`.
    package var key: String
    /// The route it was sent to; a key means something else on another.
    package var route: String
    /// The hash of the request, by which another request with the same key is refused.
    package var request: [UInt8]
    /// The answer.
    package var response: [UInt8]
    /// When it is forgotten, in milliseconds since 1970.
    package var expires: Int64

    /// An answer.
    package init(
        key: String, route: String, request: [UInt8], response: [UInt8], expires: Int64
    ) {
        self.key = key
        self.route = route
        self.request = request
        self.response = response
        self.expires = expires
    }
}

/// A credential, of which only the hash is kept.
package struct TokenEntry: Sendable, Hashable {
    /// Its id, which may be shown.
    package var id: String
    /// The hash of the secret.
    package var hash: [UInt8]
    /// What it lets its bearer do.
    package var role: String
    /// Where it lets its bearer do that; empty: everywhere.
    package var scope: String
    /// When it was made, in milliseconds since 1970.
    package var created: Int64
    /// When it ends, in milliseconds since 1970.
    package var expires: Int64?
    /// When it was used, in milliseconds since 1970; what may be used once is then spent.
    package var used: Int64?

    /// A token.
    package init(
        id: String, hash: [UInt8], role: String, scope: String = "", created: Int64,
        expires: Int64? = nil, used: Int64? = nil
    ) {
        self.id = id
        self.hash = hash
        self.role = role
        self.scope = scope
        self.created = created
        self.expires = expires
        self.used = used
    }
}

/// A change of a side table, stored together with a batch of records.
package enum SideChange: Sendable, Hashable {
    /// Adds a run, or replaces it.
    case putRun(RunEntry)
    /// Removes a run.
    case removeRun(id: String)
    /// Adds an answer, or replaces it.
    case putAnswer(AnswerEntry)
    /// Adds a token, or replaces the one with its id; refused if another has its hash.
    case putToken(TokenEntry)
    /// Keeps the first time a token was used.
    case useToken(id: String, at: Int64)
    /// Removes a token.
    case removeToken(id: String)
    /// Removes what is over for long enough; at most `Retention.rowsATurn` of each kind.
    case prune(now: Int64, Retention)
}

extension SideChange {
    /// - Throws: `tooLarge` if something is longer than its limit.
    func check() throws(JournalError) {
        switch self {
        case .putRun(let run):
            for text in [run.id, run.name, run.state] { try Self.checkName(text) }
            try Self.check(
                run.summary.utf8.count, atMost: JournalLimits.summaryBytes, "a run's summary")
        case .putAnswer(let answer):
            for text in [answer.key, answer.route] { try Self.checkName(text) }
            try Self.check(answer.request.count, atMost: JournalLimits.nameBytes, "a hash")
            try Self.check(
                answer.response.count, atMost: JournalLimits.answerBytes, "an answer")
        case .putToken(let token):
            for text in [token.id, token.role, token.scope] { try Self.checkName(text) }
            try Self.check(token.hash.count, atMost: JournalLimits.nameBytes, "a hash")
        case .removeRun(let id), .useToken(let id, _), .removeToken(let id):
            try Self.checkName(id)
        case .prune:
            break
        }
    }

    private static func checkName(_ text: String) throws(JournalError) {
        try check(text.utf8.count, atMost: JournalLimits.nameBytes, "an id, key or name")
    }

    private static func check(
        _ found: Int, atMost limit: Int, _ what: String
    ) throws(JournalError) {
        guard found <= limit else {
            throw JournalError(
                .tooLarge, "wanted \(what) of at most \(limit) bytes, found \(found); shorten it")
        }
    }
}
