import AsyncHTTPClient
import FanfoldJSON
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks a coordinator through its API.
///
/// Close it with ``close()``.
package struct FanfoldClient: Sendable {
    /// Seconds for a connection to come about.
    static let connectSeconds: Int64 = 5
    /// Seconds in which an answer has to begin.
    static let answerSeconds: Int64 = 60
    /// Bytes of the largest answer that is taken into memory.
    static let answerBytes = 64 << 20

    /// Where it asks.
    package let context: ClientContext
    let http: HTTPClient

    /// A client that has not connected yet.
    package init(context: ClientContext) throws(ClientError) {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(Self.connectSeconds)
        configuration.redirectConfiguration = .disallow
        if let path = context.authorities {
            do {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
                configuration.tlsConfiguration = tls
            } catch {
                throw .unreadable(path: path, reason: "wanted certificates as PEM: \(error)")
            }
        }
        self.context = context
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes what is open.
    package func close() async {
        // What cannot be closed goes with the process.
        try? await http.shutdown()
    }

    /// Asks, and reads the answer as JSON; `null` if there is none.
    ///
    /// - Parameters:
    ///   - path: below `/api/v1`, already percent-encoded: `/runs/7?…`.
    ///   - key: an Idempotency-Key, which makes it safe to ask again.
    package func ask(
        _ method: HTTPMethod, _ path: String, body: RequestBody = .none, key: String? = nil
    ) async throws(ClientError) -> JSON {
        let response = try await send(method, path, body: body, key: key)
        let bytes = try await collect(response)
        if bytes.isEmpty { return .null }
        do throws(JSONParseError) {
            return try JSON(parsing: bytes)
        } catch {
            throw .badAnswer(address: context.address, reason: error.message)
        }
    }

    /// Asks, and hands over the bytes of the answer as they come.
    package func download(
        _ path: String, _ piece: ([UInt8]) throws -> Void
    ) async throws {
        let response = try await send(.GET, path, body: .none, key: nil)
        for try await buffer in response.body { try piece(Array(buffer: buffer)) }
    }

    /// Whether the coordinator takes work now.
    package func isReady() async throws(ClientError) -> Bool {
        do {
            let response = try await http.execute(
                HTTPClientRequest(url: context.address + "/readyz"),
                timeout: .seconds(Self.answerSeconds))
            _ = try await response.body.collect(upTo: Self.answerBytes)
            return response.status == .ok
        } catch {
            throw .unreachable(address: context.address, reason: Self.reason(error))
        }
    }

    /// What goes with a request.
    package enum RequestBody: Sendable {
        case none
        case json(JSON)
        case yaml([UInt8])
        case bytes([UInt8])
    }

    func send(
        _ method: HTTPMethod, _ path: String, body: RequestBody, key: String?
    ) async throws(ClientError) -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(
                request(method, path, body, key), timeout: .seconds(Self.answerSeconds))
        } catch {
            throw .unreachable(address: context.address, reason: Self.reason(error))
        }
        guard !(200..<300).contains(response.status.code) else { return response }
        throw .refused(try await refusal(response))
    }

    private func request(
        _ method: HTTPMethod, _ path: String, _ body: RequestBody, _ key: String?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: context.address + "/api/v1" + path)
        request.method = method
        if let token = context.token {
            request.headers.add(name: "authorization", value: "Bearer \(token)")
        }
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        switch body {
        case .none: break
        case .json(let value):
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: value.bytes))
        case .yaml(let bytes):
            request.headers.add(name: "content-type", value: "application/yaml")
            request.body = .bytes(ByteBuffer(bytes: bytes))
        case .bytes(let bytes):
            request.headers.add(name: "content-type", value: "application/octet-stream")
            request.body = .bytes(ByteBuffer(bytes: bytes))
        }
        return request
    }

    private func collect(_ response: HTTPClientResponse) async throws(ClientError) -> [UInt8] {
        do {
            return Array(buffer: try await response.body.collect(upTo: Self.answerBytes))
        } catch {
            throw .badAnswer(address: context.address, reason: "\(error)")
        }
    }

    private func refusal(
        _ response: HTTPClientResponse
    ) async throws(ClientError) -> ClientError.Refusal {
        let status = Int(response.status.code)
        let bytes = try await collect(response)
        guard let problem = try? JSON(parsing: bytes), let code = problem["code"]?.stringValue
        else {
            return .init(status: status, code: "", detail: "the answer was \(response.status)")
        }
        let errors = (problem["errors"]?.arrayValue ?? []).map { error in
            let place = [error["line"], error["column"]].compactMap { $0?.integerValue }
                .map { "\($0):" }.joined()
            return (place.isEmpty ? "" : place + " ") + (error["message"]?.stringValue ?? "")
        }
        return .init(
            status: status, code: code, detail: problem["detail"]?.stringValue ?? code,
            errors: errors)
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? HTTPClientError {
        case .connectTimeout: "no connection within \(connectSeconds) s"
        case .deadlineExceeded: "no answer within \(answerSeconds) s"
        default: "\(error)"
        }
    }
}
