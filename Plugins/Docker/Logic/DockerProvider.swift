import FanfoldJSON
import PluginClouds
import PluginKit

/// Rents containers of an engine that speaks Docker's API: Docker, or Podman.
public struct DockerProvider: Provider, Listing {
    /// What stands in front of the labels by which workers are found.
    static let prefix = "fanfold."

    /// Who the provider is.
    public static let component = ComponentDescription(
        id: "fanfold.docker", version: "1.0.0",
        summary: "Runs workers as containers of Docker or Podman.",
        configurationSchema: DockerConfiguration.schema, services: ["fanfold.http/1"])

    let configuration: DockerConfiguration
    private let http: HostHTTP

    /// Makes an instance.
    public init(configuration: DockerConfiguration, host: HostHandle) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        self.http = http
        self.configuration = configuration
    }

    /// Sends a request; every answer that is no refusal, and every failure, is for `done`.
    func send<Answer>(
        _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
        done: @escaping (Result<HTTPAnswer, PluginError>) -> Void
    ) {
        let isSocket = configuration.endpoint.hasPrefix("unix:")
        let url = configuration.endpoint + (isSocket ? ":" : "") + path
        var request = HTTPRequest(method, url)
        if let body { request = HTTPRequest(method, url, json: body) }
        if !configuration.secret.isEmpty {
            request.signing = HTTPSigning("tls-client", secret: configuration.secret)
        }
        // Ending a container takes as long as it is given.
        request.timeoutMilliseconds = (configuration.graceSeconds + 60) * 1_000
        http.result(of: request, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                done(DockerErrors.refusal(answer).map { .failure($0) } ?? .success(answer))
            }
        }
    }

    /// All containers that are workers.
    public func listed<Answer>(
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[DockerContainer], PluginError>) -> Void
    ) {
        let filters: JSON = ["label": [.string(Self.prefix + "token")]]
        let query = "all=true&filters=" + CloudText.percentEncoded(filters.text)
        send("GET", "/containers/json?" + query, for: call) { result in
            do throws(PluginError) {
                let answer = try result.get()
                guard let items = answer.json?.arrayValue else {
                    throw PluginError(
                        .unavailable, retry: .later, reason: "http.body",
                        "wanted a list of containers of the engine, found none")
                }
                done(.success(items.compactMap(DockerContainer.init)))
            } catch {
                done(.failure(error))
            }
        }
    }

    /// Stops and removes containers, all at a time; the first failure is that of the call.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        guard !ids.isEmpty else { return done(.success([])) }
        let all = ids.map { id in
            { (one: @escaping (Result<Void, PluginError>) -> Void) in
                remove(CloudText.percentEncoded(id), call, one)
            }
        }
        Together.run(all) { results in
            for case .failure(let error) in results { return done(.failure(error)) }
            done(.success([]))
        }
    }

    private func remove<Answer>(
        _ name: String, _ call: ProviderCall<Answer>,
        _ done: @escaping (Result<Void, PluginError>) -> Void
    ) {
        let stop = "/containers/\(name)/stop?t=\(configuration.graceSeconds)"
        send("POST", stop, for: call) { _ in
            // Whatever came of that: what is removed is ended.
            send("DELETE", "/containers/\(name)?force=true&v=true", for: call) { result in
                switch result {
                case .success: done(.success(()))
                case .failure(let error) where Self.isGone(error): done(.success(()))
                case .failure(let error): done(.failure(error))
                }
            }
        }
    }

    /// Not there, or on its way out already.
    private static func isGone(_ error: PluginError) -> Bool {
        error.code == .notFound || error.code == .exists
    }
}

/// A container that is a worker.
public struct DockerContainer: ListedWorker {
    /// Its labels, without what stands in front of them.
    public var labels: [String: String]
    /// The worker.
    public var worker: Worker

    /// Reads an item of `GET /containers/json`.
    init?(_ json: JSON) {
        guard let name = json["Names"]?[0]?.stringValue else { return nil }
        let prefix = DockerProvider.prefix
        var labels: [String: String] = [:]
        for (key, value) in json["Labels"]?.objectValue?.members ?? []
        where key.hasPrefix(prefix) {
            labels[String(key.dropFirst(prefix.count))] = value.stringValue
        }
        self.labels = labels
        let networks = json["NetworkSettings"]?["Networks"]?.objectValue?.values ?? []
        let address = networks.lazy.compactMap { $0["IPAddress"]?.stringValue }
            .first { !$0.isEmpty }
        worker = Worker(
            id: name.hasPrefix("/") ? String(name.dropFirst()) : name, token: labels["token"],
            state: Self.state(json["State"]?.stringValue ?? ""), address: address,
            offering: labels["offering"],
            since: json["Created"]?.integerValue.map(CloudText.time(unixSeconds:)))
    }

    static func state(_ name: String) -> Worker.State {
        switch name {
        case "running", "paused", "restarting": .running
        case "removing", "stopping": .stopping
        case "exited", "dead", "stopped": .gone
        default: .starting
        }
    }
}
