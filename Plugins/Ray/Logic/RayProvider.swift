import FanfoldJSON
import PluginClouds
import PluginKit

/// Runs workers as jobs of a Ray cluster, one in each job.
public struct RayProvider: Provider, Listing {
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
    public func listed<Answer>(
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
}
