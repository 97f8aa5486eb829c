/// That a key's owner stands behind a plugin's file: `libfanfold-x.so.sig` beside it.
///
/// Shape of the file, five lines:
///
///     fanfold-signature 1
///     key 0f1e2d…                      the key's id
///     public ed25519:BASE64            the key
///     components com.example.rows …    the ids that the plugin has, sorted
///     signature BASE64                 of the message below
///
/// The message binds what is signed to this use of the key: `fanfold-plugin-signature-v1`, a zero
/// byte, the file's SHA-256 in hexadecimal digits, a newline, then each id with a newline.
package struct PluginSignature: Hashable, Sendable {
    /// Size of the file in bytes: 256 ids of 255 bytes and the rest.
    package static let maximumBytes = 128 << 10

    private static let firstLine = "fanfold-signature 1"
    private static let domain = Array("fanfold-plugin-signature-v1\0".utf8)

    /// Who signed; without a name, since a signature says none.
    package let key: PluginKey
    /// The ids of the components, sorted.
    package let components: [String]
    private let signature: [UInt8]

    /// Signs a file.
    ///
    /// - Parameters:
    ///   - sha256: of the file, in lower-case hexadecimal digits.
    ///   - components: the ids of what it offers.
    package init(
        sha256: String, components: [String], with key: PluginPrivateKey
    ) throws(SignatureProblem) {
        self.key = PluginKey(bytes: key.publicKey.bytes, name: "")
        self.components = components.sorted()
        signature = try key.signature(of: Self.message(sha256, self.components))
    }

    /// Reads the text of a signature file; whether it fits a plugin is ``isOf(sha256:)``.
    package init(_ text: String) throws(SignatureProblem) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix("fanfold-signature ") else {
            throw SignatureProblem(description: "it is no signature of Fanfold")
        }
        guard first == Self.firstLine else {
            throw SignatureProblem(
                description: "wanted \"\(Self.firstLine)\", found \"\(first.prefix(40))\"")
        }
        let words = ["key ", "public ", "components ", "signature "]
        guard lines.count == 6, lines[5].isEmpty,
            zip(words, lines[1...]).allSatisfy({ $1.hasPrefix($0) })
        else {
            throw SignatureProblem(
                description: "wanted the lines key, public, components and signature")
        }
        let values = zip(words, lines[1...]).map { String($1.dropFirst($0.count)) }
        key = try PluginKey(values[1])
        components = values[2].split(separator: " ").map(String.init)
        guard key.name.isEmpty, key.id == values[0] else {
            throw SignatureProblem(description: "its key id is not that of its key")
        }
        guard let signature = Base64.bytes(values[3]), signature.count == 64 else {
            throw SignatureProblem(description: "its signature is not base64 of 64 bytes")
        }
        self.signature = signature
    }

    /// The text of the file.
    package var text: String {
        """
        \(Self.firstLine)
        key \(key.id)
        public \(key.keyText)
        components \(components.joined(separator: " "))
        signature \(Base64.text(signature))

        """
    }

    /// Whether its key's owner signed a file with this hash.
    package func isOf(sha256: String) -> Bool {
        key.isSignature(signature, of: Self.message(sha256, components))
    }

    private static func message(_ sha256: String, _ components: [String]) -> [UInt8] {
        domain + Array(sha256.utf8) + [UInt8(ascii: "\n")]
            + components.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
    }
}
