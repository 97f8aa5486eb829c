import FanfoldJSON
import PluginKit
import Testing

@testable import Cloud

private func refusal(_ status: Int, _ body: JSON = [:], after: String = "0") -> PluginError? {
    API.refusal(
        HTTPAnswer(status: status, headers: JSONObject([("retry-after", .string(after))]), body: body.bytes))
}

@Test func `each error of the cloud says what makes another try worth it`() {
    #expect(refusal(200) == nil)
    #expect(refusal(200, ["error": "AuthFailure"])?.retry == .renewed)
    #expect(refusal(409, ["error": "InsufficientCapacity"])?.retry == .elsewhere)
    #expect(refusal(429, ["error": "Throttled"], after: "3")?.retryAfterMilliseconds == 3_000)
    #expect(refusal(503)?.code == .unavailable)
    #expect(refusal(400, ["error": "BadImage"])?.retry == .never)
}

@Test func `a part of a URL is escaped`() {
    #expect(percentEncoded("a b/ä") == "a%20b%2F%C3%A4")
}
