import Crypto
import FanfoldJSON
import FanfoldPlugins
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Reads what a request says and checks it against its route.
struct RequestReading: Sendable {
    let limits: APILimits

    /// The parameters of path, query and headers, with defaults.
    ///
    /// Throws: everything that is wrong with them, at once.
    func parameters(
        of request: Request, route: Route, path: [String: String]
    ) throws(Problem) -> [String: JSON] {
        var given: [String: String] = path
        var places: [ControlError.Place] = []
        let known = route.parameters.filter { $0.place == .query }.map(\.name)
        for (name, value) in try Self.query(of: request) {
            guard known.contains(name) else {
                places.append(.init(message: Self.unknown(name, known)))
                continue
            }
            if given.updateValue(value, forKey: name) != nil {
                places.append(.init(message: "\(name): wanted once, found twice"))
            }
        }
        for parameter in route.parameters where parameter.place == .header {
            guard let name = HTTPField.Name(parameter.name) else { continue }
            let values = request.headers[values: name]
            if values.count > 1 {
                places.append(.init(message: "\(parameter.name): wanted once, found twice"))
            }
            given[parameter.name] = values.first
        }
        var parameters: [String: JSON] = [:]
        for parameter in route.parameters {
            guard let text = given[parameter.name] else {
                parameters[parameter.name] = parameter.schema["default"]
                continue
            }
            let value = parameter.value(of: text)
            places += parameter.checker.problems(of: value, called: parameter.name)
            parameters[parameter.name] = value
        }
        guard places.isEmpty else {
            throw Problem(.badRequest, "parameters: \(places[0].message)", places: places)
        }
        return parameters
    }

    private static func unknown(_ name: String, _ known: [String]) -> String {
        let hint =
            nearest(to: name, among: known).map { "; did you mean \"\($0)\"?" }
            ?? (known.isEmpty
                ? "; there are none here" : "; there are \(known.sorted().joined(separator: ", "))")
        return "unknown parameter \"\(name)\"" + hint
    }

    private static func query(of request: Request) throws(Problem) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for part in (request.uri.query ?? "").split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decoded(sides[0], plusIsSpace: true),
                let value = PercentCoding.decoded(
                    sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            else {
                throw Problem(.badRequest, "wanted a query in UTF-8, percent-encoded")
            }
            pairs.append((name, value))
        }
        return pairs
    }

    /// The body, and the bytes it was.
    func body(of request: Request, route: Route) async throws -> (Call.Body, [UInt8]) {
        if case .none = route.body {
            // What GET and DELETE carry is not read.
            if route.method == .get || route.method == .delete { return (.none, []) }
            let bytes = try await collect(request, upTo: 0)
            return (.none, bytes)
        }
        let type = try mediaType(of: request, route: route)
        let isBytes = if case .bytes = route.body { true } else { false }
        let bytes = try await collect(
            request, upTo: isBytes ? limits.filePieceBytes : limits.bodyBytes)
        if isBytes { return (.bytes(bytes), bytes) }
        if type == "application/yaml" { return (.yaml(bytes), bytes) }
        return (.json(try json(bytes, route: route)), bytes)
    }

    private func json(_ bytes: [UInt8], route: Route) throws(Problem) -> JSON {
        let value: JSON
        do throws(JSONParseError) {
            value = try JSON(parsing: bytes)
        } catch {
            throw Problem(
                .badRequest, "the body is no JSON: \(error.message)",
                places: [
                    .init(line: error.line, column: error.column, message: error.message)
                ])
        }
        guard let check = route.check else { return value }
        let places = check.problems(of: value)
        guard places.isEmpty else {
            throw Problem(.badRequest, "the body: \(places[0].message)", places: places)
        }
        return check.filled(value)
    }

    private func mediaType(of request: Request, route: Route) throws(Problem) -> String {
        let stated = request.headers[.contentType] ?? ""
        let type = stated.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        let aliases = ["application/x-yaml": "application/yaml", "text/yaml": "application/yaml"]
        let name = aliases[type] ?? type
        guard route.mediaTypes.contains(name) else {
            throw Problem(
                .unsupportedMediaType,
                "Content-Type: wanted \(route.mediaTypes.joined(separator: " or ")), found "
                    + (type.isEmpty ? "none" : "\"\(type.prefix(64))\""))
        }
        return name
    }

    /// All of the body, in the time that it has.
    private func collect(_ request: Request, upTo limit: Int) async throws -> [UInt8] {
        let tooLarge =
            limit == 0
            ? Problem(.badRequest, "wanted no body here")
            : Problem(.tooLarge, "the body has more than \(limit) bytes")
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limit {
            throw tooLarge
        }
        let seconds = limits.bodySeconds
        do {
            return try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask {
                    Array(buffer: try await request.body.collect(upTo: limit))
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(seconds))
                    throw Problem(.tooSlow, "the body did not come within \(seconds) s")
                }
                let bytes = try await group.next() ?? []
                group.cancelAll()
                return bytes
            }
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    /// The same for the same request.
    static func fingerprint(_ request: Request, _ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array("\(request.method) \(request.head.path ?? "")\n".utf8))
        hash.update(data: Array((request.headers[.contentType] ?? "").utf8 + [10]))
        hash.update(data: bytes)
        return Array(hash.finalize())
    }
}
