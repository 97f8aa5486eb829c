import FanfoldJSON
import PluginClouds
import PluginKit

/// Runs workers as jobs of a Slurm cluster, one in each allocation.
public struct SlurmProvider: Provider, Listing {
    /// Who the provider is.
    public static let component = ComponentDescription(
        id: "fanfold.slurm", version: "1.0.0",
        summary: "Runs workers as jobs of a Slurm cluster.",
        configurationSchema: SlurmConfiguration.schema, services: ["fanfold.http/1"])

    let configuration: SlurmConfiguration
    private let http: HostHTTP

    /// Makes an instance.
    public init(configuration: SlurmConfiguration, host: HostHandle) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        self.http = http
        self.configuration = configuration
    }

    /// Sends a request; refusals and failures are for `done`.
    func send<Answer>(
        _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
        done: @escaping (Result<JSON, PluginError>) -> Void
    ) {
        let isSocket = configuration.endpoint.hasPrefix("unix:")
        let url =
            configuration.endpoint + (isSocket ? ":" : "") + "/slurm/\(configuration.api)\(path)"
        var request = HTTPRequest(method, url)
        if let body { request = HTTPRequest(method, url, json: body) }
        if !configuration.secret.isEmpty {
            request.headers.append(("X-SLURM-USER-NAME", configuration.user))
            request.signing = HTTPSigning(
                "bearer", secret: configuration.secret,
                options: JSONObject([("header", "X-SLURM-USER-TOKEN")]))
        }
        http.result(of: request, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                if let error = SlurmErrors.refusal(answer) { return done(.failure(error)) }
                guard let json = answer.json else {
                    return done(
                        .failure(
                            PluginError(
                                .unavailable, retry: .later, reason: "http.body",
                                "wanted JSON in the answer of slurmrestd, found none")))
                }
                done(.success(json))
            }
        }
    }

    /// All jobs that are workers, each name once.
    public func listed<Answer>(
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[SlurmJob], PluginError>) -> Void
    ) {
        send("GET", "/jobs", for: call) { result in done(result.map(SlurmJob.newest)) }
    }

    /// Cancels jobs, all at a time.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        listed(for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                let wanted = Set(ids)
                let living = all.filter {
                    wanted.contains($0.worker.id) && $0.worker.state != .gone
                }
                let tries = living.map { job in
                    { (one: @escaping (Result<Void, PluginError>) -> Void) in
                        send("DELETE", "/job/\(job.number)", for: call) { result in
                            switch result {
                            case .success: one(.success(()))
                            case .failure(let error) where error.code == .notFound:
                                one(.success(()))
                            case .failure(let error): one(.failure(error))
                            }
                        }
                    }
                }
                Together.run(tries) { results in
                    for case .failure(let error) in results { return done(.failure(error)) }
                    done(.success([]))
                }
            }
        }
    }
}
