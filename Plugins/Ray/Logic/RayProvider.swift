import FanfoldJSON
import PluginClouds
import PluginKit

/// Runs workers as jobs of a Ray cluster, one in each job.
public struct RayProvider: Provider, Renting {
    /// Who the provider is.
    public static let component = ComponentDescription(
        id: "fanfold.ray", version: "1.0.0",
        summary: "Runs workers as jobs of a Ray cluster.",
        configurationSchema: RayConfiguration.schema,
        services: ["fanfold.http/1", "fanfold.lane/1"])

    let configuration: RayConfiguration
    let lane: HostLane?
    private let http: HostHTTP

    /// Makes an instance.
    public init(configuration: RayConfiguration, host: HostHandle) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        self.http = http
        lane = host.lane
        self.configuration = configuration
    }

    /// Sends a request; refusals and failures are for `done`.
    func send<Answer>(
        _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
        done: @escaping (Result<JSON, PluginError>) -> Void
    ) {
        let isSocket = configuration.endpoint.hasPrefix("unix:")
        let url = configuration.endpoint + (isSocket ? ":" : "") + path
        var request = HTTPRequest(method, url)
        if let body { request = HTTPRequest(method, url, json: body) }
        // The head waits up to a minute for a node that starts the job.
        request.timeoutMilliseconds = 90_000
        if !configuration.secret.isEmpty {
            request.signing = HTTPSigning("bearer", secret: configuration.secret)
        }
        http.result(of: request, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                if let error = RayErrors.refusal(answer) { return done(.failure(error)) }
                guard let json = answer.json else {
                    return done(
                        .failure(
                            PluginError(
                                .unavailable, retry: .later, reason: "http.body",
                                "wanted JSON in the answer of Ray, found none")))
                }
                done(.success(json))
            }
        }
    }

    /// All jobs that are workers.
    func jobs<Answer>(
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[RayJob], PluginError>) -> Void
    ) {
        send("GET", "/api/jobs/", for: call) { result in
            done(result.map { ($0.arrayValue ?? []).compactMap(RayJob.init) })
        }
    }

    /// What Ray says of these submission ids.
    func records<Answer>(
        of ids: Set<String>, for call: ProviderCall<Answer>,
        done: @escaping (Result<[RayRecord], PluginError>) -> Void
    ) {
        send("GET", "/api/jobs/", for: call) { result in
            done(
                result.map { answer in
                    (answer.arrayValue ?? []).compactMap(RayRecord.init)
                        .filter { ids.contains($0.id) }
                })
        }
    }

    /// Rents workers.
    public func launch(
        _ request: LaunchRequest, _ call: ProviderCall<[Worker]>
    ) throws(PluginError) {
        rentAll(request, call)
    }

    /// Says how workers are.
    public func describe(
        _ query: WorkerQuery, _ call: ProviderCall<[Worker]>
    ) throws(PluginError) {
        jobs(for: call) { result in
            call.attempt { () throws(PluginError) in
                let all = try result.get()
                switch query {
                case .owner(let owner):
                    call.succeed(all.filter { $0.labels["owner"] == owner }.map(\.worker))
                case .token(let token):
                    call.succeed(all.filter { $0.labels["token"] == token }.map(\.worker))
                case .ids(let ids):
                    // The head's list does not lag: what is not in it has ended.
                    let known = Dictionary(
                        all.map { ($0.worker.id, $0.worker) }, uniquingKeysWith: { $1 })
                    call.succeed(
                        ids.map { known[$0] ?? Worker(id: $0, token: nil, state: .gone) })
                }
            }
        }
    }

    /// Ends workers; one that is gone is ended.
    public func terminate(
        _ ids: [String], _ call: ProviderCall<Termination>
    ) throws(PluginError) {
        end(ids, for: call) { result in
            call.attempt { () throws(PluginError) in
                call.succeed(Termination(left: try result.get()))
            }
        }
    }
}
