import FanfoldJSON
import PluginClouds
import PluginKit

/// Rents instances of Google's Compute Engine.
public struct GCPProvider: Provider, Renting {
    /// Bytes of user data: what an item of metadata holds.
    static let mostUserData = 262_144
    /// How often an operation is waited for; each time takes Google up to two minutes.
    static let mostWaits = 30

    /// Who the provider is.
    public static let component = ComponentDescription(
        id: "fanfold.gcp", version: "1.0.0",
        summary: "Rents workers from Google Cloud: instances of Compute Engine.",
        configurationSchema: GCPConfiguration.schema, services: ["fanfold.http/1"])

    let configuration: GCPConfiguration
    private let http: HostHTTP

    /// Makes an instance.
    public init(configuration: GCPConfiguration, host: HostHandle) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        self.http = http
        self.configuration = configuration
    }

    /// Sends a request below the project; refusals and failures are for `done`.
    func send<Answer>(
        _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
        done: @escaping (Result<HTTPAnswer, PluginError>) -> Void
    ) {
        let project = CloudText.percentEncoded(configuration.project)
        let url = "\(configuration.endpoint)/compute/v1/projects/\(project)\(path)"
        var request = HTTPRequest(method, url, signing: signing)
        if let body { request = HTTPRequest(method, url, signing: signing, json: body) }
        // An operation is waited for up to two minutes.
        if path.hasSuffix("/wait") { request.timeoutMilliseconds = 150_000 }
        http.result(of: request, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                if let error = GCPErrors.refusal(answer) { return done(.failure(error)) }
                guard answer.json?.objectValue != nil else {
                    return done(
                        .failure(
                            PluginError(
                                .unavailable, retry: .later, reason: "http.body",
                                "wanted JSON in the answer of Google, found none")))
                }
                done(.success(answer))
            }
        }
    }

    private var signing: HTTPSigning {
        let options =
            configuration.scope.isEmpty
            ? ("audience", JSON.string("https://compute.googleapis.com/"))
            : ("scope", JSON.string(configuration.scope))
        return HTTPSigning(
            "google-oauth", secret: configuration.secret, options: JSONObject([options]))
    }

    /// Rents workers.
    public func launch(
        _ request: LaunchRequest, _ call: ProviderCall<[Worker]>
    ) throws(PluginError) {
        let size = request.userData.utf8.count
        guard size <= Self.mostUserData else {
            throw PluginError(
                .range, reason: "request./boot",
                "wanted at most \(Self.mostUserData) bytes of boot data, found \(size)")
        }
        rentAll(request, call)
    }

    /// Says how workers are.
    public func describe(
        _ query: WorkerQuery, _ call: ProviderCall<[Worker]>
    ) throws(PluginError) {
        let filter: String
        var asked: [String] = []
        switch query {
        case .owner(let owner):
            filter = "labels.fanfold-owner=\(GCPInstances.label(owner))"
        case .token(let token): filter = "labels.fanfold-token=\(GCPInstances.label(token))"
        case .ids(let ids):
            guard !ids.isEmpty else { return call.succeed([]) }
            asked = ids
            filter = "labels.fanfold=worker"
        }
        list(filter, for: call) { result in
            call.attempt { () throws(PluginError) in
                let all = try result.get()
                guard !asked.isEmpty else { return call.succeed(all) }
                // The list lags behind: what is not in it yet starts.
                let known = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
                call.succeed(
                    asked.map { known[$0] ?? Worker(id: $0, token: nil, state: .starting) })
            }
        }
    }

    /// Instances of all zones by a filter, all pages.
    func list<Answer>(
        _ filter: String, page: String = "", _ before: [Worker] = [],
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        var members = [(name: "filter", value: filter), ("maxResults", "500")]
        if !page.isEmpty { members.append(("pageToken", page)) }
        send("GET", "/aggregated/instances?" + CloudText.query(members), for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                let found = before + GCPInstances.workers(in: answer.json ?? .null)
                guard let next = answer.json?["nextPageToken"]?.stringValue, !next.isEmpty else {
                    return done(.success(found))
                }
                list(filter, page: next, found, for: call, done: done)
            }
        }
    }

    /// Deletes instances, all at a time; it is over once Google has accepted that.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        let all = ids.map { id in
            { (one: @escaping (Result<Void, PluginError>) -> Void) in
                guard let place = GCPInstances.path(of: id) else { return one(.success(())) }
                send("DELETE", place, for: call) { result in
                    switch result {
                    case .success: one(.success(()))
                    case .failure(let error) where error.code == .notFound: one(.success(()))
                    case .failure(let error): one(.failure(error))
                    }
                }
            }
        }
        Together.run(all) { results in
            for case .failure(let error) in results { return done(.failure(error)) }
            done(.success([]))
        }
    }
}
