import AsyncHTTPClient
import FanfoldJSON
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import FanfoldAPI

/// A server on a free port of this machine, with a token for each role.
struct TestServer: Sendable {
    let address: String
    let plane: MemoryControlPlane
    let tokens: FileTokenStore
    let secrets: [Role: String]
    let folder: URL

    /// What came back.
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var bytes: [UInt8]

        var json: JSON { (try? JSON(parsing: bytes)) ?? .null }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        var code: String? { json["code"]?.stringValue }
    }

    /// Limits that no test but those of limits meets.
    static var roomy: APILimits {
        var limits = APILimits()
        limits.requestsPerSecond = 1e6
        limits.requestBurst = 1e6
        return limits
    }

    /// Runs a test against a server and ends it.
    static func run(
        limits: APILimits = roomy, tls: APIConfiguration.TLS? = nil, host: String = "127.0.0.1",
        idempotency: (any IdempotencyStore)? = nil,
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-api-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tokens = try FileTokenStore(path: folder.path + "/tokens.json")
        var secrets: [Role: String] = [:]
        for role in Role.allCases {
            secrets[role] = try await tokens.create(
                name: role.rawValue, role: role, lifetimeSeconds: nil
            ).secret
        }
        let plane = MemoryControlPlane()
        let (addresses, found) = AsyncStream<String>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = APIServer(
            configuration: APIConfiguration(
                host: host, port: 0, tls: tls, localFolder: folder.path, limits: limits),
            controlPlane: plane, tokens: tokens, idempotency: idempotency, logger: logger
        ) { found.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { found.finish() }
                try await server.run()
            }
            for await address in addresses {
                let test = TestServer(
                    address: address, plane: plane, tokens: tokens, secrets: secrets,
                    folder: folder)
                do {
                    try await body(test)
                } catch {
                    await server.stop()
                    throw error
                }
                break
            }
            await server.stop()
            try await group.waitForAll()
        }
    }

    /// Asks as the bearer of a role's token.
    func ask(
        _ method: String, _ path: String, as role: Role? = .admin, _ body: JSON? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        var headers = headers
        if let role, let secret = secrets[role] {
            headers.append(("authorization", "Bearer \(secret)"))
        }
        if body != nil { headers.append(("content-type", "application/json")) }
        return try await send(method, path, headers, body?.bytes)
    }

    /// Sends a request, and holds the answer against the route table.
    func send(
        _ method: String, _ path: String, _ headers: [(String, String)] = [],
        _ body: [UInt8]? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let answer = Answer(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(buffer: try await response.body.collect(upTo: 64 << 20)))
        // What is no HTTP to begin with gets a bare 400.
        if answer.status != 400 || !answer.bytes.isEmpty { check(answer, method, path) }
        return answer
    }

    /// Every answer is one that the OpenAPI document has, and looks as it says.
    private func check(_ answer: Answer, _ method: String, _ path: String) {
        let bare = String(path.prefix { $0 != "?" })
        guard case .route(let route, _) = RouteTable.all.match(method: method, path: bare) else {
            return
        }
        let name = "\(method) \(path): \(answer.status) \(answer.text.prefix(300))"
        var schema = route.answer.schema
        if answer.status != route.answer.status {
            let isKnown = route.allProblems.contains { $0.status == answer.status }
            #expect(isKnown, "not documented: \(name)")
            schema = Schemas.named("Problem")
            #expect(answer.headers.first(name: "content-type") == "application/problem+json")
        }
        guard let schema else { return }
        #expect(SchemaCheck(schema).problems(of: answer.json).map(\.message) == [], "\(name)")
    }

    /// Hands in a pipeline and returns its number.
    func submit(_ name: String = "a", headers: [(String, String)] = []) async throws -> Int64 {
        let answer = try await ask(
            "POST", "/api/v1/runs", as: .submit,
            ["pipeline": ["fanfold": 1], "name": .string(name)],
            headers: headers)
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(answer.json["id"]?.integerValue)
    }
}
