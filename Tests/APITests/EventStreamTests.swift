import AsyncHTTPClient
import FanfoldClient
import FanfoldJSON
import NIOCore
import Testing

@testable import FanfoldAPI

/// Events over HTTP.
@Suite(.timeLimit(.minutes(5)))
struct EventStreamTests {
    /// Reads until `count` events came.
    private static func read(
        _ server: TestServer, _ count: Int, headers: [(String, String)] = []
    ) async throws -> [ServerEvent] {
        var request = HTTPClientRequest(url: server.address + "/api/v1/events")
        let secret = server.secrets[.read] ?? ""
        for (name, value) in headers + [("authorization", "Bearer \(secret)")] {
            request.headers.add(name: name, value: value)
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        #expect(response.headers.first(name: "content-type") == "text/event-stream")
        var parser = EventParser()
        var events: [ServerEvent] = []
        for try await buffer in response.body {
            events += parser.take(buffer.readableBytesView)
            if events.count >= count { break }
        }
        return events
    }

    @Test func `a stream goes on after the last event that was seen`() async throws {
        try await TestServer.run { server in
            for _ in 1...5 { _ = try await server.submit() }
            let events = try await Self.read(server, 2, headers: [("last-event-id", "3")])
            #expect(events.map(\.id) == ["4", "5"])
            #expect(events.first?.kind == "run.submitted")
            let data = try JSON(parsing: events.first?.data ?? "")
            #expect(data["run"] == 4 && data["number"] == 4)
        }
    }

    @Test func `events that are gone are told as a gap`() async throws {
        try await TestServer.run { server in
            for _ in 1...70 {
                server.plane.ring.append(kind: "k", time: .now())
            }
            let events = try await Self.read(server, 65, headers: [("last-event-id", "2")])
            #expect(events.first?.kind == "gap" && events.first?.data == "{\"first\":7}")
            #expect(events.dropFirst().map(\.id) == (7...70).map(String.init))
        }
    }

    @Test func `a silent stream gets a comment`() async throws {
        var limits = TestServer.roomy
        limits.heartbeatSeconds = 1
        try await TestServer.run(limits: limits) { server in
            var request = HTTPClientRequest(url: server.address + "/api/v1/events")
            request.headers.add(
                name: "authorization", value: "Bearer \(server.secrets[.read] ?? "")")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            var text = ""
            for try await buffer in response.body {
                text += String(buffer: buffer)
                if text.contains(": still here\n\n") { break }
            }
            #expect(text.hasPrefix(": fanfold\n\n"))
        }
    }

    @Test func `there are as many streams as the limit says, and a place is given back`()
        async throws
    {
        var limits = TestServer.roomy
        limits.eventStreams = 1
        limits.heartbeatSeconds = 1
        try await TestServer.run(limits: limits) { server in
            var request = HTTPClientRequest(url: server.address + "/api/v1/events")
            request.headers.add(
                name: "authorization", value: "Bearer \(server.secrets[.read] ?? "")")
            try await withHTTPClient { http in
                let first = try await http.execute(request, timeout: .seconds(60))
                // With its first bytes it has its place.
                var bytes = first.body.makeAsyncIterator()
                let chunk = try await bytes.next()
                #expect(chunk != nil)
                let second = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
                #expect(second.status == .tooManyRequests)
            }
            // The first is closed with its client; the server sees it at the next comment.
            var status = 429
            while status == 429 {
                status = Int(
                    try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status.code)
                await Task.yield()
            }
            #expect(status == 200)
        }
    }

    @Test func `the server ends although a stream is open`() async throws {
        try await TestServer.run { server in
            var request = HTTPClientRequest(url: server.address + "/api/v1/events")
            request.headers.add(
                name: "authorization", value: "Bearer \(server.secrets[.read] ?? "")")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            #expect(response.status == .ok)
            // Returning stops the server, and that returns: the suite's time limit is the test.
            withExtendedLifetime(response) {}
        }
    }

    @Test func `whoever takes nothing loses the connection`() async throws {
        var limits = TestServer.roomy
        limits.slowConsumerSeconds = 1
        try await TestServer.run(limits: limits) { server in
            let text = JSON.string(String(repeating: "x", count: 60_000))
            let flood = Task {
                while !Task.isCancelled {
                    server.plane.ring.append(kind: "k", time: .now(), data: text)
                    await Task.yield()
                }
            }
            defer { flood.cancel() }
            var request = HTTPClientRequest(url: server.address + "/api/v1/events")
            request.headers.add(
                name: "authorization", value: "Bearer \(server.secrets[.read] ?? "")")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            var metrics = ""
            while !metrics.contains("fanfold_api_cut_streams_total 1") {
                metrics = try await server.ask("GET", "/metrics").text
            }
            withExtendedLifetime(response) {}
        }
    }

    @Test func `a parser takes events in any pieces`() {
        let text = ": hello\n\nid: 7\nevent: a\ndata: one\ndata: two\n\ndata:three\n\n"
        for size in [1, 2, 3, 7, 100] {
            var parser = EventParser()
            var events: [ServerEvent] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                events += parser.take(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(events.map(\.data) == ["one\ntwo", "three"])
            #expect(events.map(\.id) == ["7", nil])
            #expect(events.map(\.kind) == ["a", "message"])
        }
    }

    private func withHTTPClient(_ body: (HTTPClient) async throws -> Void) async throws {
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            try await body(http)
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }
}
