// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-cloud/Sources/Cloud/Cloud.swift: change that, then run it.
extension PluginTemplates {
    static let swiftCloud = #"""
        import FanfoldJSON
        import PluginKit

        /// Rents workers from the fake cloud, whose API is docs/plugins/fake-cloud.md of Fanfold.
        ///
        /// Replace the paths, the shapes and the table of errors by those of a cloud of yours, and take
        /// "x-fanfold-cloud" out of the schema.
        public struct Cloud: Provider, Sendable {
            public struct Configuration: Decodable, Sendable {
                public var endpoint: String
                public var secret: String
                public var region: String
            }

            public static let component = ComponentDescription(
                id: "com.example.cloud",
                version: "0.1.0",
                summary: "Rents workers from the fake cloud.",
                configurationSchema: """
                    {
                      "$schema": "https://json-schema.org/draft/2020-12/schema",
                      "type": "object",
                      "x-fanfold-cloud": "fake/1",
                      "additionalProperties": false,
                      "properties": {
                        "endpoint": {"type": "string", "pattern": "^https?://",
                                     "default": "http://fake-cloud.test",
                                     "description": "What stands in front of every path."},
                        "secret": {"type": "string", "minLength": 1, "default": "fake",
                                   "description": "The name of the secret that signs; the host has it."},
                        "region": {"type": "string", "default": "here",
                                   "description": "Where workers are rented."}
                      }
                    }
                    """,
                services: ["fanfold.http/1"])

            private let api: API
            private let region: String

            public init(configuration: Configuration, host: HostHandle) throws(PluginError) {
                guard let http = host.http else { throw .missingService("fanfold.http/1") }
                guard ["http://", "https://"].contains(where: { configuration.endpoint.hasPrefix($0) })
                else {
                    throw .configuration(JSONPointer(["endpoint"]), "wanted a URL, for example http://...")
                }
                guard !configuration.secret.isEmpty else {
                    throw .configuration(JSONPointer(["secret"]), "wanted the name of a secret")
                }
                api = API(
                    http: http, endpoint: configuration.endpoint,
                    signing: HTTPSigning("bearer", secret: configuration.secret))
                region = configuration.region
            }

            public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
                api.send("GET", "/v1/whoami", for: call, as: JSON.self) { (_) throws(PluginError) in
                    call.succeed([ProviderCheck("credentials", ok: true)])
                }
            }

            public func offerings(
                _ query: JSON, _ call: ProviderCall<EndOfOfferings>
            ) throws(PluginError) {
                page("", call)
            }

            private func page(_ token: String, _ call: ProviderCall<EndOfOfferings>) {
                let page = token.isEmpty ? "" : "&page=\(percentEncoded(token))"
                let path = "/v1/offerings?region=\(percentEncoded(region))\(page)"
                api.send("GET", path, for: call, as: OfferingPage.self) { (answer) throws(PluginError) in
                    call.emit(answer.offerings.map(\.offering)) {
                        if let next = answer.next {
                            self.page(next, call)
                        } else {
                            call.succeed(EndOfOfferings())
                        }
                    }
                }
            }

            public func launch(
                _ request: LaunchRequest, _ call: ProviderCall<[Worker]>
            ) throws(PluginError) {
                next(of: request, at: 0, [], call)
            }

            /// Tries the offering at `index`, then the rest.
            private func next(
                of request: LaunchRequest, at index: Int, _ workers: [Worker],
                _ call: ProviderCall<[Worker]>
            ) {
                guard workers.count < request.count.max, index < request.offerings.count else {
                    return finish(request, workers, call)
                }
                let offering = request.offerings[index]
                // One token for each offering: a cloud refuses one that comes back with other parameters.
                var tags = JSONObject(request.tags.sorted { $0.key < $1.key }.map { ($0, .string($1)) })
                tags["token"] = .string(request.token)
                let body: JSON = [
                    "token": .string(cloudToken(request.token, offering)),
                    "offering": .string(offering),
                    "count": .integer(Int64(request.count.max - workers.count)),
                    "boot": .string(request.userData), "tags": .object(tags),
                ]
                api.send("POST", "/v1/launch", body, for: call, as: WorkerList.self) { result in
                    switch result {
                    case .success(let answer):
                        next(of: request, at: index + 1, workers + answer.workers, call)
                    case .failure(let error) where error.retry == .elsewhere:
                        next(of: request, at: index + 1, workers, call)
                    case .failure(let error):
                        call.fail(error)
                    }
                }
            }

            /// Enough workers are a success; what is too few is ended again.
            private func finish(
                _ request: LaunchRequest, _ workers: [Worker], _ call: ProviderCall<[Worker]>
            ) {
                guard workers.count < request.count.min else { return call.succeed(workers) }
                let error = PluginError(
                    .exhausted, retry: .elsewhere, reason: "capacity",
                    "wanted at least \(request.count.min) workers, found room for \(workers.count); "
                        + "ask for other offerings")
                guard !workers.isEmpty else { return call.fail(error) }
                let body: JSON = ["ids": .array(workers.map { .string($0.id) })]
                api.send("POST", "/v1/terminate", body, for: call, as: LeftList.self) { result in
                    if case .failure(let failure) = result { return call.fail(failure) }
                    call.fail(error)
                }
            }

            public func describe(
                _ query: WorkerQuery, _ call: ProviderCall<[Worker]>
            ) throws(PluginError) {
                var asked: [String] = []
                var filter = ""
                switch query {
                case .owner(let owner): filter = "owner=\(percentEncoded(owner))"
                case .token(let token): filter = "token=\(percentEncoded(token))"
                case .ids(let ids):
                    guard !ids.isEmpty else { return call.succeed([]) }
                    asked = ids
                    filter = "ids=\(ids.map(percentEncoded).joined(separator: ","))"
                }
                api.send("GET", "/v1/workers?\(filter)", for: call, as: WorkerList.self) {
                    (answer) throws(PluginError) in
                    // The list lags behind: what is not in it yet starts, and is not gone.
                    let listed = Set(answer.workers.map(\.id))
                    let missing = asked.filter { !listed.contains($0) }
                    call.succeed(
                        answer.workers + missing.map { Worker(id: $0, token: nil, state: .starting) })
                }
            }

            public func terminate(
                _ ids: [String], _ call: ProviderCall<Termination>
            ) throws(PluginError) {
                let body: JSON = ["ids": .array(ids.map { .string($0) })]
                api.send("POST", "/v1/terminate", body, for: call, as: LeftList.self) {
                    (answer) throws(PluginError) in
                    call.succeed(Termination(left: answer.left))
                }
            }
        }

        """#
}
