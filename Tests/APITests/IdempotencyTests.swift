import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// A request that comes twice.
@Suite(.timeLimit(.minutes(5)))
struct IdempotencyTests {
    private static let key = [("idempotency-key", "k-1")]

    @Test func `the same key and the same body give the same answer, and one run`() async throws {
        try await TestServer.run { server in
            let body: JSON = ["pipeline": ["fanfold": 1]]
            let first = try await server.ask("POST", "/api/v1/runs", body, headers: Self.key)
            let second = try await server.ask("POST", "/api/v1/runs", body, headers: Self.key)
            #expect(first.status == 201 && second.status == 201)
            #expect(first.bytes == second.bytes)
            #expect(second.headers.first(name: "location") == "/api/v1/runs/1")
            #expect(await server.plane.submissions.count == 1)
            #expect(await server.plane.submissions.first?.idempotencyKey == "k-1")
        }
    }

    @Test func `the same key with another body, path or query is refused`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit("a", headers: Self.key)
            let body = try await server.ask(
                "POST", "/api/v1/runs", as: .submit, ["pipeline": ["fanfold": 2]],
                headers: Self.key)
            #expect(body.status == 422 && body.code == "idempotency-key-reused")
            let path = try await server.ask(
                "POST", "/api/v1/runs/1/cancel", as: .submit, headers: Self.key)
            #expect(path.status == 422)
        }
    }

    @Test func `two clients may use the same key`() async throws {
        try await TestServer.run { server in
            let body: JSON = ["pipeline": ["fanfold": 1]]
            let path = "/api/v1/runs"
            _ = try await server.ask("POST", path, as: .submit, body, headers: Self.key)
            let other = try await server.ask("POST", path, as: .admin, body, headers: Self.key)
            #expect(other.json["id"] == 2)
        }
    }

    @Test func `a repetition that comes before the answer is told to wait`() async throws {
        try await TestServer.run { server in
            let (gate, opener) = AsyncStream<Void>.makeStream()
            await server.plane.setGate(gate)
            async let first = server.submit("a", headers: Self.key)
            while await server.plane.calls == 0 { await Task.yield() }
            let second = try await server.ask(
                "POST", "/api/v1/runs", as: .submit,
                ["pipeline": ["fanfold": 1], "name": "a"], headers: Self.key)
            #expect(second.status == 409 && second.code == "idempotency-key-in-use")
            opener.yield()
            #expect(try await first == 1)
        }
    }

    @Test func `a refusal is not kept: the same request may succeed later`() async throws {
        try await TestServer.run { server in
            await server.plane.setFailure(ControlError(.unavailable, "the disk is full"))
            let body: JSON = ["pipeline": ["fanfold": 1]]
            let first = try await server.ask("POST", "/api/v1/runs", body, headers: Self.key)
            #expect(first.status == 503)
            await server.plane.setFailure(nil)
            let second = try await server.ask("POST", "/api/v1/runs", body, headers: Self.key)
            #expect(second.status == 201)
        }
    }

    @Test func `an answer that tells a secret says so to whoever would write it down`() async throws
    {
        for (path, body) in [
            ("/api/v1/tokens", ["name": "a", "role": "read"]), ("/api/v1/join-tokens", [:]),
        ] as [(String, JSON)] {
            let store = RecordingStore()
            try await TestServer.run(idempotency: store) { server in
                let answer = try await server.ask("POST", path, body, headers: Self.key)
                #expect(answer.status == 201)
                _ = try await server.submit("a", headers: [("idempotency-key", "other")])
            }
            #expect(await store.kept.map(\.isSecret) == [true, false])
        }
    }

    @Test func `answers are kept for a day, as many as the limit says`() async {
        var limits = APILimits()
        limits.idempotentReplies = 3
        limits.idempotentSeconds = 10
        let store = MemoryIdempotencyStore(limits: limits)
        let start = Timestamp(milliseconds: 0)
        let reply = StoredReply(status: 201, mediaType: nil, location: nil, body: [1])
        for key in ["a", "b", "c"] {
            #expect(await store.begin(key: key, fingerprint: [1], at: start) == .isNew)
            await store.end(key: key, reply: reply, at: start)
        }
        #expect(await store.begin(key: "b", fingerprint: [1], at: start) == .answered(reply))
        #expect(await store.begin(key: "d", fingerprint: [1], at: start) == .isNew)
        #expect(await store.begin(key: "a", fingerprint: [1], at: start) == .isNew)
        let late = start.advanced(bySeconds: 10)
        #expect(await store.begin(key: "c", fingerprint: [1], at: late) == .isNew)
    }

    @Test func `an answer that is larger than the limit is not kept`() async {
        var limits = APILimits()
        limits.idempotentReplyBytes = 2
        let store = MemoryIdempotencyStore(limits: limits)
        let now = Timestamp(milliseconds: 0)
        for (key, size, isKept) in [("a", 2, true), ("b", 3, false)] {
            _ = await store.begin(key: key, fingerprint: [], at: now)
            let reply = StoredReply(
                status: 200, mediaType: nil, location: nil, body: Array(repeating: 0, count: size))
            await store.end(key: key, reply: reply, at: now)
            let state = await store.begin(key: key, fingerprint: [], at: now)
            #expect(state == (isKept ? .answered(reply) : .isNew))
        }
    }
}

/// What would be written down.
private actor RecordingStore: IdempotencyStore {
    private(set) var kept: [StoredReply] = []

    func begin(key: String, fingerprint: [UInt8], at now: Timestamp) -> IdempotencyState { .isNew }

    func end(key: String, reply: StoredReply?, at now: Timestamp) {
        if let reply { kept.append(reply) }
    }
}
