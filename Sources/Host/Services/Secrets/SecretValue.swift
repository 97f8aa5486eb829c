import FanfoldJSON
import Synchronization

/// The value of a secret: whatever prints, dumps or interpolates it gets `(secret)`.
package struct SecretValue: Sendable, Hashable, CustomStringConvertible,
    CustomDebugStringConvertible, CustomReflectable
{
    /// The bytes, for the code that signs with them and for nobody else.
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The bytes as text, without white space at either end.
    var text: String {
        let blank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let start = bytes.drop(while: blank)
        let end = start.lastIndex { !blank($0) }
        return String(decoding: end.map { start[...$0] } ?? [], as: UTF8.self)
    }

    /// Never the value.
    package var description: String { "(secret)" }

    /// Never the value.
    package var debugDescription: String { "(secret)" }

    /// Without a child that would show the value.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Takes what it knows to be secret out of texts that are logged or recorded.
///
/// A second line of defence: no text is made from a secret in the first place, but a server may
/// repeat in its answer what it was sent.
package final class SecretRedactor: Sendable {
    /// What a secret is replaced by.
    package static let mark = "(secret)"
    /// Bytes of an answer that are logged at most.
    package static let excerptBytes = 512
    /// Parts shorter than this many bytes are left: they would be found in innocent words.
    static let shortestPart = 8
    /// Parts that are remembered; the oldest are forgotten.
    static let mostParts = 4_096

    /// Members of the key files of clouds that everybody may see.
    private static let publicMembers: Set<String> = [
        "type", "project_id", "client_email", "client_id", "auth_uri", "token_uri",
        "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain", "Expiration",
        "expiration",
    ]

    private let parts = Mutex<[String]>([])

    /// A redactor that knows no secret yet.
    package init() {}

    /// Remembers a secret, and the secret parts that it is made of.
    func learn(_ secret: SecretValue) {
        let text = secret.text
        var found = Self.lines(text)
        do throws(JSONParseError) {
            found += Self.leaves(try JSON(parsing: text))
        } catch {
            // Not JSON: perhaps the lines `name = value` of a profile.
            found += Self.lines(text).compactMap { line in
                line.firstIndex(of: "=").map { mark in
                    String(line[line.index(after: mark)...].drop { $0 == " " })
                }
            }
        }
        let long = found.filter { $0.utf8.count >= Self.shortestPart }
        parts.withLock { parts in
            for part in long where !parts.contains(part) { parts.append(part) }
            if parts.count > Self.mostParts { parts.removeFirst(parts.count - Self.mostParts) }
        }
    }

    /// The text with a mark in place of everything that is known to be secret.
    package func redacted(_ text: String) -> String {
        let known = parts.withLock { $0 }.sorted { $0.utf8.count > $1.utf8.count }
        return known.reduce(text) { text, part in
            text.contains(part) ? text.replacing(part, with: Self.mark) : text
        }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("-----") }
    }

    private static func leaves(_ json: JSON) -> [String] {
        switch json {
        case .string(let text): lines(text)
        case .array(let elements): elements.flatMap(leaves)
        case .object(let object):
            object.members.flatMap { publicMembers.contains($0.0) ? [] : leaves($0.1) }
        default: []
        }
    }
}
