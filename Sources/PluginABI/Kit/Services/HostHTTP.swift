import CPluginABI
import FanfoldJSON

/// `fanfold.http/1`: the host sends a request and hands back the answer on the lane.
///
/// The pointers in it are only read: hence `@unchecked Sendable`.
public struct HostHTTP: @unchecked Sendable {
    let host: UnsafePointer<fan_host>
    let table: UnsafePointer<fan_http>

    /// Sends a request on behalf of a call; `done` runs on the lane.
    ///
    /// A failure, and an error that `done` throws, ends the call.  A status of 400 or more is an
    /// answer, not a failure.
    public func fetch<Answer>(
        _ request: HTTPRequest, for call: ProviderCall<Answer>,
        done: @escaping (HTTPAnswer) throws(PluginError) -> Void
    ) {
        fetch(request, within: call.call.op) { result in
            do throws(PluginError) {
                try done(result.get())
            } catch {
                call.fail(error)
            }
        }
    }

    /// Sends a request on behalf of a call and hands failures to `done` too; it runs on the lane.
    ///
    /// For what a call can go on without; a status of 400 or more is an answer, not a failure.
    public func result<Answer>(
        of request: HTTPRequest, for call: ProviderCall<Answer>,
        done: @escaping (Result<HTTPAnswer, PluginError>) -> Void
    ) {
        fetch(request, within: call.call.op, done: done)
    }

    /// Sends a request that belongs to no call; `done` runs on the lane.
    public func fetch(
        _ request: HTTPRequest, done: @escaping (Result<HTTPAnswer, PluginError>) -> Void
    ) {
        fetch(request, within: 0, done: done)
    }

    private func fetch(
        _ request: HTTPRequest, within op: fan_op,
        done: @escaping (Result<HTTPAnswer, PluginError>) -> Void
    ) {
        let user = Callbacks.keep { answer in
            if case .http(let result) = answer { done(result) }
        }
        do throws(PluginError) {
            let document = request.json.bytes
            let parts: [Part] = request.body.isEmpty ? [] : [.bytes(request.body)]
            _ = try withParts(parts) { body, _ in
                document.withUnsafeBytes { bytes in
                    let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                    table.pointee.fetch(
                        host, op, view, body,
                        { Callbacks.call($0, .http(Self.answer($1, $2, $3, $4))) }, user)
                }
                return 0
            }
        } catch {
            Callbacks.call(user, .http(.failure(error)))
        }
    }

    private static func answer(
        _ error: UnsafePointer<fan_error>?, _ status: Int32, _ headers: fan_view,
        _ body: UnsafeMutablePointer<fan_blob>?
    ) -> Result<HTTPAnswer, PluginError> {
        var bytes: [UInt8] = []
        if let body {
            bytes = Blob(taking: body.pointee).bytes
            if body.pointee.release != nil { body.pointee.release = nil }
        }
        if let error, error.pointee.code != 0 { return .failure(PluginError(error.pointee)) }
        do throws(PluginError) {
            let lines = headers.size == 0 ? [:] : try headers.json("headers")
            return .success(
                HTTPAnswer(
                    status: Int(status), headers: lines.objectValue ?? JSONObject(), body: bytes))
        } catch {
            return .failure(error)
        }
    }
}

/// A request to a server.
public struct HTTPRequest: Sendable {
    /// In capitals: `GET`.
    public var method: String
    /// Absolute: `https://api.example.com/v1/workers`.
    public var url: String
    /// Header lines by name.
    public var headers: [(name: String, value: String)]
    /// For the whole of it, the host's own retries included; `nil` for the host's limit.
    public var timeoutMilliseconds: Int?
    /// Which secret signs it; the host knows its value, and the plugin never does.
    public var signing: HTTPSigning?
    /// What is sent after the head.
    public var body: [UInt8]

    /// A request.
    public init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [],
        timeoutMilliseconds: Int? = nil, signing: HTTPSigning? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.timeoutMilliseconds = timeoutMilliseconds
        self.signing = signing
        self.body = body
    }

    /// A request with a JSON body.
    public init(
        _ method: String, _ url: String, signing: HTTPSigning? = nil, json: JSON
    ) {
        self.init(
            method, url, headers: [("Content-Type", "application/json")], signing: signing,
            body: json.bytes)
    }

    var json: JSON {
        var object = JSONObject()
        object["method"] = .string(method)
        object["url"] = .string(url)
        if !headers.isEmpty {
            object["headers"] = .object(JSONObject(headers.map { ($0.name, .string($0.value)) }))
        }
        object["timeout_ms"] = timeoutMilliseconds.map { .integer(Int64($0)) }
        if let signing {
            var sign = signing.options
            sign["with"] = .string(signing.scheme)
            sign["secret"] = .string(signing.secret)
            object["sign"] = .object(sign)
        }
        return .object(object)
    }
}

/// Which secret signs a request, and how.
public struct HTTPSigning: Sendable {
    /// `bearer`, `aws-sigv4`, `google-oauth` or `tls-client`.
    public var scheme: String
    /// The secret's name in the host's settings.
    public var secret: String
    /// What the scheme wants beside it, for example `service` and `region`.
    public var options: JSONObject

    /// A way to sign.
    public init(_ scheme: String, secret: String, options: JSONObject = JSONObject()) {
        self.scheme = scheme
        self.secret = secret
        self.options = options
    }
}

/// What a server answered.
public struct HTTPAnswer: Sendable {
    /// The status: 200.
    public var status: Int
    /// Header lines by name, in small letters.
    public var headers: JSONObject
    /// What came after the head.
    public var body: [UInt8]

    /// An answer, for the tests of a provider.
    public init(status: Int, headers: JSONObject = JSONObject(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The body as JSON; `nil` if it is none.
    public var json: JSON? {
        body.withUnsafeBytes { try? JSON(parsing: $0) }
    }

    /// The body as a value of a Swift type.
    ///
    /// Throws: `unavailable`, to be tried later, because a server that answers what it never
    /// should is one that has a bad day.
    public func decode<T: Decodable>(_ type: T.Type) throws(PluginError) -> T {
        guard let json else {
            throw PluginError(
                .unavailable, retry: .later, reason: "http.body",
                "wanted JSON in the answer of the server, found \(body.count) bytes that are none")
        }
        do {
            return try json.decode(type)
        } catch {
            throw PluginError(
                .unavailable, retry: .later, reason: "http.body",
                "the answer of the server is not what was wanted: "
                    + PluginError.decoding(error, in: "answer").message)
        }
    }
}
