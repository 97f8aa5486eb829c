import FanfoldClient
import FanfoldJSON
import Foundation
import Testing

@testable import FanfoldAPI

/// The client: where it asks, what it uploads, what it understands.
@Suite(.timeLimit(.minutes(5)))
struct ClientTests {
    private static func client(
        _ server: TestServer, _ role: Role = .submit
    ) throws -> FanfoldClient {
        try FanfoldClient(
            context: ClientContext(address: server.address, token: server.secrets[role]))
    }

    @Test func `a file goes up once, and an upload that broke off goes on`() async throws {
        try await TestServer.run { server in
            let client = try Self.client(server)
            let bytes = (0..<(FanfoldClient.pieceBytes + 1_000)).map {
                UInt8(truncatingIfNeeded: $0)
            }
            let path = server.folder.path + "/data"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let first = try await client.upload(path)
            #expect(first.sent == Int64(bytes.count))
            #expect(await server.plane.blobBytes(first.sha256) == bytes)
            #expect(try await client.upload(path).sent == 0)
            await server.plane.breakOff(first.sha256, at: 10)
            let again = try await client.upload(path)
            #expect(again.sent == Int64(bytes.count) - 10)
            #expect(await server.plane.blobBytes(first.sha256) == bytes)
            await client.close()
        }
    }

    @Test func `bytes that do not have the sum are dropped`() async throws {
        try await TestServer.run { server in
            let client = try Self.client(server)
            let path = "/files/" + String(repeating: "0", count: 64)
            _ = try await client.ask(.PUT, path, body: .bytes([1, 2, 3]))
            await #expect(throws: ClientError.self) {
                _ = try await client.ask(.POST, path + "/finish")
            }
            #expect(try await client.ask(.GET, path)["offset"] == 0)
            await client.close()
        }
    }

    @Test func `a refusal is what the problem document says`() async throws {
        try await TestServer.run { server in
            let client = try Self.client(server)
            do {
                _ = try await client.ask(.POST, "/runs", body: .json(["pipeline": "a: 1"]))
                Issue.record("it was taken")
            } catch ClientError.refused(let refusal) {
                #expect(refusal.status == 422 && refusal.code == "invalid")
                #expect(refusal.errors == ["1:1: wanted the key \"fanfold\""])
            }
            await client.close()
        }
    }

    @Test func `nobody there is told from a refusal`() async throws {
        let client = try FanfoldClient(context: ClientContext(address: "http://127.0.0.1:1"))
        do {
            _ = try await client.ask(.GET, "/runs")
            Issue.record("somebody answered")
        } catch ClientError.unreachable(let address, _) {
            #expect(address == "http://127.0.0.1:1")
        }
        await client.close()
    }

    @Test func `a context comes by name, from the environment, or from this machine`() throws {
        let folder = try Tools.temporaryFolder().path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        func find(_ name: String?, _ variables: [String: String] = [:]) throws -> ClientContext {
            try ClientContext.find(
                name: name, configurationFolder: folder, stateFolder: folder
            ) { variables[$0] }
        }
        #expect(throws: ClientError.self) { try find(nil) }
        try write("http://127.0.0.1:1\n", "api-address")
        try write("secret\n", "api-token")
        #expect(try find(nil) == ClientContext(address: "http://127.0.0.1:1", token: "secret"))
        let variables = ["FANFOLD_ADDRESS": "https://a/", "FANFOLD_TOKEN": "t", "FANFOLD_CA": "/c"]
        #expect(
            try find(nil, variables)
                == ClientContext(address: "https://a", token: "t", authorities: "/c"))
        #expect(throws: ClientError.self) { try find("lab") }
        try write(
            "{\"lab\":{\"address\":\"https://b\",\"token_file\":\"\(folder)/api-token\"}}",
            "contexts.json")
        #expect(try find("lab", variables) == ClientContext(address: "https://b", token: "secret"))
        #expect(throws: ClientError.self) { try find("lob") }
        #expect(try find(nil, ["FANFOLD_CONTEXT": "lab"]).address == "https://b")
    }
}
