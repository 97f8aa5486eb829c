import FanfoldJSON

/// A key pair of AWS, perhaps of a session.
struct AWSCredentials: Sendable, CustomStringConvertible {
    var accessKey: String
    var secretKey: String
    /// Of temporary credentials.
    var sessionToken: String?
    /// Seconds since 1970; `nil` for credentials that do not expire.
    var expiresAt: Int64?

    init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// Reads the text of a secret.
    ///
    /// Shape: the JSON of a credential process or of a metadata service (`AccessKeyId`,
    /// `SecretAccessKey`, `SessionToken` or `Token`, `Expiration`), or a credentials file with
    /// profiles (`aws_access_key_id = …`).
    ///
    /// Source: AWS SDKs and Tools Reference Guide, process credential provider and shared
    /// credentials file.
    init?(_ text: String, profile: String) {
        let members: [String: String]
        do throws(JSONParseError) {
            let json = try JSON(parsing: text)
            members = Dictionary(
                (json.objectValue?.members ?? []).compactMap { key, value in
                    value.stringValue.map { (Self.plain(key), $0) }
                }, uniquingKeysWith: { first, _ in first })
        } catch {
            members = Self.members(of: profile, in: text)
        }
        guard let accessKey = members["accesskeyid"], let secretKey = members["secretaccesskey"],
            !accessKey.isEmpty, !secretKey.isEmpty, accessKey.isHeaderValue
        else { return nil }
        self.init(
            accessKey: accessKey, secretKey: secretKey,
            sessionToken: members["sessiontoken"] ?? members["token"])
        guard sessionToken?.isHeaderValue != false else { return nil }
        if let text = members["expiration"] {
            guard let time = CalendarTime(iso8601: text) else { return nil }
            expiresAt = time.unixSeconds
        }
    }

    /// Never the keys.
    var description: String { "(secret)" }

    func hasExpired(at unixSeconds: Int64) -> Bool { expiresAt.map { $0 <= unixSeconds } ?? false }

    /// `AccessKeyId`, `access_key_id` and `aws_access_key_id` are one name.
    private static func plain(_ key: String) -> String {
        let small = key.lowercased().filter { $0 != "_" }
        return small.hasPrefix("aws") ? String(small.dropFirst(3)) : small
    }

    private static func members(of profile: String, in text: String) -> [String: String] {
        var members: [String: String] = [:]
        // Lines before the first section count for every profile.
        var isMeant = true
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmed
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                isMeant = line.dropFirst().dropLast().trimmed == profile
            } else if isMeant, let mark = line.firstIndex(of: "=") {
                let key = plain(String(line[..<mark].trimmed))
                members[key] = String(line[line.index(after: mark)...].trimmed)
            }
        }
        return members
    }
}

extension Substring {
    /// Without white space at either end.
    fileprivate var trimmed: Substring {
        let start = drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return start[...end]
    }
}
