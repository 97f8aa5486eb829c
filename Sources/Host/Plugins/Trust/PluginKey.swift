import Crypto

/// What is wrong with the text of a key or a signature, in words.
package struct SignatureProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wanted, what was found, what to do.
    package var description: String

    /// A problem in these words.
    package init(description: String) {
        self.description = description
    }
}

/// Who signs plugins: the public half of an ed25519 key, and what people call it.
///
/// As text, in the settings and in a `.pub` file: `ed25519:BASE64 NAME`, the name being optional.
package struct PluginKey: Hashable, Sendable {
    /// Length of a name in bytes.
    package static let maximumNameBytes = 64
    /// Length of the key in bytes.
    package static let byteCount = 32

    /// The key itself.
    package let bytes: [UInt8]
    /// What people call it; empty if nobody said.
    package let name: String

    init(bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    /// Reads `ed25519:BASE64 NAME`.
    package init(_ text: String) throws(SignatureProblem) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let bytes = Self.bytes(of: parts[0]) else {
            throw SignatureProblem(
                description: "wanted a public key as `fanfold plugin keygen` prints it, "
                    + "ed25519:BASE64 NAME, found \"\(text)\"")
        }
        let name = parts.count == 2 ? String(parts[1]) : ""
        guard parts.count == 1 || Self.isName(name) else {
            throw SignatureProblem(description: Self.badName(name))
        }
        self.init(bytes: bytes, name: name)
    }

    /// What the lock and messages call it: the first 32 hexadecimal digits of the key's SHA-256.
    package var id: String { String(bytes.withUnsafeBytes { SHA256.hex($0) }.prefix(32)) }

    /// The key without its name: `ed25519:BASE64`.
    package var keyText: String { "ed25519:" + Base64.text(bytes) }

    /// As it stands in the settings.
    package var text: String { name.isEmpty ? keyText : keyText + " " + name }

    /// For people: `alice (key 0f1e…)`.
    package var label: String { name.isEmpty ? "key \(id)" : "\(name) (key \(id))" }

    /// Whether a name may stand behind a key.
    package static func isName(_ name: String) -> Bool {
        (1...maximumNameBytes).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || Array(".-_@+".utf8).contains(byte)
            }
    }

    static func badName(_ name: String) -> String {
        "wanted a name of 1 to \(maximumNameBytes) letters, digits and . - _ @ +, found \"\(name)\""
    }

    private static func bytes(of text: Substring) -> [UInt8]? {
        let prefix = "ed25519:"
        guard text.hasPrefix(prefix), let bytes = Base64.bytes(text.dropFirst(prefix.count)),
            bytes.count == byteCount
        else { return nil }
        return bytes
    }

    func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: bytes)
                .isValidSignature(signature, for: message)
        } catch {
            // No point of the curve: nothing can be signed by it.
            return false
        }
    }
}

/// The half of a key that stays with its owner.
package struct PluginPrivateKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// What people call it.
    package let name: String

    /// A new key.
    package init(name: String) throws(SignatureProblem) {
        guard PluginKey.isName(name) else {
            throw SignatureProblem(description: PluginKey.badName(name))
        }
        key = Curve25519.Signing.PrivateKey()
        self.name = name
    }

    /// Reads the text of a key file.
    package init(_ text: String) throws(SignatureProblem) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let seed =
            lines.count == 4 && lines[0] == Self.firstLine && lines[3].isEmpty
                && lines[1].hasPrefix("name ") && lines[2].hasPrefix("ed25519 ")
            ? Base64.bytes(lines[2].dropFirst(8)) : nil
        guard let seed, PluginKey.isName(String(lines[1].dropFirst(5))) else {
            throw SignatureProblem(
                description: "it is no private key; wanted what `fanfold plugin keygen` writes")
        }
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw SignatureProblem(description: "its key has \(seed.count) bytes, wanted 32")
        }
        name = String(lines[1].dropFirst(5))
    }

    private static let firstLine = "fanfold-private-key 1"

    /// The text of its key file.
    package var text: String {
        "\(Self.firstLine)\nname \(name)\n"
            + "ed25519 \(Base64.text(Array(key.rawRepresentation)))\n"
    }

    /// What others need to know it.
    package var publicKey: PluginKey {
        PluginKey(bytes: Array(key.publicKey.rawRepresentation), name: name)
    }

    func signature(of message: [UInt8]) throws(SignatureProblem) -> [UInt8] {
        do {
            return Array(try key.signature(for: message))
        } catch {
            throw SignatureProblem(description: "the key cannot sign: \(error)")
        }
    }
}
