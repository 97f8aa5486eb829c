import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
import X509

/// What a certificate says, and how one is made.
///
/// The one file that needs Foundation: X509 takes its dates.
enum Certificates {
    /// Seconds by which clocks may differ.
    static let skewSeconds: Int64 = 300

    /// What stands in a certificate.
    struct Content {
        var subject: String
        var names: [String]
        var isAuthority = false
        var usages: [ExtendedKeyUsage.Usage] = []
        var seconds: Int64
        var now: Int64
    }

    /// Makes a certificate for a key, signed by another.
    static func make(
        _ content: Content, for key: Certificate.PublicKey, issuer: DistinguishedName?,
        signedBy signer: P256.Signing.PrivateKey
    ) throws(IdentityError) -> Certificate {
        do {
            let subject = try DistinguishedName { CommonName(content.subject) }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
                notValidBefore: date(content.now - skewSeconds),
                notValidAfter: date(content.now + content.seconds),
                issuer: issuer ?? subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: extensions(content, key: key),
                issuerPrivateKey: Certificate.PrivateKey(signer))
        } catch {
            throw .refused("cannot make a certificate: \(error)")
        }
    }

    private static func extensions(
        _ content: Content, key: Certificate.PublicKey
    ) throws -> Certificate.Extensions {
        var extensions = Certificate.Extensions()
        try extensions.append(
            Certificate.Extension(
                content.isAuthority
                    ? BasicConstraints.isCertificateAuthority(maxPathLength: 0)
                    : BasicConstraints.notCertificateAuthority, critical: true))
        try extensions.append(
            Certificate.Extension(
                content.isAuthority
                    ? KeyUsage(keyCertSign: true, cRLSign: true)
                    : KeyUsage(digitalSignature: true), critical: true))
        try extensions.append(
            Certificate.Extension(SubjectKeyIdentifier(hash: key), critical: false))
        if !content.usages.isEmpty {
            try extensions.append(
                Certificate.Extension(ExtendedKeyUsage(content.usages), critical: false))
        }
        if !content.names.isEmpty {
            let names = content.names.map { GeneralName.uniformResourceIdentifier($0) }
            try extensions.append(
                Certificate.Extension(SubjectAlternativeNames(names), critical: false))
        }
        return extensions
    }

    private static func date(_ seconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(seconds))
    }

    /// When a certificate begins and ends, in seconds since 1970.
    static func validity(_ certificate: Certificate) -> Range<Int64> {
        let begin = Int64(certificate.notValidBefore.timeIntervalSince1970)
        let end = Int64(certificate.notValidAfter.timeIntervalSince1970)
        return begin..<max(begin, end)
    }

    /// A certificate of its bytes.
    static func read(_ der: [UInt8]) throws(IdentityError) -> Certificate {
        do {
            return try Certificate(derEncoded: der)
        } catch {
            throw .refused("wanted a certificate, found something else")
        }
    }

    /// The bytes of a certificate or a request.
    static func bytes(_ value: some DERSerializable) throws(IdentityError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(value)
            return serializer.serializedBytes
        } catch {
            throw .refused("cannot write a certificate: \(error)")
        }
    }

    /// What a certificate is pinned by: the SHA-256 of its bytes.
    static func fingerprint(_ der: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: der)) }

    /// The certificate of a PEM file.
    static func readPEM(_ text: String) throws(IdentityError) -> [UInt8] {
        do {
            return try PEMDocument(pemString: text).derBytes
        } catch {
            throw .refused("wanted a certificate in PEM, found something else")
        }
    }

    /// A PEM file of a certificate.
    static func pem(_ der: [UInt8]) -> String {
        PEMDocument(type: "CERTIFICATE", derBytes: der).pemString + "\n"
    }
}

/// Who the certificate of a peer names.
enum PeerCertificate {
    static let coordinatorName = "fanfold:coordinator"
    static let workerPrefix = "fanfold:worker:"

    /// Who a verified certificate names; `nil` if nobody.
    static func identity(_ certificate: NIOSSLCertificate) throws -> WireIdentity? {
        try identity(Certificates.read(certificate.toDERBytes()))
    }

    static func identity(_ certificate: Certificate) throws -> WireIdentity? {
        guard let names = try certificate.extensions.subjectAlternativeNames, names.count == 1,
            case .uniformResourceIdentifier(let name)? = names.first
        else { return nil }
        if name == coordinatorName { return .coordinator }
        guard name.hasPrefix(workerPrefix) else { return nil }
        let uid = String(name.dropFirst(workerPrefix.count))
        guard WorkerUID.isValid(uid) else { return nil }
        return .worker(uid: uid, serial: serial(certificate))
    }

    static func serial(_ certificate: Certificate) -> String {
        WireHex.text(Array(certificate.serialNumber.bytes))
    }
}

/// A worker's name for itself, for good.
package enum WorkerUID {
    /// Characters of a uid.
    package static let lengths = 8...64

    /// A new one: 128 random bits.
    package static func make() -> String {
        WireHex.text((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    }

    /// Whether it can be one: letters of ASCII, digits and `-`.
    package static func isValid(_ uid: String) -> Bool {
        lengths.contains(uid.utf8.count)
            && uid.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || byte == 0x2D
            }
    }
}
