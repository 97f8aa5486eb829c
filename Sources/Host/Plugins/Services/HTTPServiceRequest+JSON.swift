import CPluginABI
import FanfoldJSON

extension HTTPServiceRequest {
    /// The schemes that `sign` may name.
    package static let signingSchemes = [
        "aws-sigv4", "google-oauth", "bearer", "tls-client",
    ]

    /// Reads the request document of `fanfold.http/1`.
    ///
    /// Shape: `{"method","url","headers","timeout_ms","sign":{"with","secret",…}}`, of which only
    /// `url` must be there.  A header's value is a string, or a list of strings for a name that
    /// comes more than once.  What `sign` has beside its two keys becomes its options.
    ///
    /// - Throws: code INVALID or RANGE, retry NEVER, and the reason `request./KEY`.
    package init(json bytes: UnsafeRawBufferPointer, body: [UInt8]) throws(PluginFailure) {
        let json: JSON
        do throws(JSONParseError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw .request("", "wanted a JSON document: \(error)")
        }
        try self.init(json: json, body: body)
    }

    /// Reads the request document of `fanfold.http/1`, as the other initializer does.
    package init(json: JSON, body: [UInt8]) throws(PluginFailure) {
        guard json.objectValue != nil else {
            throw .request("", "wanted an object, found \(json.typeName)")
        }
        let signing = try Signing(request: json["sign"])
        self.init(
            method: try Self.method(json["method"]), url: try Self.url(json["url"]),
            headers: try Self.headers(json["headers"], isSigned: signing != nil),
            timeoutMilliseconds: try Self.timeout(json["timeout_ms"]), signing: signing,
            body: body)
        guard body.count <= HTTPServiceLimits.requestBodyBytes else {
            throw .request(
                "",
                "wanted a body of at most \(HTTPServiceLimits.requestBodyBytes) bytes, found "
                    + "\(body.count); send it in parts", code: FAN_RANGE)
        }
    }

    private static func method(_ json: JSON?) throws(PluginFailure) -> String {
        guard let json else { return "GET" }
        guard let method = json.stringValue, !method.isEmpty,
            method.utf8.count <= HTTPServiceLimits.methodBytes,
            method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }),
            !["CONNECT", "TRACE"].contains(method)
        else {
            throw .request(
                "/method",
                "wanted a method in capitals such as \"GET\", not CONNECT or TRACE, "
                    + "found \(json.shown)")
        }
        return method
    }

    private static func url(_ json: JSON?) throws(PluginFailure) -> String {
        guard let url = json?.stringValue else {
            throw .request(
                "/url", "wanted the URL as a string, found \(json?.typeName ?? "nothing")")
        }
        do throws(HTTPServiceURL.Refusal) {
            _ = try HTTPServiceURL(url)
        } catch {
            throw .request("/url", error.message)
        }
        return url
    }

    private static func timeout(_ json: JSON?) throws(PluginFailure) -> Int? {
        guard let json else { return nil }
        let limit = HTTPServiceLimits.timeoutMilliseconds
        guard let value = json.integerValue, (1...Int64(limit)).contains(value) else {
            throw .request(
                "/timeout_ms", "wanted whole milliseconds from 1 to \(limit), found \(json.shown)",
                code: json.doubleValue == nil ? FAN_INVALID : FAN_RANGE)
        }
        return Int(value)
    }
}

extension HTTPServiceRequest {
    /// Headers that the host writes itself: what is connected to and how the body is framed.
    package static let hostHeaders: Set<String> = [
        "connection", "content-length", "host", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    ]

    private static func headers(
        _ json: JSON?, isSigned: Bool
    ) throws(PluginFailure) -> [HTTPServiceHeader] {
        guard let json else { return [] }
        guard let object = json.objectValue else {
            throw .request("/headers", "wanted an object, found \(json.typeName)")
        }
        var headers: [HTTPServiceHeader] = []
        var byteCount = 0
        for (name, value) in object.members {
            let pointer = JSONPointer(["headers", name]).description
            try check(name, pointer, isSigned: isSigned)
            for text in try values(value, pointer) {
                headers.append(HTTPServiceHeader(name, text))
                byteCount += name.utf8.count + text.utf8.count
            }
            guard headers.count <= HTTPServiceLimits.headerCount,
                byteCount <= HTTPServiceLimits.headerBytes
            else {
                throw .request(
                    "/headers",
                    "wanted at most \(HTTPServiceLimits.headerCount) lines of "
                        + "\(HTTPServiceLimits.headerBytes) bytes in all, found more",
                    code: FAN_RANGE)
            }
        }
        return headers
    }

    private static func check(
        _ name: String, _ pointer: String, isSigned: Bool
    ) throws(PluginFailure) {
        guard name.isHeaderName else {
            throw .request(pointer, "the name of a header is made of letters, digits and '-'")
        }
        let lower = name.lowercased()
        guard !hostHeaders.contains(lower) else {
            throw .request(pointer, "the host writes this header itself; leave it out")
        }
        guard !isSigned || lower != "authorization" else {
            throw .request(pointer, "\"sign\" writes this header; leave out one of the two")
        }
    }

    private static func values(
        _ json: JSON, _ pointer: String
    ) throws(PluginFailure) -> [String] {
        var texts: [String] = []
        for element in json.arrayValue ?? [json] {
            guard let text = element.stringValue else {
                throw .request(
                    pointer, "wanted a string or a list of strings, found \(element.typeName)")
            }
            guard text.isHeaderValue else {
                throw .request(
                    pointer, "a line break, a control character or another script stands in it")
            }
            texts.append(text)
        }
        return texts
    }
}

extension HTTPServiceRequest.Signing {
    /// The `sign` of a request; `nil` if there is none.
    fileprivate init?(request json: JSON?) throws(PluginFailure) {
        guard let json else { return nil }
        guard var options = json.objectValue else {
            throw .request("/sign", "wanted an object, found \(json.typeName)")
        }
        let schemes = HTTPServiceRequest.signingSchemes
        guard let scheme = json["with"]?.stringValue, schemes.contains(scheme) else {
            throw .request(
                "/sign/with",
                "wanted \(schemes.map { "\"\($0)\"" }.joined(separator: ", ")), found "
                    + (json["with"]?.shown ?? "nothing"))
        }
        guard let secret = json["secret"]?.stringValue, secret.isSecretName else {
            // What was found is not shown: it may be a key put here by mistake.
            throw .request(
                "/sign/secret",
                "wanted the name of a secret of the settings: up to "
                    + "\(HTTPServiceLimits.secretNameBytes) small letters, digits, '-', '_' and "
                    + "'.', beginning with a letter")
        }
        options["with"] = nil
        options["secret"] = nil
        self.init(scheme: scheme, secret: secret, options: .object(options))
    }
}

extension HTTPServiceAnswer {
    /// The headers as `done` of `fanfold.http/1` gets them: an object of strings.
    ///
    /// Names are in lower case.  The values of a name that came more than once are joined by
    /// `", "`; those of `set-cookie`, which may not be joined, by a line feed.
    ///
    /// Source: RFC 9110, section 5.3.
    package var headersJSON: JSON {
        var object = JSONObject()
        for header in headers {
            let name = header.name.lowercased()
            let separator = name == "set-cookie" ? "\n" : ", "
            let before = object[name]?.stringValue.map { $0 + separator } ?? ""
            object[name] = .string(before + header.value)
        }
        return .object(object)
    }
}

extension String {
    /// Whether a secret may have this name.
    package var isSecretName: Bool {
        utf8.count <= HTTPServiceLimits.secretNameBytes
            && first.map { ("a"..."z").contains($0) } == true
            && allSatisfy {
                ("a"..."z").contains($0) || ("0"..."9").contains($0) || "-_.".contains($0)
            }
    }

    /// Whether a header may have this name: a token.
    ///
    /// Source: RFC 9110, section 5.6.2.
    package var isHeaderName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether a header may have this value: printable ASCII, spaces and tabs.
    package var isHeaderValue: Bool {
        utf8.allSatisfy { ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x09 }
    }
}

extension JSON {
    /// The value for an error, cut short.
    fileprivate var shown: String {
        let text = text
        return text.utf8.count <= 64 ? text : "\(typeName) of \(text.utf8.count) bytes"
    }
}

extension PluginFailure {
    /// A request document that is refused.
    fileprivate static func request(
        _ pointer: String, _ message: String, code: Int = FAN_INVALID
    ) -> PluginFailure {
        let place = pointer.isEmpty ? "the request" : "the request at \(pointer)"
        return PluginFailure(
            code: Int32(code), reason: "request.\(pointer)", message: "\(place): \(message)")
    }
}
