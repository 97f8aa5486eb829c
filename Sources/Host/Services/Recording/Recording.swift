import FanfoldJSON
import FanfoldPlugins

/// One line of a recording: what was asked, and what came of it.
///
/// Shape: `{"version":1,"request":{"method","url","headers","sign","body"},"answer":{"status",
/// "headers","body"}}`, or `"failure":{"code","retry","retry_after_ms","reason","message"}` in
/// place of the answer.  Headers are lists of `[name, value]`; a body that is not UTF-8 stands as
/// `"body_base64"`, and none at all where it is empty.
struct Recording: Sendable {
    /// Headers that prove who somebody is: they never get into a file.
    static let secretHeaders: Set<String> = [
        "authorization", "cookie", "proxy-authenticate", "proxy-authorization", "set-cookie",
        "x-amz-security-token", "x-auth-token", "x-slurm-user-token", "x-vault-token",
    ]
    /// Bytes of a file of recordings.
    static let maximumBytes = 64 * 1_048_576

    /// What is wrong with a line, in words.
    struct Problem: Error, Hashable {
        var words: String
    }

    var request: HTTPServiceRequest
    var result: Result<HTTPServiceAnswer, PluginFailure>

    init(_ request: HTTPServiceRequest, _ result: Result<HTTPServiceAnswer, PluginFailure>) {
        self.request = request
        self.result = result
    }

    /// Whether it answers a request: method, URL and body are the same.
    func answers(_ other: HTTPServiceRequest) -> Bool {
        request.method == other.method && request.url == other.url && request.body == other.body
    }

    // MARK: Writing

    /// The line, without what must not be kept.
    func json(_ redactor: SecretRedactor) -> JSON {
        var object: JSONObject = JSONObject([("version", 1)])
        object["request"] = requestJSON(redactor)
        switch result {
        case .success(let answer):
            var members = JSONObject([("status", .integer(Int64(answer.status)))])
            members["headers"] = Self.json(answer.headers, redactor)
            Self.add(answer.body, to: &members, redactor)
            object["answer"] = .object(members)
        case .failure(let failure):
            object["failure"] = [
                "code": .integer(Int64(failure.code)),
                "retry": .integer(Int64(failure.retry.rawValue)),
                "retry_after_ms": .integer(Int64(failure.retryAfterMs)),
                "reason": .string(failure.reason),
                "message": .string(redactor.redacted(failure.message)),
            ]
        }
        return .object(object)
    }

    private func requestJSON(_ redactor: SecretRedactor) -> JSON {
        var members = JSONObject([
            ("method", .string(request.method)),
            ("url", .string(redactor.redacted(request.url))),
            ("headers", Self.json(request.headers, redactor)),
        ])
        if let signing = request.signing {
            members["sign"] = ["with": .string(signing.scheme), "secret": .string(signing.secret)]
        }
        Self.add(request.body, to: &members, redactor)
        return .object(members)
    }

    private static func json(_ headers: [HTTPServiceHeader], _ redactor: SecretRedactor) -> JSON {
        .array(
            headers.filter { !secretHeaders.contains($0.name.lowercased()) }.map {
                .array([.string($0.name), .string(redactor.redacted($0.value))])
            })
    }

    private static func add(
        _ body: [UInt8], to members: inout JSONObject, _ redactor: SecretRedactor
    ) {
        guard !body.isEmpty else { return }
        if let text = String(validating: body, as: UTF8.self) {
            members["body"] = .string(redactor.redacted(text))
        } else {
            members["body_base64"] = .string(Base64.text(body))
        }
    }

    // MARK: Reading

    /// Reads a line.
    init(line: some Collection<UInt8>) throws(Problem) {
        let json: JSON
        do throws(JSONParseError) {
            json = try JSON(parsing: Array(line))
        } catch {
            throw Problem(words: "wanted JSON: \(error.message)")
        }
        guard json["version"]?.integerValue == 1 else {
            throw Problem(words: "wanted \"version\": 1")
        }
        guard let method = json["request"]?["method"]?.stringValue,
            let url = json["request"]?["url"]?.stringValue
        else { throw Problem(words: "wanted \"method\" and \"url\" in \"request\"") }
        request = HTTPServiceRequest(
            method: method, url: url, headers: try Self.headers(json["request"]),
            body: try Self.body(json["request"]))
        if let answer = json["answer"], let status = answer["status"]?.integerValue,
            (200...999).contains(status)
        {
            result = .success(
                HTTPServiceAnswer(
                    status: Int(status), headers: try Self.headers(answer),
                    body: try Self.body(answer)))
        } else if let failure = json["failure"] {
            result = .failure(try Self.failure(failure))
        } else {
            throw Problem(words: "wanted an \"answer\" with a \"status\", or a \"failure\"")
        }
    }

    private static func failure(_ json: JSON) throws(Problem) -> PluginFailure {
        guard let code = json["code"]?.integerValue, (1...16).contains(code),
            let number = json["retry"]?.integerValue,
            let retry = UInt32(exactly: number).flatMap(PluginFailure.Retry.init),
            let reason = json["reason"]?.stringValue, let message = json["message"]?.stringValue
        else {
            throw Problem(
                words: "wanted \"code\" 1 to 16, \"retry\" 0 to 3, \"reason\" and \"message\"")
        }
        return PluginFailure(
            code: Int32(code), retry: retry,
            retryAfterMs: UInt32(clamping: json["retry_after_ms"]?.integerValue ?? 0),
            reason: reason, message: message)
    }

    private static func headers(_ json: JSON?) throws(Problem) -> [HTTPServiceHeader] {
        var headers: [HTTPServiceHeader] = []
        for pair in json?["headers"]?.arrayValue ?? [] {
            guard let name = pair[0]?.stringValue, let value = pair[1]?.stringValue else {
                throw Problem(words: "wanted [name, value] for each of the \"headers\"")
            }
            headers.append(HTTPServiceHeader(name, value))
        }
        return headers
    }

    private static func body(_ json: JSON?) throws(Problem) -> [UInt8] {
        if let text = json?["body"]?.stringValue { return Array(text.utf8) }
        guard let text = json?["body_base64"]?.stringValue else { return [] }
        guard let bytes = Base64.bytes(text) else {
            throw Problem(words: "\"body_base64\" is not base 64")
        }
        return bytes
    }
}

/// Why a file of recordings cannot be used: the place, what was wanted, what was found.
package struct RecordingProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// For people.
    package var description: String
}
