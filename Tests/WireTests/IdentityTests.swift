import Foundation
import NIOCore
import Testing

@testable import FanfoldWire

/// A folder of its own, gone with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "fanfold-wire-" + WorkerUID.make()
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { _ = try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct AddressTests {
    @Test(
        arguments: [
            ("127.0.0.1:80", .host("127.0.0.1", port: 80)), ("[::1]:0", .host("::1", port: 0)),
            ("node-7.example:65535", .host("node-7.example", port: 65_535)),
            ("unix:/run/fanfold.sock", .unix(path: "/run/fanfold.sock")),
        ] as [(String, WireAddress)])
    func `an address is read as it is written`(text: String, address: WireAddress) throws {
        #expect(try WireAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "host", "host:", ":1", "host:65536", "host:-1", "::1:80", "[::1:80", "unix:",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: WireError.badAddress(text)) { try WireAddress(text) }
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.255.255:1", true), ("[::1]:1", true), ("unix:/x", true),
        ("128.0.0.1:1", false), ("127.0.0.256:1", false), ("127.0.0:1", false),
        ("127.0.0.1.example.com:1", false), ("127.0.0.+1:1", false), ("localhost:1", false),
        ("[::]:1", false), ("[::ffff:127.0.0.1]:1", false), ("0.0.0.0:1", false),
    ])
    func `loopback is what is loopback for certain`(text: String, isLoopback: Bool) throws {
        #expect(try WireAddress(text).isLoopback == isLoopback)
    }
}

@Suite struct TokenTests {
    private static let now: Int64 = 1_000_000

    private func request(
        _ token: JoinToken, uid: String = "worker-0001", labels: [String: String] = [:]
    ) -> JoinRequest { JoinRequest(digest: token.digest, uid: uid, labels: labels) }

    private func minted(
        _ book: inout TokenBook, scope: JoinScope = JoinScope(), seconds: Int64 = 3_600,
        uses: UInt32 = 1
    ) throws -> (token: JoinToken, record: JoinTokenRecord) {
        let minted = book.mint(scope: scope, seconds: seconds, uses: uses, now: Self.now)
        return try #require(minted)
    }

    @Test func `a token is used once, or as often as it says`() throws {
        var book = TokenBook()
        let once = try minted(&book).token
        let twice = try minted(&book, uses: 2).token
        func redeem(_ token: JoinToken, _ uid: String) -> WireDenial? {
            switch book.redeem(request(token, uid: uid), now: Self.now) {
            case .success: nil
            case .failure(let denial): denial
            }
        }
        #expect(redeem(once, "worker-1") == nil)
        #expect(redeem(once, "worker-2") == .usedToken)
        #expect(redeem(twice, "worker-1") == .knownWorker)
        #expect(redeem(twice, "worker-2") == nil)
        #expect(redeem(twice, "worker-3") == nil)
        #expect(redeem(twice, "worker-4") == .usedToken)
        #expect(redeem(JoinToken(), "worker-4") == .wrongToken)
        book.forget(uid: "worker-1")
        #expect(!book.joined.contains("worker-1"))
    }

    @Test func `a token is good until its time and not a second longer`() throws {
        var book = TokenBook()
        let token = try minted(&book, seconds: 10, uses: 9).token
        #expect(throws: Never.self) {
            try book.redeem(request(token, uid: "worker-1"), now: Self.now + 9).get()
        }
        #expect(throws: WireDenial.expiredToken) {
            try book.redeem(request(token, uid: "worker-2"), now: Self.now + 10).get()
        }
    }

    @Test func `a token is for those that it was made for`() throws {
        var book = TokenBook()
        let scope = JoinScope(labels: ["zone": "a"], pool: "gpu")
        let token = try minted(&book, scope: scope).token
        for labels in [[:], ["zone": "a"], ["pool": "gpu"], ["zone": "b", "pool": "gpu"]] {
            #expect(throws: WireDenial.wrongScope) {
                try book.redeem(request(token, labels: labels), now: Self.now).get()
            }
        }
        let labels = ["zone": "a", "pool": "gpu", "more": "is fine"]
        #expect(
            try book.redeem(request(token, labels: labels), now: Self.now).get().scope == scope)
    }

    @Test func `tokens can be revoked, are dropped a day later, and are limited`() throws {
        var book = TokenBook()
        let (token, record) = try minted(&book)
        #expect(book.revoke(id: record.id) == true)
        #expect(book.revoke(id: record.id) == false)
        #expect(throws: WireDenial.wrongToken) {
            try book.redeem(request(token), now: Self.now).get()
        }
        let short = JoinTokenRecord(
            id: record.id, digest: record.digest, scope: JoinScope(), expiresAt: Self.now + 1,
            usesLeft: 1)
        book = TokenBook(records: Array(repeating: short, count: TokenBook.tokens - 1))
        #expect(book.mint(seconds: 1, now: Self.now) != nil)
        #expect(book.mint(now: Self.now) == nil)
        #expect(book.mint(now: Self.now + 86_400) == nil)
        #expect(book.mint(now: Self.now + 86_401) != nil)
        #expect(book.records.count == 1)
    }

    @Test func `neither a record nor a description holds the secret`() throws {
        var book = TokenBook()
        let (token, record) = try minted(&book)
        #expect(!"\(record)".contains(token.text))
        #expect("\(token)" == "(secret)")
        #expect(token.bytes != JoinToken().bytes)
    }

    @Test func `a join string is read as it is written`() throws {
        for address in ["10.0.0.1:7600", "[fd00::1]:7600", "host.example:1"] {
            let join = JoinString(
                address: try WireAddress(address), authority: [UInt8](repeating: 3, count: 32),
                token: JoinToken())
            #expect(try JoinString(join.text) == join)
            #expect(throws: WireError.self) { try JoinString(String(join.text.dropLast())) }
            #expect(throws: WireError.self) { try JoinString(join.text + "0") }
        }
        #expect(throws: WireError.self) { try JoinString("fanfold-join:x:y:z") }
    }
}

@Suite struct AuthorityTests {
    @Test func `an authority is made once, and its key is nobody else's`() throws {
        let folder = try TemporaryFolder()
        let first = try CertificateAuthority.open(folder: folder.path)
        let second = try CertificateAuthority.open(folder: folder.path)
        #expect(first.fingerprint == second.fingerprint)
        let path = folder.path + "/authority.key"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(throws: IdentityError.readableByOthers(path: path, mode: 0o640)) {
            try CertificateAuthority.open(folder: folder.path)
        }
    }

    @Test func `half an authority is not replaced`() throws {
        let folder = try TemporaryFolder()
        _ = try CertificateAuthority.open(folder: folder.path)
        try FileManager.default.removeItem(atPath: folder.path + "/authority.key")
        #expect(throws: IdentityError.self) { try CertificateAuthority.open(folder: folder.path) }
        let other = try TemporaryFolder()
        _ = try CertificateAuthority.open(folder: other.path)
        try FileManager.default.removeItem(atPath: folder.path + "/authority.pem")
        try FileManager.default.copyItem(
            atPath: other.path + "/authority.pem", toPath: folder.path + "/authority.pem")
        try "no key".write(
            toFile: folder.path + "/authority.key", atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: folder.path + "/authority.key")
        #expect(throws: IdentityError.self) { try CertificateAuthority.open(folder: folder.path) }
    }

    @Test func `a certificate is for the key that signed its request, and the name it is given`()
        throws
    {
        let authority = try CertificateAuthority()
        let request = try CertificateRequest(uid: "somebody-else")
        let issued = try authority.issue(request.request, uid: "worker-0001")
        let credentials = try request.credentials(
            certificate: issued.certificate, authority: authority.certificate)
        #expect(credentials.uid == "worker-0001")
        #expect(credentials.serial == issued.serial)
        let other = try CertificateRequest(uid: "worker-0001")
        #expect(throws: IdentityError.self) {
            try other.credentials(
                certificate: issued.certificate, authority: authority.certificate)
        }
        var changed = request.request
        changed[changed.count - 1] ^= 1
        for bad in [[], [0x30, 0], changed, issued.certificate] as [[UInt8]] {
            #expect(throws: IdentityError.self) { try authority.issue(bad, uid: "worker-0001") }
        }
        #expect(throws: IdentityError.self) { try authority.issue(request.request, uid: "a:b") }
    }

    @Test func `credentials are kept in a file of their own`() throws {
        let folder = try TemporaryFolder()
        #expect(try WireCredentials.load(folder: folder.path) == nil)
        let authority = try CertificateAuthority()
        let request = try CertificateRequest(uid: "worker-0001")
        let issued = try authority.issue(request.request, uid: "worker-0001", seconds: 900)
        let credentials = try request.credentials(
            certificate: issued.certificate, authority: authority.certificate)
        try credentials.save(folder: folder.path)
        #expect(try WireCredentials.load(folder: folder.path) == credentials)
        let end = credentials.validity.upperBound
        #expect(!credentials.needsRenewal(now: end - 401))
        #expect(credentials.needsRenewal(now: end - 400))
        #expect("\(credentials)".contains(issued.serial))
        #expect(!"\(credentials)".contains("PRIVATE"))
    }
}
