import FanfoldJSON

/// A request whose form was found right, and who makes it.
struct Call: Sendable {
    /// What came with it.
    enum Body: Sendable {
        case none
        case json(JSON)
        case yaml([UInt8])
        case bytes([UInt8])
    }

    let controlPlane: any ControlPlane
    let tokens: any TokenStore
    let metrics: APIMetrics
    let limits: APILimits
    /// `nil` only where a route lets anyone call.
    let identity: Identity?
    /// Those of path, query and headers that are there or have a default.
    var parameters: [String: JSON]
    var body: Body

    /// The caller's name, as a run keeps it.
    var submitter: String { identity?.name ?? "" }

    /// The key that tells a repetition from a second request.
    var idempotencyKey: String? { text("Idempotency-Key") }

    /// A parameter that is text.
    func text(_ name: String) -> String? { parameters[name]?.stringValue }

    /// A parameter that is a whole number.
    func integer(_ name: String) -> Int64? { parameters[name]?.integerValue }

    /// A number in the path; the route's schema has seen that it is one.
    func id(_ name: String) -> UInt64 { UInt64(clamping: integer(name) ?? 0) }

    /// How many entries a page is to have.
    var limit: Int { integer("limit").map(Int.init) ?? APILimits.standardPageEntries }

    /// A member of a JSON body.
    subscript(_ member: String) -> JSON? {
        guard case .json(let value) = body else { return nil }
        return value[member]
    }
}
