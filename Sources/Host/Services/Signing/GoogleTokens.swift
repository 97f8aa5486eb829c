import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// Tokens of Google, kept until shortly before they expire.
actor GoogleTokens {
    /// What a token is for.
    enum Use: Hashable, Sendable {
        /// A token of the token endpoint for these scopes, separated by spaces.
        case scope(String)
        /// A token that the key signs for one service.
        case audience(String)
    }

    /// Tokens that are kept; the one that expires first makes room.
    static let mostTokens = 64
    /// Seconds before its end at which a token is renewed, at most a quarter of its life.
    static let earlySeconds: Int64 = 300
    /// Bytes of a token.
    static let longestToken = 16_384

    private struct Key: Hashable {
        var secret: String
        var email: String
        var keyID: String
        var use: Use
    }

    private struct Token: Sendable {
        var text: String
        var renewAt: Int64
    }

    private let attempts: AttemptLoop
    private let redactor: SecretRedactor
    private var tokens: [Key: Token] = [:]
    /// One exchange at a time for one key and use; who comes meanwhile waits for it.
    private var underWay: [Key: Task<Result<Token, PluginFailure>, Never>] = [:]

    init(attempts: AttemptLoop, redactor: SecretRedactor) {
        self.attempts = attempts
        self.redactor = redactor
    }

    /// A token that is valid for a while.
    func token(
        for use: Use, key: GoogleKey, secret: String, end: UInt64
    ) async throws(PluginFailure) -> String {
        let place = Key(secret: secret, email: key.email, keyID: key.keyID, use: use)
        if let token = tokens[place], attempts.clock.unixSeconds() < token.renewAt {
            return token.text
        }
        let task =
            underWay[place]
            ?? Task { [attempts] in
                await Self.newToken(use, key, secret: secret, attempts: attempts, end: end)
            }
        underWay[place] = task
        let result = await task.value
        if underWay[place] == task { underWay[place] = nil }
        let token = try result.get()
        redactor.learn(SecretValue(Array(token.text.utf8)))
        if tokens.count >= Self.mostTokens, tokens[place] == nil,
            let first = tokens.min(by: { $0.value.renewAt < $1.value.renewAt })?.key
        {
            tokens[first] = nil
        }
        tokens[place] = token
        return token.text
    }

    /// Drops the tokens of a secret.
    ///
    /// Returns: Whether there were any.
    func forget(secret: String) -> Bool {
        let before = tokens.count
        tokens = tokens.filter { $0.key.secret != secret }
        return tokens.count < before
    }

    private static func newToken(
        _ use: Use, _ key: GoogleKey, secret: String, attempts: AttemptLoop, end: UInt64
    ) async -> Result<Token, PluginFailure> {
        let now = attempts.clock.unixSeconds()
        do throws(PluginFailure) {
            switch use {
            case .audience(let audience):
                let text = try signed(secret) { () throws(GoogleKey.Problem) in
                    try key.selfSigned(audience: audience, unixSeconds: now)
                }
                return .success(
                    Token(text: text, renewAt: renewal(now, GoogleKey.lifetimeSeconds)))
            case .scope(let scope):
                return .success(
                    try await exchanged(scope, key, secret: secret, attempts: attempts, end: end))
            }
        } catch {
            return .failure(error)
        }
    }

    private static func exchanged(
        _ scope: String, _ key: GoogleKey, secret: String, attempts: AttemptLoop, end: UInt64
    ) async throws(PluginFailure) -> Token {
        let start = attempts.clock.now()
        let asked = attempts.clock.unixSeconds()
        // Asking twice gives two tokens and does no harm.
        let found = try await attempts.run(
            isIdempotent: true, url: key.tokenURL, start: start, end: max(end, start + 1)
        ) { () async throws(PluginFailure) in
            let now = attempts.clock.unixSeconds()
            let assertion = try signed(secret) { () throws(GoogleKey.Problem) in
                try key.assertion(scope: scope, unixSeconds: now)
            }
            let form =
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
                + assertion
            return OutgoingRequest(
                method: "POST", url: key.tokenURL,
                headers: [
                    HTTPServiceHeader("Content-Type", "application/x-www-form-urlencoded")
                ],
                body: Array(form.utf8))
        }
        return try token(in: found.answer, of: key, secret: secret, asked: asked)
    }

    private static func token(
        in answer: HTTPServiceAnswer, of key: GoogleKey, secret: String, asked: Int64
    ) throws(PluginFailure) -> Token {
        var json: JSON = .null
        do throws(JSONParseError) {
            json = try JSON(parsing: answer.body)
        } catch {
            // Judged below, where an answer without a token is none.
            json = .null
        }
        if (400...403).contains(answer.status) {
            let code = json["error"]?.stringValue ?? ""
            let isWord =
                !code.isEmpty && code.utf8.count <= 40
                && code.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }
            throw .credential(
                "secret.refused",
                "\(key.tokenURL.shown) refused the key of the secret \"\(secret)\""
                    + (isWord ? " (\(code))" : "") + "; renew the key, or look at the account")
        }
        guard answer.status == 200, let text = json["access_token"]?.stringValue,
            let life = json["expires_in"]?.integerValue, life > 0, text.isHeaderValue,
            !text.isEmpty, text.utf8.count <= longestToken
        else {
            throw .later(
                FAN_UNAVAILABLE, "secret.exchange",
                "\(key.tokenURL.shown) answered \(answer.status) and no token for the secret "
                    + "\"\(secret)\"; ask again")
        }
        return Token(text: text, renewAt: renewal(asked, min(life, 86_400)))
    }

    private static func renewal(_ now: Int64, _ life: Int64) -> Int64 {
        now + life - min(earlySeconds, life / 4)
    }

    private static func signed(
        _ secret: String, _ body: () throws(GoogleKey.Problem) -> String
    ) throws(PluginFailure) -> String {
        do throws(GoogleKey.Problem) {
            return try body()
        } catch {
            throw .credential("secret.form", "the secret \"\(secret)\": \(error.words)")
        }
    }
}
