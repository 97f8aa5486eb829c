import FanfoldJSON
import Testing

@testable import FanfoldPlugins

@Suite struct `The request document of http 1` {
    private func refusal(_ json: JSON, body: [UInt8] = []) -> PluginFailure? {
        do throws(PluginFailure) {
            _ = try HTTPServiceRequest(json: json, body: body)
            return nil
        } catch {
            return error
        }
    }

    @Test func `every key arrives, and only the url must be there`() throws {
        let text = #"""
            {"method":"POST","url":"https://ec2.example.org/?Action=A","timeout_ms":5000,"new":1,
             "headers":{"Accept":"text/xml","X-Two":["a","b"]},
             "sign":{"with":"aws-sigv4","secret":"ec2","service":"ec2","region":"eu-central-1"}}
            """#
        var bytes = Array(text.utf8)
        let request = try bytes.withUnsafeMutableBytes { bytes throws(PluginFailure) in
            try HTTPServiceRequest(json: UnsafeRawBufferPointer(bytes), body: [1, 2])
        }
        let wanted = HTTPServiceRequest(
            method: "POST", url: "https://ec2.example.org/?Action=A",
            headers: [
                HTTPServiceHeader("Accept", "text/xml"), HTTPServiceHeader("X-Two", "a"),
                HTTPServiceHeader("X-Two", "b"),
            ],
            timeoutMilliseconds: 5_000,
            signing: .init(
                scheme: "aws-sigv4", secret: "ec2",
                options: ["service": "ec2", "region": "eu-central-1"]),
            body: [1, 2])
        #expect(request == wanted)
        let least = try HTTPServiceRequest(json: ["url": "http://a"], body: [])
        #expect(least == HTTPServiceRequest(method: "GET", url: "http://a"))
    }

    @Test func `a wrong key is named`() {
        let url: JSON = "http://a"
        let table: [(JSON, String)] = [
            ([], ""),
            ([:], "/url"),
            (["url": 1], "/url"),
            (["url": "ftp://a"], "/url"),
            (["url": url, "method": "get"], "/method"),
            (["url": url, "method": "CONNECT"], "/method"),
            (["url": url, "method": ""], "/method"),
            (["url": url, "headers": []], "/headers"),
            (["url": url, "headers": ["a b": "c"]], "/headers/a b"),
            (["url": url, "headers": ["a": "c\r\nd: e"]], "/headers/a"),
            (["url": url, "headers": ["a": [1]]], "/headers/a"),
            (["url": url, "headers": ["Host": "b"]], "/headers/Host"),
            (["url": url, "headers": ["Transfer-Encoding": "b"]], "/headers/Transfer-Encoding"),
            (["url": url, "timeout_ms": "5s"], "/timeout_ms"),
            (["url": url, "timeout_ms": 0.5], "/timeout_ms"),
            (["url": url, "sign": "ec2"], "/sign"),
            (["url": url, "sign": ["with": "basic", "secret": "a"]], "/sign/with"),
            (["url": url, "sign": ["with": "bearer"]], "/sign/secret"),
            (["url": url, "sign": ["with": "bearer", "secret": "A KEY"]], "/sign/secret"),
            (
                [
                    "url": url, "headers": ["authorization": "x"],
                    "sign": ["with": "bearer", "secret": "a"],
                ], "/headers/authorization"
            ),
        ]
        for (json, pointer) in table {
            let found = refusal(json)
            #expect(found?.reason == "request.\(pointer)", "\(json.text)")
            #expect(found?.retry == .never)
            #expect(found.map { $0.code == 3 || $0.code == 11 } == true)
        }
        #expect(
            refusal(["url": url, "sign": ["with": "bearer", "secret": "AKIA9"]])
                .map { !$0.message.contains("AKIA9") } == true)
    }

    @Test func `what is not JSON is refused with its place`() {
        let bytes = Array(#"{"url": }"#.utf8)
        let failure = bytes.withUnsafeBytes { bytes -> PluginFailure? in
            do throws(PluginFailure) {
                _ = try HTTPServiceRequest(json: bytes, body: [])
                return nil
            } catch {
                return error
            }
        }
        #expect(failure?.message.contains("1:9") == true)
    }

    @Test func `the limits hold at the limit and not one past it`() {
        func url(_ bytes: Int) -> JSON {
            .string("http://a/" + String(repeating: "b", count: bytes - 9))
        }
        func headers(_ count: Int) -> JSON {
            .object(JSONObject((0..<count).map { ("h\($0)", "v") }))
        }
        func body(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
        let most = HTTPServiceLimits.timeoutMilliseconds
        #expect(refusal(["url": url(HTTPServiceLimits.urlBytes)]) == nil)
        #expect(refusal(["url": url(HTTPServiceLimits.urlBytes + 1)])?.reason == "request./url")
        let plain: JSON = "http://a"
        let count = HTTPServiceLimits.headerCount
        #expect(refusal(["url": plain, "headers": headers(count)]) == nil)
        #expect(refusal(["url": plain, "headers": headers(count + 1)])?.code == 11)
        let long = JSON.string(String(repeating: "v", count: HTTPServiceLimits.headerBytes))
        #expect(refusal(["url": plain, "headers": ["h": long]])?.code == 11)
        #expect(refusal(["url": plain, "timeout_ms": .integer(Int64(most))]) == nil)
        #expect(refusal(["url": plain, "timeout_ms": .integer(Int64(most) + 1)])?.code == 11)
        #expect(refusal(["url": plain, "timeout_ms": 1]) == nil)
        #expect(refusal(["url": plain, "timeout_ms": 0])?.code == 11)
        #expect(refusal(["url": plain], body: body(HTTPServiceLimits.requestBodyBytes)) == nil)
        let tooLong = refusal(["url": plain], body: body(HTTPServiceLimits.requestBodyBytes + 1))
        #expect(tooLong?.code == 11)
    }

    @Test func `the headers of an answer are an object of strings`() {
        let answer = HTTPServiceAnswer(
            status: 200,
            headers: [
                HTTPServiceHeader("Content-Type", "text/plain"), HTTPServiceHeader("Vary", "a"),
                HTTPServiceHeader("vary", "b"), HTTPServiceHeader("Set-Cookie", "c=1, d"),
                HTTPServiceHeader("Set-Cookie", "e=2"),
            ])
        #expect(
            answer.headersJSON == [
                "content-type": "text/plain", "vary": "a, b", "set-cookie": "c=1, d\ne=2",
            ])
    }
}

@Suite struct `URLs of http 1` {
    private func refusal(_ text: String) -> String? {
        do throws(HTTPServiceURL.Refusal) {
            _ = try HTTPServiceURL(text)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `the parts of a URL`() throws {
        let web = try HTTPServiceURL("HTTPS://Example.ORG:8443/a%20b?c=d/e")
        #expect(web.scheme == .https)
        #expect(web.host == "example.org")
        #expect(web.effectivePort == 8_443)
        #expect(web.target == "/a%20b?c=d/e")
        #expect(web.path == "/a%20b")
        #expect(web.query == "c=d/e")
        #expect(web.withoutQuery == "https://example.org:8443/a%20b")
        let bare = try HTTPServiceURL("http://10.0.0.1?a")
        #expect(bare.target == "/?a")
        #expect(bare.effectivePort == 80)
        let six = try HTTPServiceURL("http://[FE80:0:0::1]:81/")
        #expect(six.host == "fe80::1")
        #expect(six.authority == "[fe80::1]:81")
        let docker = try HTTPServiceURL("unix:///run/docker.sock:/v1.43/info?all=1:2")
        #expect(docker.socket == "/run/docker.sock")
        #expect(docker.target == "/v1.43/info?all=1:2")
        #expect(docker.grantedName == "unix:/run/docker.sock")
        #expect(docker.authority == "localhost")
        #expect(try HTTPServiceURL("unix:///run/a.sock").target == "/")
    }

    @Test func `what two readers could read differently is refused`() {
        for text in [
            "", "a", "http:/a", "http://", "http:///a", "http://:80", "http://a:0",
            "http://a:65536",
            "http://a:b", "http://a:", "http://user:pass@a/", "http://a@b", "http://a b/",
            "http://a\n", "http://a\\b", "http://a/#f", "http://[::1", "http://[a]/", "http://a..b",
            "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
            "http://a%2eb/", "http://ä.org/", "http://[fe80::1%25eth0]/", "gopher://a",
            "unix://run/a.sock", "unix:///", "unix:///a/../b:/c", "unix:///a.sock:c",
            "unix:///%2e/b", "http://a/{b}", "http://a/%", "http://a/%4", "http://a/%zz",
            "http://a/?b=[c]", "http://a/\"", "unix:///" + String(repeating: "a", count: 108),
        ] {
            #expect(refusal(text) != nil, "\(text)")
        }
    }

    @Test func `no refusal shows a password or a query`() {
        for text in ["http://me:canary@a/?q", "http://a:x/?canary", "http://a b/?canary"] {
            #expect(refusal(text).map { !$0.contains("canary") } == true)
        }
    }
}
