import FanfoldJSON

/// An answer that says why a request was refused.
///
/// Source: RFC 9457.
struct Problem: Error, Sendable {
    /// For programs: stable, part of the interface.
    enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case unauthorized
        case forbidden
        case notFound = "not-found"
        case wrongMethod = "wrong-method"
        case tooSlow = "too-slow"
        case conflict
        case tooLarge = "too-large"
        case unsupportedMediaType = "unsupported-media-type"
        case invalid
        case checksumMismatch = "checksum-mismatch"
        case keyReused = "idempotency-key-reused"
        case keyInUse = "idempotency-key-in-use"
        case tooMany = "too-many"
        case tooFast = "too-fast"
        case fault
        case unavailable
        case insufficientStorage = "insufficient-storage"

        var status: Int {
            switch self {
            case .badRequest: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound: 404
            case .wrongMethod: 405
            case .tooSlow: 408
            case .conflict, .keyInUse: 409
            case .tooLarge: 413
            case .unsupportedMediaType: 415
            case .invalid, .checksumMismatch, .keyReused: 422
            case .tooMany, .tooFast: 429
            case .fault: 500
            case .unavailable: 503
            case .insufficientStorage: 507
            }
        }

        /// The title, which never changes for a code.
        var title: String {
            switch self {
            case .badRequest: "The request is malformed"
            case .unauthorized: "A credential is needed"
            case .forbidden: "The credential does not allow this"
            case .notFound: "There is no such thing"
            case .wrongMethod: "The method is not allowed here"
            case .tooSlow: "The request took too long"
            case .conflict: "It does not go with the present state"
            case .tooLarge: "It is larger than a limit"
            case .unsupportedMediaType: "The media type is not understood"
            case .invalid: "The document is wrong"
            case .checksumMismatch: "The bytes do not have the sum"
            case .keyReused: "The Idempotency-Key belongs to another request"
            case .keyInUse: "A request with this Idempotency-Key is in progress"
            case .tooMany: "There are as many as there may be"
            case .tooFast: "Requests come too fast"
            case .fault: "The server is at fault"
            case .unavailable: "The server cannot do it now"
            case .insufficientStorage: "There is no room left"
            }
        }
    }

    var code: Code
    var detail: String
    var places: [ControlError.Place] = []
    var headers: [(name: String, value: String)] = []

    init(
        _ code: Code, _ detail: String, places: [ControlError.Place] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.code = code
        self.detail = detail
        self.places = places
        self.headers = headers
    }

    /// What the engine refused.
    init(_ error: ControlError) {
        let code: Code =
            switch error.code {
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .invalid: .invalid
            case .conflict: .conflict
            case .checksumMismatch: .checksumMismatch
            case .tooLarge: .tooLarge
            case .tooMany: .tooMany
            case .insufficientStorage: .insufficientStorage
            case .unavailable: .unavailable
            case .fault: .fault
            }
        guard code != .fault else {
            self = .fault
            return
        }
        self.init(code, error.message, places: error.places)
        if code == .unavailable { headers = [("retry-after", "1")] }
    }

    /// What a client is told of a fault: nothing of what the log has.
    static let fault = Problem(.fault, "the log of the coordinator says more")

    /// What everybody is told whose credential is missing, unknown, expired or revoked.
    static let unauthorized = Problem(
        .unauthorized,
        "wanted a valid token: Authorization: Bearer TOKEN; `fanfold token create` makes one",
        headers: [("www-authenticate", "Bearer")])

    /// The document.
    var reply: Reply {
        var object = JSONObject([
            ("type", .string("urn:fanfold:problem:\(code.rawValue)")),
            ("title", .string(code.title)),
            ("status", .integer(Int64(code.status))),
            ("code", .string(code.rawValue)),
            ("detail", .string(detail)),
        ])
        if !places.isEmpty {
            object["errors"] = .array(places.prefix(APILimits.places).map(\.json))
        }
        return Reply(
            status: code.status, mediaType: "application/problem+json", headers: headers,
            content: .bytes(JSON.object(object).bytes))
    }
}

extension ControlError.Place {
    var json: JSON {
        var object = JSONObject()
        if let line { object["line"] = .integer(Int64(line)) }
        if let column { object["column"] = .integer(Int64(column)) }
        object["message"] = .string(message)
        return .object(object)
    }
}
