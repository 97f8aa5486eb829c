import FanfoldJSON
import FanfoldPlugins

/// What may be asked: the handlers, the checks of what comes in and the OpenAPI document are all made
/// from this, so that none of them can say what another does not.
struct Route: Sendable {
    /// How a request may be made.
    enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    /// What the body of a request is.
    enum Body: Sendable {
        /// There is none.
        case none
        /// A JSON value that this schema describes.
        case json(JSON)
        /// Such a value, or a document in YAML as it is.
        case jsonOrYAML(JSON)
        /// Bytes.
        case bytes
    }

    /// A status that the route answers when all goes well.
    struct Answer: Sendable {
        var status = 200
        var summary: String
        var mediaType = "application/json"
        /// What the body looks like, if it is JSON.
        var schema: JSON?
    }

    /// Something in the path, the query or the headers.
    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query, header }

        var name: String
        var place: Place
        var summary: String
        var schema: JSON
        var checker: SchemaCheck
    }

    var method: Method
    /// The path, with names in braces: `/api/v1/runs/{run}`.
    let path: String
    /// The names between the slashes.
    let segments: [Substring]
    var access: Access
    /// The operation's name in the OpenAPI document.
    var id: String
    var summary: String
    var parameters: [Parameter]
    var body: Body
    /// A body as people send it, for the description.
    var example: JSON?
    var check: SchemaCheck?
    var answer: Answer
    /// Refusals that are the route's own, beside those that every such route has.
    var problems: Set<Problem.Code>
    var handle: @Sendable (Call) async throws(ControlError) -> Reply

    init(
        _ method: Method, _ path: String, _ access: Access, _ id: String, _ summary: String,
        parameters: [Parameter] = [], body: Body = .none, example: JSON? = nil, answer: Answer,
        problems: Set<Problem.Code> = [],
        handle: @escaping @Sendable (Call) async throws(ControlError) -> Reply
    ) {
        self.method = method
        self.path = path
        segments = path.dropFirst().split(separator: "/")
        self.access = access
        self.id = id
        self.summary = summary
        self.parameters = parameters + (method == .post ? [.idempotencyKey] : [])
        self.body = body
        self.example = example
        self.answer = answer
        self.problems = problems
        self.handle = handle
        switch body {
        case .json(let schema), .jsonOrYAML(let schema): check = SchemaCheck(schema)
        case .none, .bytes: check = nil
        }
    }

    /// Every refusal that it can answer.
    var allProblems: Set<Problem.Code> {
        var all = problems.union([.badRequest, .tooFast, .fault, .unavailable])
        if access != .anyone { all.formUnion([.unauthorized, .forbidden]) }
        switch body {
        case .none: break
        case .json, .jsonOrYAML, .bytes:
            all.formUnion([.tooLarge, .unsupportedMediaType, .tooSlow])
        }
        if method == .post { all.formUnion([.keyReused, .keyInUse]) }
        return all
    }

    /// Media types of the body.
    var mediaTypes: [String] {
        switch body {
        case .none: []
        case .json: ["application/json"]
        case .jsonOrYAML: ["application/json", "application/yaml"]
        case .bytes: ["application/octet-stream"]
        }
    }
}

extension Route.Parameter {
    init(_ name: String, _ place: Place, _ summary: String, _ schema: JSON) {
        self.name = name
        self.place = place
        self.summary = summary
        self.schema = schema
        checker = SchemaCheck(schema)
    }

    /// Makes a repeated POST harmless.
    static let idempotencyKey = Route.Parameter(
        "Idempotency-Key", .header,
        "The same key and the same request give the same answer, for a day.",
        ["type": "string", "pattern": "^[!-~]{1,255}$"])

    /// The value that a text stands for, as the schema's type says.
    func value(of text: String) -> JSON {
        switch schema["type"]?.stringValue {
        case "integer": Int64(text).map(JSON.integer) ?? .string(text)
        case "boolean": text == "true" ? true : text == "false" ? false : .string(text)
        default: .string(text)
        }
    }
}

/// A schema that is compiled once.
struct SchemaCheck: Sendable {
    private let schema: JSONSchema

    /// A schema of ours: one that does not compile is a mistake in this program.
    init(_ schema: JSON) {
        do throws(SchemaError) {
            self.schema = try JSONSchema(Schemas.resolved(schema))
        } catch {
            preconditionFailure("a schema of the API compiles: \(error)")
        }
    }

    /// What is wrong with a value.
    func problems(of value: JSON, called name: String? = nil) -> [ControlError.Place] {
        schema.validate(value).map { problem in
            let place = (name ?? "") + problem.pointer.description
            let hint = problem.suggestion.map { "; \($0)" } ?? ""
            return ControlError.Place(
                message: (place.isEmpty ? "" : "\(place): ") + problem.message + hint)
        }
    }

    /// The value with its defaults.
    func filled(_ value: JSON) -> JSON { schema.fillingDefaults(value) }
}
