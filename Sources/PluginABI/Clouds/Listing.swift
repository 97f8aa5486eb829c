import PluginKit

/// What a back end lists of one worker: its labels with Fanfold's, and what is known of it.
public protocol ListedWorker {
    /// The labels that it was given, without the prefix that they have at the back end.
    var labels: [String: String] { get }
    /// The worker.
    var worker: Worker { get }
}

/// A provider whose back end lists all workers at once, without a lag: what is not in the list has
/// ended.
public protocol Listing: Renting {
    /// One entry of the list.
    associatedtype Listed: ListedWorker

    /// Everything that the back end lists and that Fanfold made.
    func listed<Answer>(
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[Listed], PluginError>) -> Void)
}

extension Listing {
    /// The workers of a launch that are not gone.
    public func rented(
        by token: String, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        listed(for: call) { result in
            done(
                result.map { all in
                    all.filter { $0.labels["token"] == token && $0.worker.state != .gone }
                        .map(\.worker)
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
        listed(for: call) { result in
            call.attempt { () throws(PluginError) in
                let all = try result.get()
                switch query {
                case .owner(let owner):
                    call.succeed(all.filter { $0.labels["owner"] == owner }.map(\.worker))
                case .token(let token):
                    call.succeed(all.filter { $0.labels["token"] == token }.map(\.worker))
                case .ids(let ids):
                    let known = Dictionary(
                        all.map { ($0.worker.id, $0.worker) }, uniquingKeysWith: { $1 })
                    call.succeed(
                        ids.map { known[$0] ?? Worker(id: $0, token: nil, state: .gone) })
                }
            }
        }
    }
}
