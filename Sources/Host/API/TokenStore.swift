import Crypto

/// A client's token, without its secret.
package struct TokenRecord: Hashable, Sendable {
    /// What it is listed and revoked by.
    package var id: String
    /// What it was made for.
    package var name: String
    /// What it lets its bearer do.
    package var role: Role
    /// SHA-256 of the secret.
    package var digest: [UInt8]
    /// When it was made.
    package var created: Timestamp
    /// From when on it is worthless; `nil` for never.
    package var expires: Timestamp?
    /// Whether it was made worthless.
    package var isRevoked: Bool

    /// A token of which only the digest is kept.
    package init(
        id: String, name: String, role: Role, digest: [UInt8], created: Timestamp,
        expires: Timestamp? = nil, isRevoked: Bool = false
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.digest = digest
        self.created = created
        self.expires = expires
        self.isRevoked = isRevoked
    }
}

/// The tokens of clients.
package protocol TokenStore: Sendable {
    /// All of them, oldest first.
    func records() -> [TokenRecord]
    /// Makes a token; its secret is told this once.
    func create(name: String, role: Role, lifetimeSeconds: Int64?)
        async throws(ControlError) -> (record: TokenRecord, secret: String)
    /// Makes a token worthless; `not-found` if there is none of this id.
    func revoke(id: String) async throws(ControlError)
}

extension TokenStore {
    /// Who bears `secret`; `nil` if it is unknown, expired or revoked, which nobody can tell apart.
    ///
    /// What is compared are digests, every byte of every one of them, so that the time it takes says
    /// nothing about how much of a guess was right.
    package func identity(of secret: String, at now: Timestamp) -> Identity? {
        let digest = TokenSecret.digest(of: secret)
        var found: Identity?
        for record in records() {
            let isSame = TokenSecret.isSame(record.digest, digest)
            let isGood = !record.isRevoked && (record.expires.map { now < $0 } ?? true)
            if isSame && isGood {
                found = Identity(token: record.id, name: record.name, role: record.role)
            }
        }
        return found
    }
}

/// Secrets of tokens: 256 random bits.
package enum TokenSecret {
    /// What every secret of a client's token begins with, so that a scanner finds one that leaked.
    package static let prefix = "fft_"

    /// A new secret from the system's generator.
    package static func random() -> String {
        prefix + hexadecimal(randomBytes(32))
    }

    /// A new id.
    package static func randomID() -> String {
        "t" + hexadecimal(randomBytes(6))
    }

    /// SHA-256 of a secret.
    package static func digest(of secret: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(secret.utf8)))
    }

    /// Whether two digests are the same, in a time that depends on their lengths only.
    package static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(left, right) { difference |= left ^ right }
        return difference == 0
    }

    /// Bytes as lowercase hexadecimal digits.
    package static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that hexadecimal digits stand for; `nil` if it is anything else.
    package static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index...(index + 1)], as: UTF8.self)
            guard !pair.hasPrefix("+"), !pair.hasPrefix("-"), let byte = UInt8(pair, radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
