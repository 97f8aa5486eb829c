import Crypto
import NIOCore
import NIOSSL
import Synchronization
import X509

/// TLS 1.3, and nothing before it.
enum TLSContexts {
    /// A listener that asks for a certificate and verifies one that it gets.
    ///
    /// A peer without one can only join: what may come from whom is not decided here.
    static func listener(
        key: String, certificate: [UInt8], authority: [UInt8]
    ) throws(IdentityError) -> NIOSSLContext {
        try refusing { () throws in
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try chain(certificate, authority),
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
            configuration.certificateVerification = .optionalVerification
            configuration.trustRoots = .certificates([try certificateOf(authority)])
            return configuration
        }
    }

    /// A worker that connects to the coordinator or to another worker.
    static func client(_ credentials: WireCredentials) throws(IdentityError) -> NIOSSLContext {
        try refusing { () throws in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateChain = [
                .certificate(try certificateOf(credentials.certificate))
            ]
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(credentials.key.utf8), format: .pem))
            configuration.trustRoots = .certificates([try certificateOf(credentials.authority)])
            // A peer is known by the name that its certificate gives it, not by where it is.
            configuration.certificateVerification = .noHostnameVerification
            return configuration
        }
    }

    /// A worker that joins: it has no certificate and trusts what the join string pins.
    static func joiner() throws(IdentityError) -> NIOSSLContext {
        try refusing { () throws in
            var configuration = TLSConfiguration.makeClientConfiguration()
            // Whatever the system trusts is of no concern: the callback decides.
            configuration.trustRoots = .certificates([])
            configuration.certificateVerification = .noHostnameVerification
            return configuration
        }
    }

    /// Whether a chain is the coordinator's, signed by the authority with this SHA-256.
    static func isCoordinator(
        _ chain: [NIOSSLCertificate], pinned fingerprint: [UInt8], now: Int64
    ) -> Bool {
        guard let leafBytes = try? chain.first?.toDERBytes(),
            let leaf = try? Certificates.read(leafBytes),
            let authority = authority(in: chain, pinned: fingerprint)
        else { return false }
        return authority.publicKey.isValidSignature(leaf.signature, for: leaf)
            && Certificates.validity(leaf).contains(now)
            && Certificates.validity(authority).contains(now)
            && (try? PeerCertificate.identity(leaf)) == .coordinator
    }

    private static func authority(
        in chain: [NIOSSLCertificate], pinned fingerprint: [UInt8]
    ) -> Certificate? {
        for certificate in chain.dropFirst() {
            guard let bytes = try? certificate.toDERBytes(),
                WireHex.areEqual(Array(SHA256.hash(data: bytes)), fingerprint)
            else { continue }
            return try? Certificates.read(bytes)
        }
        return nil
    }

    private static func certificateOf(_ der: [UInt8]) throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: der, format: .der)
    }

    private static func chain(
        _ certificate: [UInt8], _ authority: [UInt8]
    ) throws -> [NIOSSLCertificateSource] {
        [.certificate(try certificateOf(certificate)), .certificate(try certificateOf(authority))]
    }

    private static func refusing(
        _ make: () throws -> TLSConfiguration
    ) throws(IdentityError) -> NIOSSLContext {
        do {
            var configuration = try make()
            configuration.minimumTLSVersion = .tlsv13
            configuration.renegotiationSupport = .none
            configuration.shutdownTimeout = .seconds(1)
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .refused("TLS cannot be set up: \(error)")
        }
    }
}

/// The coordinator's TLS, with a certificate that is made anew before it ends.
final class CoordinatorTLS: Sendable {
    private let authority: CertificateAuthority
    private let current: Mutex<(context: NIOSSLContext, renewAt: Int64)>

    init(_ authority: CertificateAuthority) throws(IdentityError) {
        self.authority = authority
        current = Mutex(try Self.make(authority))
    }

    private static func make(
        _ authority: CertificateAuthority
    ) throws(IdentityError) -> (NIOSSLContext, Int64) {
        let (key, certificate) = try authority.issueCoordinator()
        let context = try TLSContexts.listener(
            key: key, certificate: certificate, authority: authority.certificate)
        return (context, authority.seconds() + CertificateAuthority.coordinatorSeconds / 2)
    }

    /// For the next connection.
    func context() throws -> NIOSSLContext {
        let authority = authority
        return try current.withLock { current in
            if authority.seconds() >= current.renewAt { current = try Self.make(authority) }
            return current.context
        }
    }
}
