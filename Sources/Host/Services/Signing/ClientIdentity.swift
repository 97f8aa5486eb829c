import NIOSSL

/// A certificate and its key, by which TLS says who asks.
struct ClientIdentity: Sendable, Hashable, CustomStringConvertible {
    /// What is wrong with the text of one.
    struct Problem: Error, Hashable {
        var words: String
    }

    /// The certificate, and those that lead from it to an authority.
    let chain: [NIOSSLCertificate]
    /// The key of the first.
    let key: NIOSSLPrivateKey

    /// Reads PEM: a certificate, perhaps its chain, and a private key without a passphrase, in any
    /// order.
    ///
    /// Source: RFC 7468.
    init(_ secret: SecretValue) throws(Problem) {
        let bytes = Array(secret.text.utf8)
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw Problem(words: Self.wanted + ", found no certificate")
        }
        guard !chain.isEmpty else { throw Problem(words: Self.wanted + ", found no certificate") }
        do {
            key = try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            // The library's words may hold parts of the key.
            throw Problem(words: Self.wanted + ", found no key, or one with a passphrase")
        }
    }

    /// Never the key.
    var description: String { "(secret)" }

    private static let wanted = "wanted both in PEM (cat cert.pem key.pem > identity.pem)"
}
