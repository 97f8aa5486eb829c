/// What a person gives a worker so that it can join: where, whom to trust, and the secret.
///
/// Reads `fanfold-join:ADDRESS:AUTHORITY:TOKEN`; the authority is the SHA-256 of its certificate.
package struct JoinString: Hashable, Sendable {
    private static let prefix = "fanfold-join:"

    /// Where the coordinator listens.
    package var address: WireAddress
    /// The SHA-256 of the certificate that signs all others.
    package var authority: [UInt8]
    /// The secret.
    package var token: JoinToken

    /// A join string of its parts.
    package init(address: WireAddress, authority: [UInt8], token: JoinToken) {
        self.address = address
        self.authority = authority
        self.token = token
    }

    /// Reads one; an error never holds any of it.
    package init(_ text: String) throws(WireError) {
        let wrong = WireError.badAddress(
            "something else: wanted fanfold-join:ADDRESS:AUTHORITY:TOKEN, as `fanfold` printed it")
        guard text.hasPrefix(Self.prefix) else { throw wrong }
        let parts = text.dropFirst(Self.prefix.count).split(
            separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3,
            let token = WireHex.bytes(parts[parts.count - 1]).flatMap(JoinToken.init(bytes:)),
            let authority = WireHex.bytes(parts[parts.count - 2]), authority.count == 32
        else { throw wrong }
        self.address = try WireAddress(parts.dropLast(2).joined(separator: ":"))
        self.authority = authority
        self.token = token
    }

    /// As it is read, with the secret.
    package var text: String {
        "\(Self.prefix)\(address):\(WireHex.text(authority)):\(token.text)"
    }
}
