import FanfoldPlugins
import Testing

@testable import FanfoldServices

/// A service of metadata that is written beforehand: an answer for each path that is asked.
private final class ScriptedMetadata: HTTPTransport {
    private let answers: @Sendable (OutgoingRequest) -> (status: Int, body: String)
    private let log = ScriptedTransport([.status(200)])

    init(_ answers: @escaping @Sendable (OutgoingRequest) -> (status: Int, body: String)) {
        self.answers = answers
    }

    var seen: [OutgoingRequest] { log.seen }

    func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure> {
        _ = await log.exchange(request, timeout: timeout)
        let (status, body) = answers(request)
        return status == 0 ? .failure(.notConnected) : .status(status, body: body)
    }

    /// The lines "METHOD host/path" of all that was asked.
    var lines: [String] { seen.map { "\($0.method) \($0.url.authority)\($0.url.target)" } }
}

@Suite struct `Credentials of the machine that the host runs on` {
    private static let keys = """
        {"Code":"Success","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"canary-key",
         "Token":"canary-token","Expiration":"2015-08-30T18:36:00Z"}
        """
    private static let folder = "/latest/meta-data/iam/security-credentials/"

    /// EC2's service in its second version: nothing without a session.
    private static func instance(
        _ request: OutgoingRequest
    ) -> (status: Int, body: String) {
        let session = request.headers.first { $0.name == "X-aws-ec2-metadata-token" }?.value
        switch (request.method, request.url.target) {
        case ("PUT", "/latest/api/token"):
            return request.has("x-aws-ec2-metadata-token-ttl-seconds")
                ? (200, "session-1") : (400, "")
        case _ where session != "session-1": return (401, "")
        case ("GET", folder): return (200, "worker-role\n")
        case ("GET", folder + "worker-role"): return (200, keys)
        default: return (404, "")
        }
    }

    private func store(
        _ service: ScriptedMetadata, _ source: MetadataService = .aws,
        _ variables: [String: String] = [:], clock: TestClock = TestClock()
    ) -> SecretStore {
        SecretStore(
            ["a": .metadata(source)], redactor: SecretRedactor(), clock: clock,
            metadata: MetadataCredentials(transport: service) { variables[$0] })
    }

    private func failure(_ store: SecretStore) async -> PluginFailure? {
        do throws(PluginFailure) {
            _ = try await store.value(of: "a")
            return nil
        } catch {
            return error
        }
    }

    @Test func `an instance's role is asked for in a session, and kept until it is renewed`()
        async throws
    {
        let service = ScriptedMetadata(Self.instance)
        let clock = TestClock()
        let store = store(service, clock: clock)
        let value = try await store.value(of: "a")
        let credentials = try #require(AWSCredentials(value.text, profile: "default"))
        #expect(credentials.accessKey == "ASIAEXAMPLE")
        #expect(credentials.sessionToken == "canary-token")
        #expect(
            service.lines == [
                "PUT 169.254.169.254/latest/api/token",
                "GET 169.254.169.254\(Self.folder)",
                "GET 169.254.169.254\(Self.folder)worker-role",
            ])
        _ = try await store.value(of: "a")
        #expect(service.seen.count == 3)
        clock.pass(seconds: MetadataCredentials.longestKeptSeconds)
        _ = try await store.value(of: "a")
        #expect(service.seen.count == 6)
    }

    @Test func `credentials are renewed before they end, at the latest five minutes before`() {
        let value = SecretValue([])
        for (left, kept) in [
            (Int64(86_400), Int64(3_600)), (3_600, 3_300), (400, 300), (0, 0), (-5, 0),
        ] {
            #expect(
                MetadataCredentials.keptSeconds(
                    .init(value: value, expiresAt: 1_000 + left), unixSeconds: 1_000) == kept)
        }
    }

    @Test func `a container's credentials go before the instance's, with its token`() async throws {
        let folder = TestFolder()
        let service = ScriptedMetadata { request in
            request.headers.first { $0.name == "Authorization" }?.value == "fresh"
                ? (200, Self.keys) : (401, "")
        }
        let file = folder.write("token", "fresh\n")
        let ecs = store(
            service, .aws,
            [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "fresh",
            ])
        _ = try await ecs.value(of: "a")
        let eks = store(
            service, .aws,
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "stale",
            ])
        _ = try await eks.value(of: "a")
        #expect(
            service.lines == [
                "GET 169.254.170.2/v2/credentials/1", "GET 169.254.170.23/v1/credentials",
            ])
        let elsewhere = store(
            service, .aws, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example/"])
        let refused = await failure(elsewhere)
        #expect(refused?.reason == "secret.metadata")
        #expect(refused?.message.contains("keys.example") == true)
        #expect(service.seen.count == 2)
    }

    @Test func `a token of Google is used as it is, and signs requests`() async throws {
        let service = ScriptedMetadata { request in
            request.headers.contains(HTTPServiceHeader("Metadata-Flavor", "Google"))
                ? (200, #"{"access_token":"canary-token","expires_in":3599,"token_type":"Bearer"}"#)
                : (403, "")
        }
        let store = store(service, .google)
        let transport = ScriptedTransport([.status(200)])
        let http = TestHTTP()
        let attempts = AttemptLoop(transport: transport, limits: http.limits, clock: http.clock)
        let signer = RequestSigner(
            grant: PluginGrant(secrets: ["a"]), secrets: store, attempts: attempts,
            redactor: http.redactor)
        let request = OutgoingRequest(
            method: "GET", url: try HTTPServiceURL("https://compute.googleapis.com/"))
        let signed = try await signer.signed(
            request, .init(scheme: "google-oauth", secret: "a", options: ["scope": "one"]),
            end: 10_000_000_000)
        #expect(signed.headers == [HTTPServiceHeader("Authorization", "Bearer canary-token")])
        #expect(
            service.lines == [
                "GET metadata.google.internal/computeMetadata/v1/instance/service-accounts/"
                    + "default/token"
            ])
    }

    @Test func `each way to get none says what to do, and shows no secret`() async {
        func answering(_ status: Int, _ body: String = "canary") -> ScriptedMetadata {
            ScriptedMetadata { _ in (status, body) }
        }
        let noRole = ScriptedMetadata { request in
            request.method == "PUT" ? (200, "session") : (404, "canary")
        }
        let noKeys = ScriptedMetadata { request in
            request.url.target.hasSuffix("/role")
                ? (200, #"{"Code":"Failed","Message":"canary"}"#) : (200, "role")
        }
        let off = ["AWS_EC2_METADATA_DISABLED": "true"]
        let table: [(SecretStore, String)] = [
            (store(answering(0)), "outside that cloud"),
            (store(answering(503)), "answered 503"),
            (store(answering(403)), "answered 403"),
            (store(noRole), "attach an instance profile"),
            (store(noKeys), "AccessKeyId"),
            (store(answering(200), .aws, off), "unset it"),
            (store(answering(404), .google), "attach one"),
            (store(answering(200), .google), "access_token"),
            (store(answering(0), .google), "outside that cloud"),
        ]
        for (store, words) in table {
            let failure = await failure(store)
            #expect(failure?.reason == "secret.metadata")
            #expect(failure?.retry == .renewed)
            #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "none")")
            #expect(failure?.message.contains("canary") == false)
        }
    }

    @Test func `a service that stumbles is asked again, one that refuses is not`() async throws {
        let stumbling = ScriptedTransport([
            .failure(.reset), .status(500),
            .status(200, body: #"{"access_token":"t","expires_in":60}"#),
        ])
        let store = SecretStore(
            ["a": .metadata(.google)], redactor: SecretRedactor(), clock: TestClock(),
            metadata: MetadataCredentials(transport: stumbling) { _ in nil })
        _ = try await store.value(of: "a")
        #expect(stumbling.seen.count == 3)
        let refusing = ScriptedTransport([.status(403)])
        let none = SecretStore(
            ["a": .metadata(.google)], redactor: SecretRedactor(), clock: TestClock(),
            metadata: MetadataCredentials(transport: refusing) { _ in nil })
        #expect(await failure(none) != nil)
        #expect(refusing.seen.count == 1)
    }
}
