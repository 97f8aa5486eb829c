import Crypto
import Glibc
import NIOSSL
import X509

/// The coordinator's own authority: signs the coordinator's certificate and those of its workers.
///
/// ECDSA P-256.  Made at the first start; the key never leaves its file, mode 0600.
package final class CertificateAuthority: Sendable {
    /// Seconds for which the authority is good: ten years.
    package static let seconds: Int64 = 3_650 * 86_400
    /// Seconds for which the coordinator's certificate is good; it is made anew in time.
    package static let coordinatorSeconds: Int64 = 30 * 86_400
    /// Seconds for which a worker's certificate is good unless said; it is renewed in time.
    package static let workerSeconds: Int64 = 30 * 86_400

    /// The certificate, DER.
    package let certificate: [UInt8]
    /// Its SHA-256: what a join string pins.
    package let fingerprint: [UInt8]

    private let key: P256.Signing.PrivateKey
    private let name: DistinguishedName
    private let now: @Sendable () -> Int64

    /// An authority that is kept nowhere.
    package convenience init(now: @escaping @Sendable () -> Int64 = WireClock.seconds)
        throws(IdentityError)
    {
        let key = P256.Signing.PrivateKey()
        let random = WorkerUID.make().prefix(8)
        let content = Certificates.Content(
            subject: "Fanfold authority \(random)", names: [], isAuthority: true,
            seconds: Self.seconds, now: now())
        let certificate = try Certificates.make(
            content, for: Certificate.PublicKey(key.publicKey), issuer: nil, signedBy: key)
        try self.init(key: key, certificate: certificate, now: now)
    }

    private init(
        key: P256.Signing.PrivateKey, certificate: Certificate,
        now: @escaping @Sendable () -> Int64
    ) throws(IdentityError) {
        self.key = key
        self.certificate = try Certificates.bytes(certificate)
        fingerprint = Array(SHA256.hash(data: self.certificate))
        name = certificate.subject
        self.now = now
    }

    /// The authority of a folder, made there if there is none: `authority.key`, `authority.pem`.
    package static func open(
        folder: String, now: @escaping @Sendable () -> Int64 = WireClock.seconds
    ) throws(IdentityError) -> CertificateAuthority {
        let keyPath = "\(folder)/authority.key"
        let certificatePath = "\(folder)/authority.pem"
        let keyText = try IdentityFile.read(keyPath, isPrivate: true)
        let certificateText = try IdentityFile.read(certificatePath, isPrivate: false)
        switch (keyText, certificateText) {
        case (nil, nil):
            let authority = try CertificateAuthority(now: now)
            // The key comes last: a certificate without a key is of no use to anybody.
            try IdentityFile.write(
                Certificates.pem(authority.certificate), to: certificatePath, mode: 0o644)
            try IdentityFile.write(authority.key.pemRepresentation, to: keyPath, mode: 0o600)
            return authority
        case (nil, _?):
            // A start that was cut short, or a key that was lost: workers hold on to the old one.
            throw .unusable(path: keyPath, what: "the key of \(certificatePath)")
        case (_?, nil): throw .unusable(path: certificatePath, what: "a certificate")
        case (let keyText?, let certificateText?):
            guard let key = try? P256.Signing.PrivateKey(pemRepresentation: keyText) else {
                throw .unusable(path: keyPath, what: "a P-256 key in PEM")
            }
            let certificate = try Certificates.read(Certificates.readPEM(certificateText))
            guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
                throw .unusable(path: keyPath, what: "the key of \(certificatePath)")
            }
            return try CertificateAuthority(key: key, certificate: certificate, now: now)
        }
    }

    /// A certificate for a worker's request; only the key is taken from it.
    ///
    /// Throws: if the request is not signed with the key that it names, or the key is no P-256 key.
    package func issue(
        _ request: [UInt8], uid: String, seconds: Int64 = workerSeconds
    ) throws(IdentityError) -> (certificate: [UInt8], serial: String, notAfter: Int64) {
        guard WorkerUID.isValid(uid) else { throw .badRequest("the uid is none") }
        guard let signing = try? CertificateSigningRequest(derEncoded: request) else {
            throw .badRequest("it is none")
        }
        guard P256.Signing.PublicKey(signing.publicKey) != nil,
            signing.publicKey.isValidSignature(signing.signature, for: signing)
        else { throw .badRequest("its key or its signature is wrong") }
        let content = Certificates.Content(
            subject: uid, names: [PeerCertificate.workerPrefix + uid],
            usages: [.clientAuth, .serverAuth], seconds: seconds, now: now())
        let certificate = try Certificates.make(
            content, for: signing.publicKey, issuer: name, signedBy: key)
        return (
            try Certificates.bytes(certificate), PeerCertificate.serial(certificate),
            Certificates.validity(certificate).upperBound
        )
    }

    /// A new key and certificate for the coordinator.
    func issueCoordinator() throws(IdentityError) -> (key: String, certificate: [UInt8]) {
        let own = P256.Signing.PrivateKey()
        let content = Certificates.Content(
            subject: "Fanfold coordinator", names: [PeerCertificate.coordinatorName],
            usages: [.serverAuth], seconds: Self.coordinatorSeconds, now: now())
        let certificate = try Certificates.make(
            content, for: Certificate.PublicKey(own.publicKey), issuer: name, signedBy: key)
        return (own.pemRepresentation, try Certificates.bytes(certificate))
    }

    /// Now, in seconds since 1970, as this authority sees it.
    func seconds() -> Int64 { now() }
}
