import FanfoldJSON
import Foundation
import Testing

@testable import FanfoldAPI

/// Tokens and where they are kept.
@Suite(.timeLimit(.minutes(2)))
struct TokenTests {
    private static func path() throws -> String {
        try Tools.temporaryFolder().path + "/tokens.json"
    }

    @Test func `tokens outlive the process, their secrets are nowhere`() async throws {
        let path = try Self.path()
        let store = try FileTokenStore(path: path)
        let made = try await store.create(name: "ci", role: .submit, lifetimeSeconds: 60)
        let other = try await store.create(name: "old", role: .read, lifetimeSeconds: nil)
        try await store.revoke(id: other.record.id)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains(made.secret) && !text.contains(made.secret.dropFirst(4)))
        let again = try FileTokenStore(path: path)
        #expect(again.records() == store.records())
        #expect(again.identity(of: made.secret, at: .now())?.name == "ci")
        #expect(again.identity(of: other.secret, at: .now()) == nil)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o622])
    func `a file that others may read or write is refused`(_ mode: Int) throws {
        let path = try Self.path()
        try Data("{\"version\":1,\"tokens\":[]}".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(throws: ControlError.self) { try FileTokenStore(path: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(throws: Never.self) { try FileTokenStore(path: path) }
    }

    @Test(arguments: ["", "{", "{\"version\":2,\"tokens\":[]}", "{\"version\":1,\"tokens\":[{}]}"])
    func `a damaged file is refused, and not taken for an empty one`(_ text: String) throws {
        let path = try Self.path()
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(throws: ControlError.self) { try FileTokenStore(path: path) }
    }

    @Test func `a token is made, listed, used and revoked through the API`() async throws {
        try await TestServer.run { server in
            let made = try await server.ask(
                "POST", "/api/v1/tokens", ["name": "ci", "role": "read", "lifetime_seconds": 60])
            #expect(made.status == 201)
            let secret = made.json["secret"]?.stringValue ?? ""
            let who = [("authorization", "Bearer \(secret)")]
            #expect(try await server.send("GET", "/api/v1/runs", who).status == 200)
            let list = try await server.ask("GET", "/api/v1/tokens")
            #expect(!list.text.contains(secret) && list.text.contains("\"ci\""))
            let id = made.json["token"]?["id"]?.stringValue ?? ""
            #expect(try await server.ask("DELETE", "/api/v1/tokens/\(id)").status == 204)
            #expect(try await server.send("GET", "/api/v1/runs", who).status == 401)
            #expect(try await server.ask("DELETE", "/api/v1/tokens/t0").status == 404)
            let worker = try await server.ask(
                "POST", "/api/v1/tokens", ["name": "w", "role": "worker"])
            #expect(worker.status == 400)
        }
    }

    @Test func `what is no moment is not read as one`() {
        for text in ["", "now", "2026-13-25T18:43:19Z", "2026-11-25", "2026-11-25T18:43:19+01:00"] {
            #expect(Timestamp(text: text) == nil, "\(text)")
        }
        #expect(Timestamp(text: "1970-01-01T00:00:01Z")?.milliseconds == 1_000)
    }

    @Test func `a moment is written as RFC 3339 wants it`() {
        let moments: [(Int64, String)] = [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_632_199_123, "2026-11-25T18:43:19.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ]
        for (milliseconds, text) in moments {
            #expect(Timestamp(milliseconds: milliseconds).text == text)
            #expect(Timestamp(text: text)?.milliseconds == milliseconds)
        }
    }
}
