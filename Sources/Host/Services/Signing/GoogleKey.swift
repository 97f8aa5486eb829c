import Crypto
import CryptoExtras
import FanfoldJSON
import FanfoldPlugins

/// The key of a Google service account, and the tokens that it signs.
///
/// Source: Google Identity, Using OAuth 2.0 for Server to Server Applications; RFC 7515, RFC 7519.
struct GoogleKey: Sendable, CustomStringConvertible {
    /// Seconds for which a token is asked or signed: the most that Google takes.
    static let lifetimeSeconds: Int64 = 3_600
    /// Where tokens are to be had if the key does not say.
    static let usualTokenURL = "https://oauth2.googleapis.com/token"

    /// What is wrong with a key's text.
    struct Problem: Error, Hashable {
        var words: String
    }

    let email: String
    let keyID: String
    let tokenURL: HTTPServiceURL
    private let key: _RSA.Signing.PrivateKey

    /// Reads the key file, which is JSON.
    init(_ text: String) throws(Problem) {
        let json: JSON
        do throws(JSONParseError) {
            json = try JSON(parsing: text)
        } catch {
            throw Problem(words: "wanted JSON; download the key again")
        }
        guard json["type"]?.stringValue == "service_account",
            let email = json["client_email"]?.stringValue, !email.isEmpty,
            let pem = json["private_key"]?.stringValue
        else {
            throw Problem(
                words: "wanted \"type\": \"service_account\", \"client_email\", \"private_key\"")
        }
        self.email = email
        keyID = json["private_key_id"]?.stringValue ?? ""
        do throws(HTTPServiceURL.Refusal) {
            tokenURL = try HTTPServiceURL(json["token_uri"]?.stringValue ?? Self.usualTokenURL)
        } catch {
            throw Problem(words: "its \"token_uri\" is no URL")
        }
        guard tokenURL.scheme == .https || tokenURL.isThisMachine else {
            throw Problem(words: "wanted https in its \"token_uri\"")
        }
        do {
            key = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            // The library's words may hold parts of the key.
            throw Problem(words: "its \"private_key\" is no RSA key of 2048 bits or more in PEM")
        }
    }

    /// Never the key.
    var description: String { "(secret)" }

    /// A token that is exchanged for one with scopes.
    func assertion(scope: String, unixSeconds: Int64) throws(Problem) -> String {
        try signed([
            "iss": .string(email), "scope": .string(scope),
            "aud": .string(tokenURL.fullText), "iat": .integer(unixSeconds),
            "exp": .integer(unixSeconds + Self.lifetimeSeconds),
        ])
    }

    /// A token that a service takes as it is.
    func selfSigned(audience: String, unixSeconds: Int64) throws(Problem) -> String {
        try signed([
            "iss": .string(email), "sub": .string(email), "aud": .string(audience),
            "iat": .integer(unixSeconds), "exp": .integer(unixSeconds + Self.lifetimeSeconds),
        ])
    }

    private func signed(_ claims: JSON) throws(Problem) -> String {
        var header: JSONObject = JSONObject([("alg", "RS256"), ("typ", "JWT")])
        if !keyID.isEmpty { header["kid"] = .string(keyID) }
        let body = Base64.urlText(JSON.object(header).bytes) + "." + Base64.urlText(claims.bytes)
        do {
            let digest = Crypto.SHA256.hash(data: Array(body.utf8))
            let signature = try key.signature(for: digest, padding: .insecurePKCS1v1_5)
            return body + "." + Base64.urlText(Array(signature.rawRepresentation))
        } catch {
            throw Problem(words: "its \"private_key\" does not sign")
        }
    }
}

extension HTTPServiceURL {
    /// The whole URL.
    var fullText: String {
        scheme == .unix
            ? "unix://\(socket):\(target)" : "\(scheme.rawValue)://\(authority)\(target)"
    }
}
