import FanfoldPlugins
import Testing

@testable import FanfoldServices

@Suite struct `What a grant lets out` {
    private func failure(
        _ request: HTTPServiceRequest, _ hosts: [String]
    ) async -> (PluginFailure?, sent: Int) {
        var http = TestHTTP()
        http.grant = PluginGrant(hosts: hosts)
        let transport = ScriptedTransport([.status(200)])
        let failure = await http.service(transport).failure(request)
        return (failure, transport.seen.count)
    }

    @Test func `a host that no pattern fits is refused without a connection`() async {
        for (url, hosts) in [
            ("https://evil.example/?canary", ["*.example.org"]),
            ("https://api.example.org:8443/", ["*.example.org"]),
            ("http://example.org/", ["*.example.org"]),
            ("unix:///run/docker.sock:/info", ["unix:/run/other.sock"]),
            ("http://127.0.0.1/", ["localhost"]),
        ] {
            let (failure, sent) = await failure(.get(url), hosts)
            #expect(failure?.reason == "grant.host", "\(url)")
            #expect(failure?.code == 7)
            #expect(failure?.retry == .never)
            #expect(failure?.message.contains("canary") == false)
            #expect(sent == 0)
        }
    }

    @Test func `what a pattern fits is sent`() async {
        for (url, hosts) in [
            ("https://api.example.org/", ["*.example.org"]),
            ("https://api.example.org:8443/", ["*.example.org:8443"]),
            ("https://api.example.org/", ["api.example.org:443"]),
            ("http://[::1]:80/", ["[::1]:80"]),
            ("unix:///run/docker.sock:/info", ["unix:/run/docker.sock"]),
        ] {
            let (failure, sent) = await failure(.get(url), hosts)
            #expect(failure == nil, "\(url)")
            #expect(sent == 1)
        }
    }

    @Test func `an address that gives out credentials wants a literal grant`() async {
        for (url, hosts, isAllowed) in [
            ("http://169.254.169.254/latest/meta-data/", ["169.254.169.254"], true),
            ("http://metadata.google.internal/", ["*.google.internal"], false),
            ("http://metadata.google.internal/", ["metadata.google.internal"], true),
            ("http://[fe80::1]/", ["[fe80::1]"], true),
            ("http://[::ffff:169.254.169.254]/", ["[::ffff:169.254.169.254]"], true),
        ] {
            let (failure, sent) = await failure(.get(url), hosts)
            #expect((failure == nil) == isAllowed, "\(url) \(failure?.message ?? "")")
            #expect(sent == (isAllowed ? 1 : 0))
            if !isAllowed {
                #expect(failure?.reason == "grant.address")
                #expect(failure?.retry == .never)
            }
        }
        for address: [UInt8] in [
            [169, 254, 0, 1], [169, 254, 169, 254], [168, 63, 129, 16], [100, 100, 100, 200],
            [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 169, 254, 169, 254],
        ] {
            #expect(GuardedAddresses.isGuarded(address), "\(address)")
        }
        for address: [UInt8] in [[127, 0, 0, 1], [10, 0, 0, 1], [169, 253, 0, 1]] {
            #expect(!GuardedAddresses.isGuarded(address), "\(address)")
        }
    }

    @Test func `a request that was not made by the decoder is checked all the same`() async {
        let url = "https://api.example.org/"
        let long = [UInt8](repeating: 0, count: HTTPServiceLimits.requestBodyBytes + 1)
        let table: [(HTTPServiceRequest, Int32)] = [
            (HTTPServiceRequest(method: "GET", url: "https://u:p@api.example.org/"), 3),
            (HTTPServiceRequest(method: "CONNECT", url: url), 3),
            (HTTPServiceRequest(method: "get", url: url), 3),
            (HTTPServiceRequest(method: "GET", url: url, headers: [.init("Host", "b")]), 3),
            (HTTPServiceRequest(method: "GET", url: url, headers: [.init("a", "b\r\nc: d")]), 3),
            (HTTPServiceRequest(method: "POST", url: url, body: long), 11),
        ]
        for (request, code) in table {
            let (failure, sent) = await failure(request, ["*.example.org"])
            #expect(failure?.code == code, "\(request.method)")
            #expect(failure?.retry == .never)
            #expect(sent == 0)
        }
    }

    @Test func `a request past its time is answered once, although the network says nothing`()
        async
    {
        let http = TestHTTP(clock: TestClock(ringsAtOnce: true))
        let transport = NeverTransport()
        let failure = await http.service(transport).failure(.get("https://api.example.org/"))
        #expect(failure?.code == 4)
        #expect(failure?.retry == .later)
        #expect(failure?.message.contains("30000 ms") == true)
    }
}

/// A network that is silent until it is cancelled.
private struct NeverTransport: HTTPTransport {
    func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure> {
        for await _ in AsyncStream<Never>.makeStream().stream {}
        return .failure(.deadline)
    }
}
