import Crypto
import CryptoExtras
import FanfoldJSON
import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldServices

@Suite struct `Signatures by named secrets` {
    private let folder = TestFolder()
    private let url = "https://api.example.org/v1"

    private func request(
        _ scheme: String, _ secret: String, _ options: JSON = [:], url: String? = nil
    ) -> HTTPServiceRequest {
        .get(
            url ?? self.url,
            sign: .init(scheme: scheme, secret: secret, options: options))
    }

    private func header(_ name: String, _ request: OutgoingRequest?) -> String? {
        request?.headers.first { $0.name.lowercased() == name }?.value
    }

    private func key(tokenURL: String = "https://oauth2.example/token") throws -> String {
        let pem = try #require(TestCertificate.shared).keyText
        return JSON.object(
            JSONObject([
                ("type", "service_account"), ("client_email", "me@project.example"),
                ("private_key_id", "key-7"), ("private_key", .string(pem)),
                ("token_uri", .string(tokenURL)),
            ])
        ).text
    }

    private func claims(_ token: String) throws -> (header: JSON, claims: JSON, isSigned: Bool) {
        let parts = token.split(separator: ".").map(String.init)
        func bytes(_ part: String) throws -> [UInt8] {
            var text = part.replacing("-", with: "+").replacing("_", with: "/")
            while text.utf8.count % 4 != 0 { text += "=" }
            return Array(try #require(Data(base64Encoded: text)))
        }
        let pem = try #require(TestCertificate.shared).keyText
        let publicKey = try _RSA.Signing.PrivateKey(pemRepresentation: pem).publicKey
        let digest = Crypto.SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        return (
            try JSON(parsing: bytes(parts[0])), try JSON(parsing: bytes(parts[1])),
            publicKey.isValidSignature(
                .init(rawRepresentation: Data(try bytes(parts[2]))), for: digest,
                padding: .insecurePKCS1v1_5)
        )
    }

    @Test func `a bearer is put in its header`() async {
        var http = TestHTTP()
        http.secrets["token"] = .file(folder.write("token", "abc-canary\n"))
        let transport = ScriptedTransport([.status(200)])
        let service = http.service(transport)
        _ = await service.result(request("bearer", "token"))
        #expect(header("authorization", transport.seen.last) == "Bearer abc-canary")
        _ = await service.result(request("bearer", "token", ["header": "X-SLURM-USER-TOKEN"]))
        #expect(header("x-slurm-user-token", transport.seen.last) == "abc-canary")
        #expect(header("authorization", transport.seen.last) == nil)
    }

    @Test func `what shows a secret goes over https, a socket or this machine only`() async {
        var http = TestHTTP()
        http.secrets["token"] = .file(folder.write("token", "abc-canary"))
        let transport = ScriptedTransport([.status(200)])
        let service = http.service(transport)
        for scheme in ["bearer", "google-oauth"] {
            let failure = await service.failure(
                request(scheme, "token", ["scope": "a"], url: "http://api.example.org/"))
            #expect(failure?.reason == "sign.plain")
            #expect(failure?.retry == .never)
        }
        #expect(transport.seen.isEmpty)
        #expect(
            await service.failure(request("bearer", "token", url: "http://127.0.0.1:80/")) == nil)
    }

    @Test func `a secret that is not granted, missing or unfit has its own failure`() async {
        var http = TestHTTP()
        http.secrets["other"] = .file(folder.write("other", "canary"))
        http.secrets["token"] = .file(folder.write("lines", "canary\ncanary"))
        http.secrets["aws"] = .file(folder.write("aws", "canary"))
        http.secrets["google"] = .file(folder.write("google", #"{"private_key":"canary"}"#))
        let transport = ScriptedTransport([.status(200)])
        let service = http.service(transport)
        let aws: JSON = ["service": "ec2", "region": "eu-central-1"]
        let table: [(HTTPServiceRequest, String, Int32, PluginFailure.Retry)] = [
            (request("bearer", "other"), "grant.secret", 7, .never),
            (request("bearer", "token"), "secret.form", 16, .renewed),
            (request("aws-sigv4", "aws", aws), "secret.form", 16, .renewed),
            (request("aws-sigv4", "aws", ["service": "ec2"]), "request./sign/region", 3, .never),
            (
                request("aws-sigv4", "aws", ["region": "a/b", "service": "ec2"]),
                "request./sign/region", 3, .never
            ),
            (request("google-oauth", "google", ["scope": "a"]), "secret.form", 16, .renewed),
            (request("basic", "token"), "request./sign/with", 3, .never),
            (request("bearer", "token", ["header": "a b"]), "secret.form", 16, .renewed),
        ]
        for (request, reason, code, retry) in table {
            let failure = await service.failure(request)
            #expect(failure?.reason == reason)
            #expect(failure?.code == code, "\(reason)")
            #expect(failure?.retry == retry, "\(reason)")
            #expect(failure?.message.contains("canary") == false)
        }
        http.secrets["aws"] = nil
        let failure = await http.service(transport).failure(request("aws-sigv4", "aws", aws))
        #expect(failure?.reason == "secret.missing")
        #expect(failure?.retry == .renewed)
        #expect(transport.seen.isEmpty)
    }

    @Test func `each attempt is signed again, with its own time`() async {
        var http = TestHTTP()
        http.secrets["aws"] = .file(
            folder.write("aws", #"{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"S"}"#))
        let transport = PassingTransport(
            clock: http.clock, [.status(503), .failure(.reset), .status(200)])
        let found = await http.service(transport).result(
            request("aws-sigv4", "aws", ["service": "ec2", "region": "eu-central-1"]))
        #expect((try? found.get())?.status == 200)
        let dates = transport.inner.seen.map { header("x-amz-date", $0) }
        #expect(dates == ["20150830T123600Z", "20150830T123601Z", "20150830T123602Z"])
        #expect(Set(transport.inner.seen.map { header("authorization", $0) }).count == 3)
    }

    @Test func `expired credentials are read again, and refused if they stay expired`() async {
        var http = TestHTTP()
        let old = #"{"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"2015-08-30T12:36:00Z"}"#
        http.secrets["aws"] = .file(folder.write("aws", old))
        let transport = ScriptedTransport([.status(200)])
        let failure = await http.service(transport).failure(
            request("aws-sigv4", "aws", ["service": "ec2", "region": "eu-central-1"]))
        #expect(failure?.reason == "secret.expired")
        #expect(failure?.code == 16)
        #expect(failure?.retry == .renewed)
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO OAUTH WAS TESTED"))
    func `a service account gets a token, keeps it and renews it early`() async throws {
        var http = TestHTTP()
        http.secrets["google"] = .file(folder.write("google", try key()))
        let transport = ScriptedTransport([
            .status(200, body: #"{"access_token":"first-token","expires_in":3599}"#),
            .status(200), .status(200),
            .status(200, body: #"{"access_token":"second-token","expires_in":3599}"#),
            .status(200),
        ])
        let service = http.service(transport)
        let asked = request("google-oauth", "google", ["scope": ["one", "two"]])
        _ = await service.result(asked)
        _ = await service.result(asked)
        #expect(transport.seen.count == 3)
        let exchange = transport.seen[0]
        #expect(exchange.method == "POST")
        #expect(exchange.url.host == "oauth2.example")
        let form = String(decoding: exchange.body, as: UTF8.self)
        let start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        #expect(form.hasPrefix(start))
        let token = try claims(String(form.dropFirst(start.count)))
        #expect(token.isSigned)
        #expect(token.header == ["alg": "RS256", "typ": "JWT", "kid": "key-7"])
        #expect(
            token.claims == [
                "iss": "me@project.example", "scope": "one two",
                "aud": "https://oauth2.example/token", "iat": 1_440_938_160,
                "exp": 1_440_941_760,
            ])
        #expect(header("authorization", transport.seen[1]) == "Bearer first-token")
        #expect(header("authorization", transport.seen[2]) == "Bearer first-token")
        http.clock.pass(seconds: 3_599 - GoogleTokens.earlySeconds)
        _ = await service.result(asked)
        #expect(header("authorization", transport.seen.last) == "Bearer second-token")
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO OAUTH WAS TESTED"))
    func `with an audience the host signs the token itself`() async throws {
        var http = TestHTTP()
        http.secrets["google"] = .file(folder.write("google", try key()))
        let transport = ScriptedTransport([.status(200)])
        _ = await http.service(transport).result(
            request("google-oauth", "google", ["audience": "https://compute.example/"]))
        #expect(transport.seen.count == 1)
        let bearer = try #require(header("authorization", transport.seen.first))
        let token = try claims(String(bearer.dropFirst("Bearer ".count)))
        #expect(token.isSigned)
        #expect(token.claims["sub"] == "me@project.example")
        #expect(token.claims["aud"] == "https://compute.example/")
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO OAUTH WAS TESTED"))
    func `a token that a server refuses is renewed once`() async throws {
        var http = TestHTTP()
        http.secrets["google"] = .file(folder.write("google", try key()))
        let token = #"{"access_token":"a-new-token","expires_in":3599}"#
        let transport = ScriptedTransport([
            .status(200, body: token), .status(401), .status(200, body: token), .status(401),
        ])
        let found = await http.service(transport).result(
            request("google-oauth", "google", ["scope": "one"]))
        #expect(try found.get().status == 401)
        #expect(transport.seen.count == 4)
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO OAUTH WAS TESTED"))
    func `a refused key is for a person, a busy token server for later`() async throws {
        var http = TestHTTP()
        http.secrets["google"] = .file(folder.write("google", try key()))
        let asked = request("google-oauth", "google", ["scope": "one"])
        let refused = ScriptedTransport([
            .status(400, body: #"{"error":"invalid_grant","error_description":"canary"}"#)
        ])
        let failure = await http.service(refused).failure(asked)
        #expect(failure?.reason == "secret.refused")
        #expect(failure?.code == 16)
        #expect(failure?.retry == .renewed)
        #expect(failure?.message.contains("invalid_grant") == true)
        #expect(failure?.message.contains("canary") == false)
        let busy = ScriptedTransport([.status(503)])
        let later = await http.service(busy).failure(asked)
        #expect(later?.code == 14)
        #expect(later?.retry == .later)
        #expect(busy.seen.count == 4)
        let odd = ScriptedTransport([.status(200, body: "<html>")])
        #expect(await http.service(odd).failure(asked)?.retry == .later)
    }

    @Test func `base 64 is that of the standard`() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + 5) }
            #expect(Base64.text(bytes) == Data(bytes).base64EncodedString())
            #expect(Base64.bytes(Base64.text(bytes)) == bytes)
        }
        #expect(Base64.urlText([0xFB, 0xFF]) == "-_8")
        for text in ["a", "ab", "abc", "====", "a===", "ab c", "ab=c"] {
            #expect(Base64.bytes(text) == nil, "\(text)")
        }
    }
}

/// A network on which each exchange takes a second.
private struct PassingTransport: HTTPTransport {
    let clock: TestClock
    let inner: ScriptedTransport

    init(clock: TestClock, _ outcomes: [Result<HTTPServiceAnswer, TransportFailure>]) {
        self.clock = clock
        inner = ScriptedTransport(outcomes)
    }

    func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure> {
        clock.pass(seconds: 1)
        return await inner.exchange(request, timeout: timeout)
    }
}
