import FanfoldPlugins
import Testing

@testable import FanfoldServices

@Suite struct `HTTP for plugins over the network` {
    private let hasCertificates = TestCertificate.shared != nil

    private func http(_ change: (inout TestHTTP) -> Void = { _ in }) -> TestHTTP {
        var http = TestHTTP()
        http.limits.firstBackoff = 1_000_000
        change(&http)
        return http
    }

    @Test func `a request arrives as it was sent, and the answer comes back`() async throws {
        let server = try await TestServer([.answer(201, headers: ["X-Got": "it"], body: "done")])
        let request = HTTPServiceRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/a%20b/?q=1&r=%2F",
            headers: [HTTPServiceHeader("X-One", "1"), HTTPServiceHeader("Accept", "text/plain")],
            body: [1, 2, 3])
        let answer = try await http().networkService().result(request).get()
        #expect(answer.status == 201)
        #expect(answer.body == Array("done".utf8))
        #expect(answer.headersJSON["x-got"] == "it")
        let seen = try #require(server.seen.first)
        #expect(seen.method == "POST")
        #expect(seen.target == "/a%20b/?q=1&r=%2F")
        #expect(seen.body == [1, 2, 3])
        #expect(seen.headers["x-one"] == "1")
        #expect(seen.headers["host"] == "127.0.0.1:\(server.port)")
        #expect(seen.headers["user-agent"] == "fanfold/test")
    }

    @Test func `a status of 400 or more is an answer`() async throws {
        let server = try await TestServer([.answer(404, body: "no"), .answer(500, body: "oh")])
        let service = http().networkService()
        let request = HTTPServiceRequest.get("http://127.0.0.1:\(server.port)/")
        #expect(try await service.result(request).get().status == 404)
        #expect(try await service.result(request).get().status == 500)
    }

    @Test func `a socket is asked by its path`() async throws {
        let folder = TestFolder()
        let path = folder.path + "/api.sock"
        let server = try await TestServer([.answer(200, body: "pong")], at: .socket(path))
        let http = http { $0.grant = PluginGrant(hosts: ["unix:\(path)"]) }
        let answer = try await http.networkService()
            .result(.get("unix://\(path):/v1.43/info?all=1")).get()
        #expect(answer.body == Array("pong".utf8))
        #expect(server.seen.first?.target == "/v1.43/info?all=1")
        #expect(server.seen.first?.headers["host"] == "localhost")
        let gone = await http.networkService().failure(.get("unix://\(path).gone:/"))
        #expect(gone?.code == 7)
    }

    @Test func `each way to fail has its code and its retry class`() async throws {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"
        let wide =
            "HTTP/1.1 200 OK\r\n"
            + (0...HTTPServiceLimits.headerCount).map { "h\($0): v\r\n" }.joined() + "\r\n"
        let table: [(reply: Reply, reason: String, code: Int32, retry: PluginFailure.Retry)] = [
            (.end, "http.reset", 14, .later),
            (.bytesThenEnd(half), "http.cut", 14, .later),
            (.bytesThenEnd("SSH-2.0-x\r\n\r\n"), "http.cut", 14, .later),
            (.flood, "http.answer-size", 11, .never),
            (.bytesThenEnd(wide), "http.answer-head", 11, .never),
            (.silence, "http.deadline", 4, .later),
        ]
        var options = ClientTransport.Options()
        options.answerBodyBytes = 100_000
        for row in table {
            let server = try await TestServer([row.reply])
            let timeout = row.reason == "http.deadline" ? 100 : 20_000
            let failure = await http().networkService(options).failure(
                .get("http://127.0.0.1:\(server.port)/?canary", timeout: timeout))
            #expect(failure?.reason == row.reason, "\(row.reply) \(failure?.message ?? "")")
            #expect(failure?.code == row.code, "\(row.reply)")
            #expect(failure?.retry == row.retry, "\(row.reply)")
            #expect(failure?.message.contains("canary") == false)
            #expect(failure?.message.contains("127.0.0.1:\(server.port)") == true)
            #expect((failure?.message.utf8.count ?? 0) < 432)
            if row.retry == .later { #expect((failure?.retryAfterMs ?? 0) > 0) }
        }
    }

    @Test func `nobody there is a failure for later, after as many attempts as are allowed`()
        async throws
    {
        let server = try await TestServer([.silence])
        let port = server.port
        try await server.stop()
        let failure = await http().networkService().failure(.get("http://127.0.0.1:\(port)/"))
        #expect(failure?.reason == "http.refused")
        #expect(failure?.code == 14)
        #expect(failure?.retry == .later)
    }

    @Test func `a connection that ends before an answer is tried again`() async throws {
        let server = try await TestServer([
            .end, .answer(503, headers: ["Retry-After": "0"]), .answer(200, body: "third"),
        ])
        let answer = try await http().networkService()
            .result(.get("http://127.0.0.1:\(server.port)/")).get()
        #expect(answer.body == Array("third".utf8))
        #expect(server.seen.count == 3)
    }

    @Test func `a redirect is an answer, not a way past the grant`() async throws {
        let server = try await TestServer([
            .answer(302, headers: ["Location": "http://elsewhere.example/"])
        ])
        let answer = try await http().networkService()
            .result(.get("http://127.0.0.1:\(server.port)/")).get()
        #expect(answer.status == 302)
        #expect(server.seen.count == 1)
    }

    @Test func `an answer of exactly the limit passes`() async throws {
        let body = String(repeating: "b", count: 1_000)
        let server = try await TestServer([.answer(200, body: body)])
        var options = ClientTransport.Options()
        options.answerBodyBytes = 1_000
        let request = HTTPServiceRequest.get("http://127.0.0.1:\(server.port)/")
        #expect(try await http().networkService(options).result(request).get().body.count == 1_000)
        options.answerBodyBytes = 999
        #expect(await http().networkService(options).failure(request)?.code == 11)
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO TLS WAS TESTED"))
    func `a certificate is trusted if its authority is, and only for its name`() async throws {
        let certificate = try #require(TestCertificate.shared)
        let server = try await TestServer([.answer(200, body: "safe")], certificate: certificate)
        let request = HTTPServiceRequest.get("https://localhost:\(server.port)/")
        var options = ClientTransport.Options()
        options.authorityFile = certificate.certificate
        let answer = try await http().networkService(options).result(request).get()
        #expect(answer.body == Array("safe".utf8))
        let stranger = await http().networkService().failure(request)
        #expect(stranger?.reason == "http.tls")
        #expect(stranger?.retry == .renewed)
        #expect(stranger?.message.contains("ca-file") == true)
        let other = try #require(TestCertificate.otherName)
        let posing = try await TestServer([.answer(200)], certificate: other)
        options.authorityFile = other.certificate
        let failure = await http().networkService(options)
            .failure(.get("https://localhost:\(posing.port)/"))
        #expect(failure?.reason == "http.tls")
        #expect(posing.seen.isEmpty)
    }

    @Test(.enabled(if: TestCertificate.shared != nil, "openssl is missing: NO TLS WAS TESTED"))
    func `a server that wants a certificate gets that of the secret, and lets in nobody else`()
        async throws
    {
        let certificate = try #require(TestCertificate.shared)
        let client = try #require(TestCertificate.otherName)
        let server = try await TestServer(
            [.answer(200, body: "safe")], certificate: certificate, client: client)
        let folder = TestFolder()
        let text = try String(contentsOfFile: client.certificate, encoding: .utf8)
        var http = http()
        http.grant.secrets += ["identity", "bare"]
        // The key first: the order does not matter.
        http.secrets["identity"] = .file(folder.write("identity.pem", client.keyText + text))
        http.secrets["bare"] = .file(folder.write("cert.pem", text))
        var options = ClientTransport.Options()
        options.authorityFile = certificate.certificate
        let service = http.networkService(options)
        func request(_ secret: String, _ scheme: String = "https") -> HTTPServiceRequest {
            .get(
                "\(scheme)://localhost:\(server.port)/",
                sign: .init(scheme: "tls-client", secret: secret))
        }
        let answer = try await service.result(request("identity")).get()
        #expect(answer.body == Array("safe".utf8))
        // The connection of one identity is not lent to a request of none.
        let stranger = await service.failure(.get("https://localhost:\(server.port)/"))
        #expect(stranger?.reason == "http.tls")
        #expect(server.seen.count == 1)
        let bare = await service.failure(request("bare"))
        #expect(bare?.reason == "secret.form")
        #expect(bare?.message.contains("cat cert.pem key.pem") == true)
        #expect(await service.failure(request("identity", "http"))?.reason == "request./url")
    }

    @Test func `what does not speak TLS is said to be so`() async throws {
        let server = try await TestServer([.bytesThenEnd("HTTP/1.1 400 x\r\n\r\n")])
        let failure = await http().networkService()
            .failure(.get("https://localhost:\(server.port)/", timeout: 5_000))
        #expect(failure != nil)
        #expect(["http.tls", "http.reset", "http.deadline"].contains(failure?.reason ?? ""))
    }

    @Test func `requests to http go through the proxy, those to this machine do not`()
        async throws
    {
        let proxy = try await TestServer([.bytesThenEnd("HTTP/1.1 403 no\r\n\r\n")])
        let server = try await TestServer([.answer(200)])
        var options = ClientTransport.Options()
        options.proxy = HTTPProxy("http://127.0.0.1:\(proxy.port)")
        let service = http().networkService(options)
        #expect(
            try await service.result(.get("http://127.0.0.1:\(server.port)/")).get().status == 200)
        #expect(proxy.seen.isEmpty)
        #expect(await service.failure(.get("http://api.example.org:8080/")) != nil)
        #expect(proxy.seen.first?.method == "CONNECT")
    }

    @Test func `a name that leads to a guarded address carries no request`() async throws {
        // Loopback stands in for a guarded address: the rule is the same, the table is not asked.
        let guarded: [UInt8] = [169, 254, 169, 254]
        let some = PluginGrant(hosts: ["*.example.org:*"])
        #expect(!GuardedAddresses.allowsConnection(to: guarded, by: some))
        #expect(GuardedAddresses.allowsConnection(to: [127, 0, 0, 1], by: some))
        let literal = PluginGrant(hosts: ["169.254.169.254"])
        #expect(GuardedAddresses.allowsConnection(to: guarded, by: literal))
        let named = PluginGrant(hosts: ["metadata.google.internal:80"])
        #expect(GuardedAddresses.allowsConnection(to: guarded, by: named))
    }
}
