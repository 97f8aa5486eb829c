import FanfoldJSON
import PluginClouds
import PluginKit

/// Rents EC2 instances.
public struct AWSProvider: Provider, Renting {
    /// Bytes of user data that EC2 takes, before Base64.
    static let mostUserData = 16_384
    /// Ids in one request.
    static let mostIDs = 200

    /// Who the provider is.
    public static let component = ComponentDescription(
        id: "fanfold.aws", version: "1.0.0",
        summary: "Rents workers from AWS: EC2 instances, on demand and spot.",
        configurationSchema: AWSConfiguration.schema, services: ["fanfold.http/1"])

    let api: AWSAPI
    let configuration: AWSConfiguration

    /// Makes an instance.
    public init(configuration: AWSConfiguration, host: HostHandle) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        self.configuration = configuration
        api = AWSAPI(http: http, configuration: configuration)
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
        switch query {
        case .owner(let owner):
            list("tag:\(AWSInstances.prefix)owner", [owner], for: call) { result in
                call.attempt { () throws(PluginError) in call.succeed(try result.get()) }
            }
        case .token(let token):
            list("tag:\(AWSInstances.prefix)token", [token], for: call) { result in
                call.attempt { () throws(PluginError) in call.succeed(try result.get()) }
            }
        case .ids(let ids): describe(ids[...], [], call)
        }
    }

    /// Asks for ids a portion at a time; the list lags behind: what is not in it yet starts.
    private func describe(
        _ ids: ArraySlice<String>, _ found: [Worker], _ call: ProviderCall<[Worker]>
    ) {
        guard !ids.isEmpty else { return call.succeed(found) }
        let portion = Array(ids.prefix(Self.mostIDs))
        list("instance-id", portion, for: call) { result in
            call.attempt { () throws(PluginError) in
                let listed = try result.get()
                let known = Set(listed.map(\.id))
                let missing = portion.filter { !known.contains($0) }
                    .map { Worker(id: $0, token: nil, state: .starting) }
                describe(ids.dropFirst(portion.count), found + listed + missing, call)
            }
        }
    }

    /// Instances by one filter, all pages.
    func list<Answer>(
        _ filter: String, _ values: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        var members = [(name: "Filter.1.Name", value: filter)]
        for (index, value) in values.enumerated() {
            members.append(("Filter.1.Value.\(index + 1)", value))
        }
        pages("DescribeInstances", members, for: call) { result in
            done(
                result.map { pages in
                    pages.flatMap {
                        AWSInstances.workers(in: $0, address: configuration.address)
                    }
                })
        }
    }

    /// All pages of a description.
    func pages<Answer>(
        _ action: String, _ members: [(name: String, value: String)], _ token: String = "",
        _ before: [XMLElement] = [], for call: ProviderCall<Answer>,
        done: @escaping (Result<[XMLElement], PluginError>) -> Void
    ) {
        let page = token.isEmpty ? [] : [(name: "NextToken", value: token)]
        api.send(action, members + page, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let (document, _)):
                let next = document.text("nextToken")
                guard !next.isEmpty else { return done(.success(before + [document])) }
                pages(action, members, next, before + [document], for: call, done: done)
            }
        }
    }

    /// Ends workers; one that is gone is ended.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        guard !ids.isEmpty else { return done(.success([])) }
        let portion = Array(ids.prefix(Self.mostIDs))
        let members = portion.enumerated().map { index, id in
            (name: "InstanceId.\(index + 1)", value: id)
        }
        api.send("TerminateInstances", members, for: call) { result in
            guard case .failure(let error) = result else {
                return end(Array(ids.dropFirst(portion.count)), for: call, done: done)
            }
            // One that is not there spoils it for the others: they are asked for without it.
            let gone = AWSInstances.ids(in: error.message)
            let rest = ids.filter { !gone.contains($0) }
            guard error.code == .notFound, rest.count < ids.count else {
                return done(.failure(error))
            }
            end(rest, for: call, done: done)
        }
    }
}
