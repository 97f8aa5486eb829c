import FanfoldClient
import FanfoldJSON
import Foundation
import Logging
import Testing

@testable import FanfoldAPI

/// The server: where it listens, how it is protected, what it leaves for local commands.
@Suite(.timeLimit(.minutes(5)))
struct ServerTests {
    private static func server(_ configuration: APIConfiguration) throws -> APIServer {
        let path = FileManager.default.temporaryDirectory.path + "/none-\(UUID().uuidString)"
        return APIServer(
            configuration: configuration, controlPlane: MemoryControlPlane(),
            tokens: try FileTokenStore(path: path), logger: Logger(label: "test"))
    }

    @Test(arguments: ["0.0.0.0", "::", "10.1.2.3", "example.org", "127.0.0.1.example.org", ""])
    func `no address but this machine's is listened on without TLS`(_ host: String) async throws {
        let server = try Self.server(APIConfiguration(host: host, port: 0))
        await #expect(throws: APIServerError.needsTLS(host: host)) { try await server.run() }
    }

    @Test(arguments: ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
    func `this machine's addresses need no TLS`(_ host: String) {
        #expect(APIConfiguration(host: host).isLoopback)
    }

    @Test func `an address that is taken is named`() async throws {
        try await TestServer.run { server in
            let port = Int(server.address.split(separator: ":").last ?? "") ?? 0
            let second = try Self.server(APIConfiguration(port: port))
            do {
                try await second.run()
                Issue.record("it listened")
            } catch let error as APIServerError {
                #expect("\(error)".contains(server.address))
            }
        }
    }

    @Test func `a certificate that is not there is named`() async throws {
        let server = try Self.server(
            APIConfiguration(
                host: "0.0.0.0", port: 0, tls: .files(certificates: "/nowhere.pem", key: "/key")))
        do {
            try await server.run()
            Issue.record("it listened")
        } catch let error as APIServerError {
            #expect("\(error)".contains("/nowhere.pem"))
        }
    }

    @Test(.enabled(if: Tools.has("openssl"), "openssl is missing: TLS WAS NOT TESTED"))
    func `with TLS a client that trusts the certificate gets in, and no other`() async throws {
        let folder = try Tools.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/certificate.pem")
        let made = try await Tools.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        try #require(made.code == 0, "\(made.errors)")
        try await TestServer.run(
            tls: .files(certificates: certificate, key: key), host: "localhost"
        ) { server in
            #expect(server.address.hasPrefix("https://"))
            var context = ClientContext(
                address: server.address, token: server.secrets[.read], authorities: certificate)
            let client = try FanfoldClient(context: context)
            #expect(try await client.ask(.GET, "/runs")["total"] == 0)
            await client.close()
            context.authorities = nil
            let stranger = try FanfoldClient(context: context)
            await #expect(throws: ClientError.self) { _ = try await stranger.ask(.GET, "/runs") }
            await stranger.close()
        }
    }

    @Test func `local commands find address and token in files for their owner only`() async throws
    {
        try await TestServer.run { server in
            for name in [LocalAccess.addressFile, LocalAccess.tokenFile, "tokens.json"] {
                let facts = try FileManager.default.attributesOfItem(
                    atPath: server.folder.path + "/" + name)
                #expect(facts[.posixPermissions] as? Int == 0o600, "\(name)")
            }
            let context = try ClientContext.find(
                name: nil, configurationFolder: "/nowhere", stateFolder: server.folder.path
            ) { _ in nil }
            #expect(context.address == server.address)
            let client = try FanfoldClient(context: context)
            #expect(try await client.ask(.GET, "/tokens")["tokens"]?.arrayValue?.count == 5)
            await client.close()
        }
    }

    @Test func `health is for everybody, readiness says when it is not ready`() async throws {
        try await TestServer.run { server in
            #expect(try await server.ask("GET", "/healthz", as: nil).status == 200)
            #expect(try await server.ask("GET", "/readyz", as: nil).status == 200)
            await server.plane.setMissing(["the journal of a secret project"])
            let answer = try await server.ask("GET", "/readyz", as: nil)
            #expect(answer.status == 503 && !answer.text.contains("journal"))
        }
    }

    @Test func `figures of engine and API are Prometheus' text`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit()
            let answer = try await server.ask("GET", "/metrics", as: .read)
            #expect(answer.text.contains("fanfold_runs 1\n"))
            let line = "fanfold_api_requests_total{route=\"submitRun\",status=\"201\"} 1\n"
            #expect(answer.text.contains(line))
        }
    }
}
