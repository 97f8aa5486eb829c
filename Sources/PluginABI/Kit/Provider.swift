import FanfoldJSON

/// Rents workers from somebody: a cloud, a cluster, a machine.
///
/// It keeps no state: the tags on the workers are the database, and a new instance finds what an
/// old one left.  Every call is safe to repeat, and is answered once through the object that comes
/// with it; an error that is thrown ends the call, and a call that is let go without an answer
/// fails.  Calls come on one lane, never two at once, and so do the answers of `host.http`.
public protocol Provider: SendableMetatype {
    /// What the YAML says under `with:`, checked against the schema and with defaults filled in.
    associatedtype Configuration: Decodable

    /// Who the provider is, and the JSON Schema of its configuration.
    static var component: ComponentDescription { get }

    /// Makes an instance; the host's HTTP is `host.http`.
    init(configuration: Configuration, host: HostHandle) throws(PluginError)

    /// Says whether credentials, permissions and quota are good.
    func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError)

    /// Says what is for rent, page by page, also what is sold out.
    func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError)

    /// Rents workers.
    ///
    /// The same token gives the same workers.  Every worker is tagged with it, and the token of
    /// each request to the cloud is derived from it and the offering (``cloudToken(_:_:)``).
    /// Fewer workers than the most are a success, fewer than the least are not.
    func launch(
        _ request: LaunchRequest, _ call: ProviderCall<[Worker]>
    ) throws(PluginError)

    /// Says how workers are, also those that were ended just now.
    func describe(
        _ query: WorkerQuery, _ call: ProviderCall<[Worker]>
    ) throws(PluginError)

    /// Ends workers; one that is gone already is a success.
    func terminate(
        _ ids: [String], _ call: ProviderCall<Termination>
    ) throws(PluginError)
}

/// An answer of a provider, as JSON says it.
public protocol ProviderAnswer {
    /// The answer as the contract says it.
    var json: JSON { get }

    /// What makes of the answer a failure; `nil` for one that is none.
    var failure: PluginError? { get }
}

extension ProviderAnswer {
    /// No failure.
    public var failure: PluginError? { nil }
}

/// A value that crosses to the host in a list.
public protocol ProviderValue: Sendable {
    /// What such a list is called: `workers`.
    static var list: String { get }

    /// The value as the contract says it.
    var json: JSON { get }
}

extension Array: ProviderAnswer where Element: ProviderValue {
    /// `{"workers":[...]}`.
    public var json: JSON { .object(JSONObject([(Element.list, .array(map(\.json)))])) }
}

/// One thing that must be good before workers can be rented.
public struct ProviderCheck: ProviderValue {
    /// `checks`.
    public static let list = "checks"

    /// What was looked at: `credentials`, `quota`.
    public var name: String
    /// Whether it is good.
    public var ok: Bool
    /// What to do if it is not.
    public var fix: String

    /// A finding.
    public init(_ name: String, ok: Bool, fix: String = "") {
        self.name = name
        self.ok = ok
        self.fix = fix
    }

    /// `{"name","ok","fix"}`.
    public var json: JSON { ["name": .string(name), "ok": .bool(ok), "fix": .string(fix)] }
}

/// The answer of `offerings` after its last page.
public struct EndOfOfferings: ProviderAnswer, Sendable {
    /// The answer.
    public init() {}

    /// An empty object.
    public var json: JSON { [:] }
}

/// The answer of `terminate`.
public struct Termination: ProviderAnswer, Sendable {
    /// The workers that could not be ended now; the answer is a failure, to be tried later, if
    /// there are any.
    public var left: [String]

    /// The answer.
    public init(left: [String] = []) {
        self.left = left
    }

    /// Names what is left.
    public var failure: PluginError? {
        guard !left.isEmpty else { return nil }
        return PluginError(
            .unavailable, retry: .later, reason: "terminate.left",
            "wanted all workers ended, \(left.count) are left for now: "
                + left.joined(separator: ", "))
    }

    /// `{"left":[...]}`.
    public var json: JSON { ["left": .array(left.map { .string($0) })] }
}

/// How many workers are wanted.
public struct WorkerCount: Decodable, Sendable, Hashable {
    /// The least.
    public var min: Int
    /// The most.
    public var max: Int

    /// From the least to the most.
    public init(min: Int, max: Int) {
        self.min = min
        self.max = max
    }
}

/// What workers are wanted.
public struct LaunchRequest: Decodable, Sendable {
    /// The UUID of this launch.
    public var token: String
    /// The ids of the offerings that would do, best first.
    public var offerings: [String]
    /// How many.
    public var count: WorkerCount
    /// What the worker runs when it starts: the user data.
    public var boot: String
    /// What each worker is to be tagged with, beside the token.
    public var tags: [String: String]
    /// When a worker that the host does not renew ends itself, in UTC by RFC 3339.
    public var expires: String

    private enum Key: String, CodingKey {
        case token, offerings, count, boot, tags, expires
    }

    /// Reads a request; an offering may be an id, or an object with one.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        token = try object.decode(String.self, forKey: .token)
        offerings = try object.decode([OfferingName].self, forKey: .offerings).map(\.id)
        count = try object.decode(WorkerCount.self, forKey: .count)
        boot = try object.decodeIfPresent(String.self, forKey: .boot) ?? ""
        tags = try object.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
        expires = try object.decodeIfPresent(String.self, forKey: .expires) ?? ""
        guard count.min >= 0, count.max >= count.min else {
            throw DecodingError.dataCorruptedError(
                forKey: .count, in: object,
                debugDescription: "wanted 0 <= min <= max, found \(count.min) and \(count.max)")
        }
    }
}

extension LaunchRequest {
    /// The boot text with the line by which a worker that nobody renews ends itself.
    public var userData: String {
        guard !expires.isEmpty else { return boot }
        return (boot.isEmpty || boot.hasSuffix("\n") ? boot : boot + "\n")
            + "# fanfold-expires: \(expires)\n"
    }
}

/// An offering in a request.
private struct OfferingName: Decodable {
    private enum Key: String, CodingKey { case id }

    let id: String

    init(from decoder: any Decoder) throws {
        if let id = try? decoder.singleValueContainer().decode(String.self) {
            self.id = id
        } else {
            id = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .id)
        }
    }
}

/// Which workers are asked about.
public enum WorkerQuery: Decodable, Sendable {
    /// All that belong to this owner.
    case owner(String)
    /// Those of one launch.
    case token(String)
    /// Those with these ids.
    case ids([String])

    private enum Key: String, CodingKey { case owner, token, ids }

    /// Reads a query.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        if let owner = try object.decodeIfPresent(String.self, forKey: .owner) {
            self = .owner(owner)
        } else if let token = try object.decodeIfPresent(String.self, forKey: .token) {
            self = .token(token)
        } else {
            self = .ids(try object.decode([String].self, forKey: .ids))
        }
    }
}

/// The ids in a request to end workers.
struct TerminateRequest: Decodable {
    var ids: [String]
}
