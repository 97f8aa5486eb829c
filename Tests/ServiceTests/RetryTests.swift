import FanfoldPlugins
import Testing

@testable import FanfoldServices

@Suite struct `Retries of requests` {
    private let url = "https://api.example.org/things"

    /// What came of a request, how often it was sent, and the pauses in milliseconds.
    private func run(
        _ outcomes: [Result<HTTPServiceAnswer, TransportFailure>], method: String = "GET",
        http: TestHTTP = TestHTTP(), timeout: Int? = nil
    ) async -> (Result<HTTPServiceAnswer, PluginFailure>, sent: Int, pauses: [UInt64]) {
        let transport = ScriptedTransport(outcomes)
        let result = await http.service(transport).result(
            HTTPServiceRequest(method: method, url: url, timeoutMilliseconds: timeout))
        return (result, transport.seen.count, http.clock.pauses)
    }

    @Test func `only idempotent methods and what may pass are tried again`() async {
        let good: [Result<HTTPServiceAnswer, TransportFailure>] = [.status(200)]
        let passing: [Result<HTTPServiceAnswer, TransportFailure>] = [
            .failure(.refused), .failure(.reset), .failure(.notConnected), .status(429),
            .status(502), .status(503), .status(504),
        ]
        let lasting: [Result<HTTPServiceAnswer, TransportFailure>] = [
            .failure(.cut), .failure(.unknownHost), .failure(.untrusted("")), .status(500),
            .failure(.answerTooLong(1)), .failure(.headTooLong), .failure(.forbiddenAddress),
            .failure(.deadline), .failure(.other("")), .status(400), .status(404), .status(301),
        ]
        for outcome in passing {
            for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
                let (result, sent, _) = await run([outcome] + good, method: method)
                #expect(sent == 2, "\(method) \(outcome)")
                #expect((try? result.get())?.status == 200)
            }
            for method in ["POST", "PATCH"] {
                #expect(await run([outcome] + good, method: method).sent == 1)
            }
        }
        for outcome in lasting {
            #expect(await run([outcome] + good).sent == 1, "\(outcome)")
        }
    }

    @Test func `pauses double up to a limit, and chance takes its share`() async {
        var http = TestHTTP()
        http.limits.attempts = 9
        let (result, sent, pauses) = await run([.failure(.refused)], http: http, timeout: 100_000)
        #expect(sent == 9)
        #expect(pauses == [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
        guard case .failure(let failure) = result else {
            Issue.record("wanted a failure")
            return
        }
        #expect(failure.retry == .later)
        http = TestHTTP()
        http.chance = { _ in 0 }
        #expect(await run([.failure(.refused)], http: http).pauses == [0, 0, 0])
    }

    @Test func `an answer that stays bad is the plugin's, not a failure`() async throws {
        let (result, sent, _) = await run([.status(503)])
        #expect(sent == 4)
        #expect(try result.get().status == 503)
    }

    @Test func `Retry-After is honoured up to its limit`() async throws {
        let (_, sent, pauses) = await run([
            .status(429, ["Retry-After": "7"]), .status(200),
        ])
        #expect(sent == 2)
        #expect(pauses == [7_200])
        let limit = HTTPClientLimits().longestRetryAfter / 1_000_000_000
        let at = await run(
            [.status(503, ["Retry-After": "\(limit)"]), .status(200)], timeout: 60_000)
        #expect(at.sent == 2)
        let past = await run(
            [.status(503, ["Retry-After": "\(limit + 1)"]), .status(200)], timeout: 60_000)
        #expect(past.sent == 1)
        #expect(try past.0.get().headers.count == 1)
    }

    @Test func `Retry-After may be a date`() {
        let answer = HTTPServiceAnswer(
            status: 503,
            headers: [HTTPServiceHeader("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")])
        #expect(
            RetryRules.retryAfter(of: answer, unixSeconds: 784_111_770) == 7_000_000_000)
        #expect(RetryRules.retryAfter(of: answer, unixSeconds: 784_111_780) == 0)
        for text in ["soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 CET", ""] {
            let answer = HTTPServiceAnswer(
                status: 503, headers: [HTTPServiceHeader("retry-after", text)])
            #expect(RetryRules.retryAfter(of: answer, unixSeconds: 0) == nil, "\(text)")
        }
    }

    @Test func `no pause goes past the time of the request`() async {
        let (result, sent, pauses) = await run([.failure(.refused)], timeout: 500)
        #expect(sent == 2)
        #expect(pauses == [200])
        #expect((try? result.get()) == nil)
    }

    @Test func `a server that is down uses the budget up, and one that works fills it`() async {
        var http = TestHTTP()
        http.limits.retryBudget = 3
        http.limits.burst = 1_000
        let down = ScriptedTransport([.failure(.refused)])
        let service = http.service(down)
        for _ in 0..<5 { _ = await service.result(.get(url)) }
        // Five first attempts, and three more in all.
        #expect(down.seen.count == 8)
        var budget = RetryBudget(most: 3)
        let taken = (0..<4).map { _ in budget.take() }
        #expect(taken == [true, true, true, false])
        for _ in 0..<11 { budget.succeeded() }
        let again = budget.take()
        #expect(again)
        for _ in 0..<1_000 { budget.succeeded() }
        #expect(budget.left == 3)
    }

    @Test func `what is sent too fast waits, and is refused if that is too long`() async {
        var http = TestHTTP()
        http.limits.burst = 2
        http.limits.attemptsPerSecond = 1
        let transport = ScriptedTransport([.status(200)])
        let service = http.service(transport)
        for _ in 0..<2 { _ = await service.result(.get(url)) }
        #expect(http.clock.pauses == [])
        _ = await service.result(.get(url))
        #expect(http.clock.pauses == [1_000])
        let failure = await service.failure(.get(url, timeout: 500))
        #expect(failure?.code == 8)
        #expect(failure?.retry == .later)
        #expect(failure?.retryAfterMs == 1_001)
        #expect(failure?.reason == "http.rate")
        #expect(transport.seen.count == 3)
    }

    @Test func `a bucket holds its burst and no more`() {
        var bucket = TokenBucket(perSecond: 10, burst: 3, now: 0)
        var takes = (0..<4).map { _ in bucket.take(now: 0, patience: 0) }
        #expect(takes == [0, 0, 0, nil])
        takes = [bucket.take(now: 0, patience: 100_000_000)]
        #expect(takes == [100_000_000])
        // A long quiet time fills it to three, not more.
        takes = (0..<4).map { _ in bucket.take(now: 1_000_000_000_000, patience: 0) }
        #expect(takes == [0, 0, 0, nil])
    }

    @Test func `times are read and written in both directions`() {
        for second: Int64 in [0, 1, 951_782_399, 951_782_400, 1_440_938_160, 4_107_542_399] {
            #expect(CalendarTime(unixSeconds: second).unixSeconds == second)
        }
        #expect(CalendarTime(unixSeconds: 1_440_938_160).compact == "20150830T123600Z")
        #expect(CalendarTime(iso8601: "2015-08-30T12:36:00Z")?.unixSeconds == 1_440_938_160)
        #expect(CalendarTime(iso8601: "2015-08-30T12:36:00.123+00:00")?.second == 45_360)
        #expect(CalendarTime(iso8601: "2015-08-30T12:36:00+02:00") == nil)
    }
}

@Suite struct `The gate of requests` {
    @Test func `so many are inside, the next in order, one too many is refused`() async {
        let gate = RequestGate(places: 1, longestQueue: 1)
        #expect(await gate.enter() == .entered)
        let second = Task { await gate.enter() }
        // The second waits as soon as a third one is refused.
        var third = RequestGate.Entry.entered
        while third != .full {
            let attempt = Task { await gate.enter() }
            await Task.yield()
            attempt.cancel()
            third = await attempt.value
        }
        gate.leave()
        #expect(await second.value == .entered)
        gate.leave()
        #expect(await gate.enter() == .entered)
    }

    @Test func `who is cancelled while waiting gets no place and takes none`() async {
        let gate = RequestGate(places: 1, longestQueue: 5)
        #expect(await gate.enter() == .entered)
        let second = Task { await gate.enter() }
        second.cancel()
        #expect(await second.value == .cancelled)
        gate.leave()
        #expect(await gate.enter() == .entered)
    }
}
