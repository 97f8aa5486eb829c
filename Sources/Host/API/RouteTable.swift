/// All routes, found by method and path.
struct RouteTable: Sendable {
    /// What a path leads to.
    enum Match: Sendable {
        case route(Route, [String: String])
        /// There is something, but not for this method; these are allowed.
        case wrongMethod([String])
        case nothing
    }

    let routes: [Route]

    init(_ routes: [Route]) {
        let names = routes.map { "\($0.method.rawValue) \($0.path)" }
        precondition(Set(names).count == names.count, "a route is in the table once")
        precondition(Set(routes.map(\.id)).count == routes.count, "an operation has its own name")
        self.routes = routes
    }

    /// Every route of the API.
    static let all: RouteTable = .init(
        RunRoutes.all + RunPartRoutes.all + QueueRoutes.all + OrchestrationRoutes.all
            + WorkerRoutes.all + PlanRoutes.all + PredictionRoutes.all + ScalingRoutes.all
            + TokenRoutes.all + FileRoutes.all + ObservationRoutes.all)

    /// Finds the route; a name in braces takes one segment, decoded.
    ///
    /// Complexity: linear in the number of routes, of which there are a few dozen.
    func match(method: String, path: String) -> Match {
        guard path.hasPrefix("/") else { return .nothing }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var allowed: [String] = []
        for route in routes {
            guard let parameters = Self.parameters(route.segments, segments) else { continue }
            if route.method.rawValue == method { return .route(route, parameters) }
            allowed.append(route.method.rawValue)
        }
        return allowed.isEmpty ? .nothing : .wrongMethod(allowed)
    }

    private static func parameters(
        _ pattern: [Substring], _ segments: [Substring]
    ) -> [String: String]? {
        guard pattern.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (wanted, segment) in zip(pattern, segments) {
            if wanted.hasPrefix("{") {
                guard let value = PercentCoding.decoded(segment), !value.isEmpty else { return nil }
                parameters[String(wanted.dropFirst().dropLast())] = value
            } else if wanted != segment {
                return nil
            }
        }
        return parameters
    }
}

/// Percent signs in paths and queries.
///
/// Source: RFC 3986, section 2.1.
package enum PercentCoding {
    /// The text; `nil` if a percent sign is followed by something else than two digits, or the bytes
    /// are no UTF-8.
    package static func decoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2,
                    let decoded = TokenSecret.bytes(
                        hexadecimal: String(decoding: rest.prefix(2), as: UTF8.self))
                else { return nil }
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The text with everything escaped but letters, digits and `-._~`.
    package static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 128,
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-._~".unicodeScalars.contains(scalar)
            {
                encoded.unicodeScalars.append(scalar)
            } else {
                encoded += "%" + TokenSecret.hexadecimal([byte]).uppercased()
            }
        }
        return encoded
    }
}
