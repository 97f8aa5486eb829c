import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// What a client may take: at each limit and one past it.
@Suite(.timeLimit(.minutes(5)))
struct LimitTests {
    @Test func `a body may have as many bytes as the limit says`() async throws {
        var limits = TestServer.roomy
        limits.bodyBytes = 64
        try await TestServer.run(limits: limits) { server in
            let who = [
                ("authorization", "Bearer \(server.secrets[.submit] ?? "")"),
                ("content-type", "application/yaml"),
            ]
            let text = Array("fanfold: 1".utf8)
            let full = text + Array(repeating: UInt8(ascii: "\n"), count: 64 - text.count)
            #expect(try await server.send("POST", "/api/v1/runs", who, full).status == 201)
            let over = try await server.send("POST", "/api/v1/runs", who, full + [10])
            #expect(over.status == 413 && over.code == "too-large")
        }
    }

    @Test func `a piece of a file may have as many bytes as the limit says`() async throws {
        var limits = TestServer.roomy
        limits.filePieceBytes = 8
        try await TestServer.run(limits: limits) { server in
            let who = [
                ("authorization", "Bearer \(server.secrets[.submit] ?? "")"),
                ("content-type", "application/octet-stream"),
            ]
            let path = "/api/v1/files/\(String(repeating: "0", count: 64))"
            let full = [UInt8](repeating: 1, count: 8)
            let first = try await server.send("PUT", path, who, full)
            #expect(first.status == 200)
            #expect(try await server.send("PUT", path + "?offset=8", who, full + [1]).status == 413)
            #expect(try await server.send("PUT", path + "?offset=7", who, full).status == 409)
        }
    }

    @Test func `headers that are too long or too many are refused`() async throws {
        var limits = TestServer.roomy
        limits.headerFieldBytes = 2_000
        limits.headerFields = 20
        try await TestServer.run(limits: limits) { server in
            let long = [("x-long", String(repeating: "a", count: 1_000))]
            let fine = try await server.ask("GET", "/api/v1/runs", headers: long)
            #expect(fine.status == 200)
            let longer = [("x-long", String(repeating: "a", count: 3_000))]
            let refused = try? await server.ask("GET", "/api/v1/runs", headers: longer)
            #expect(refused == nil || refused?.status == 400)
            let many = (0..<30).map { ("x-\($0)", "a") }
            let tooMany = try? await server.ask("GET", "/api/v1/runs", headers: many)
            #expect(tooMany == nil || tooMany?.status == 400)
        }
    }

    @Test func `percent signs are decoded, or refused if they are none`() {
        #expect(PercentCoding.decoded("a%2Fb%C3%A4+c") == "a/bä+c")
        #expect(PercentCoding.decoded("a+b", plusIsSpace: true) == "a b")
        for bad in ["%", "%2", "%zz", "%+1", "%ff"] {
            #expect(PercentCoding.decoded(bad) == nil, "\(bad)")
        }
        #expect(PercentCoding.encoded("a/b ä") == "a%2Fb%20%C3%A4")
    }

    @Test func `requests past the rate are told when to come again`() async throws {
        var limits = TestServer.roomy
        limits.requestBurst = 3
        limits.requestsPerSecond = 0.001
        try await TestServer.run(limits: limits) { server in
            for _ in 1...3 {
                #expect(try await server.ask("GET", "/api/v1/runs", as: .read).status == 200)
            }
            let late = try await server.ask("GET", "/api/v1/runs", as: .read)
            #expect(late.status == 429 && late.code == "too-fast")
            #expect(late.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0 > 0)
            #expect(try await server.ask("GET", "/api/v1/runs", as: .admin).status == 200)
        }
    }

    @Test func `a bucket fills at its rate, up to its size`() {
        var limits = APILimits()
        limits.requestBurst = 2
        limits.requestsPerSecond = 1
        let limiter = RateLimiter(limits)
        let start = ContinuousClock.now
        #expect(limiter.take(from: "a", at: start) == nil)
        #expect(limiter.take(from: "a", at: start) == nil)
        #expect(limiter.take(from: "a", at: start) == 1)
        #expect(limiter.take(from: "b", at: start) == nil)
        #expect(limiter.take(from: "a", at: start + .seconds(1)) == nil)
        #expect(limiter.take(from: "a", at: start + .seconds(1)) == 1)
        for _ in 1...2 { #expect(limiter.take(from: "a", at: start + .seconds(90)) == nil) }
        #expect(limiter.take(from: "a", at: start + .seconds(90)) == 1)
    }

    @Test func `only as many clients are known as the limit says`() {
        var limits = APILimits()
        limits.requestBurst = 1
        limits.requestsPerSecond = 0.001
        limits.ratedClients = 2
        let limiter = RateLimiter(limits)
        let start = ContinuousClock.now
        for (index, client) in ["a", "b", "c"].enumerated() {
            #expect(limiter.take(from: client, at: start + .milliseconds(index)) == nil)
        }
        #expect(limiter.take(from: "c", at: start + .milliseconds(3)) != nil)
        #expect(limiter.take(from: "a", at: start + .milliseconds(3)) == nil)
    }
}
