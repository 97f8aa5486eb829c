import Crypto
import X509

/// What a worker proves with who it is: its key, its certificate and whom it trusts.
package struct WireCredentials: Hashable, Sendable, CustomStringConvertible {
    /// The worker.
    package let uid: String
    /// The number of the certificate, in hexadecimal.
    package let serial: String
    /// When the certificate begins and ends, in seconds since 1970.
    package let validity: Range<Int64>
    /// The certificate, DER.
    package let certificate: [UInt8]
    /// The authority that signed it, DER.
    package let authority: [UInt8]
    let key: String

    /// Credentials of their parts.
    ///
    /// Throws: if the certificate names no worker, or is not of this key.
    init(key: String, certificate: [UInt8], authority: [UInt8]) throws(IdentityError) {
        let parsed = try Certificates.read(certificate)
        guard case .worker(let uid, let serial)? = try? PeerCertificate.identity(parsed) else {
            throw .refused("the certificate names no worker")
        }
        guard let own = try? P256.Signing.PrivateKey(pemRepresentation: key),
            Certificate.PublicKey(own.publicKey) == parsed.publicKey
        else { throw .refused("the certificate is not of this key") }
        self.uid = uid
        self.serial = serial
        validity = Certificates.validity(parsed)
        self.certificate = certificate
        self.authority = authority
        self.key = key.hasSuffix("\n") ? key : key + "\n"
    }

    /// The credentials in a folder; `nil` if there are none.
    package static func load(folder: String) throws(IdentityError) -> WireCredentials? {
        guard let text = try IdentityFile.read("\(folder)/worker.pem", isPrivate: true) else {
            return nil
        }
        let parts = text.components(endingWith: "-----END")
        guard parts.count == 3 else {
            throw .unusable(path: "\(folder)/worker.pem", what: "a key and two certificates")
        }
        return try WireCredentials(
            key: parts[0], certificate: Certificates.readPEM(parts[1]),
            authority: Certificates.readPEM(parts[2]))
    }

    /// Keeps the credentials in a folder, in one file of mode 0600: `worker.pem`.
    package func save(folder: String) throws(IdentityError) {
        let text = key + Certificates.pem(certificate) + Certificates.pem(authority)
        try IdentityFile.write(text, to: "\(folder)/worker.pem", mode: 0o600)
    }

    /// Whether a third or less of the certificate's time is left.
    package func needsRenewal(now: Int64) -> Bool {
        let left = validity.upperBound - now
        return left <= (validity.upperBound - validity.lowerBound) / 3
    }

    /// Never the key.
    package var description: String { "worker \(uid), certificate \(serial)" }
}

extension String {
    /// Cuts after each line that begins so.
    fileprivate func components(endingWith mark: String) -> [String] {
        var parts: [String] = []
        var part = ""
        for line in split(separator: "\n", omittingEmptySubsequences: true) {
            part += line + "\n"
            guard line.hasPrefix(mark) else { continue }
            parts.append(part)
            part = ""
        }
        return parts
    }
}

/// A new key, and the request to have it certified.
package struct CertificateRequest: Sendable {
    /// The request, DER.
    package let request: [UInt8]
    let key: String

    /// A request for a worker.
    package init(uid: String) throws(IdentityError) {
        let own = P256.Signing.PrivateKey()
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName { CommonName(uid) },
                privateKey: Certificate.PrivateKey(own),
                attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: .ecdsaWithSHA256)
            self.request = try Certificates.bytes(request)
        } catch {
            throw .refused("cannot make a certificate request: \(error)")
        }
        key = own.pemRepresentation
    }

    /// What was issued for it.
    package func credentials(
        certificate: [UInt8], authority: [UInt8]
    ) throws(IdentityError) -> WireCredentials {
        try WireCredentials(key: key, certificate: certificate, authority: authority)
    }
}
