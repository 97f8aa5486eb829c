import FanfoldJSON
import PluginClouds
import PluginKit

extension RayProvider {
    /// How long there is between two looks at jobs that end.
    static let look = Duration.milliseconds(250)
    /// How long a job that has ended is left in Ray's list.
    ///
    /// A supervisor looks after its job once a second, and one that finds no record of it writes
    /// one, of a job that failed (Ray 2.60).
    static let rest = Duration.seconds(2)

    /// Stops jobs, waits until they have ended, and removes them from Ray's list.
    ///
    /// A job that waits for room is stopped only once it has some, and is left until then: Ray has
    /// nothing that would take it back.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        let wanted = Set(ids)
        guard !wanted.isEmpty else { return done(.success([])) }
        records(of: wanted, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                guard !all.isEmpty else { return done(.success([])) }
                let living = all.filter { $0.state != .gone }.map(\.id)
                each(living, "POST", "/stop", for: call) { error in
                    if let error { return done(.failure(error)) }
                    // The grace, and some seconds in which Ray kills.
                    let looks = (configuration.graceSeconds + 4) * 4
                    wait(for: wanted, looks: looks, for: call, done: done)
                }
            }
        }
    }

    /// Looks until all have ended that can end, then removes the ended ones.
    private func wait<Answer>(
        for ids: Set<String>, looks: Int, for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        records(of: ids, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                let left = all.filter { $0.state != .gone }
                let mayEnd = left.contains { !$0.isWaiting }
                guard !mayEnd || looks <= 1 || call.isCancelled || lane == nil else {
                    return after(Self.look) {
                        wait(for: ids, looks: looks - 1, for: call, done: done)
                    }
                }
                let gone = ids.subtracting(left.map(\.id))
                after(Self.rest) {
                    remove(gone, tries: 2, for: call) { error in
                        done(error.map { .failure($0) } ?? .success(left.map(\.id).sorted()))
                    }
                }
            }
        }
    }

    /// Removes jobs that have ended, and after a while those again that came back.
    private func remove<Answer>(
        _ ids: Set<String>, tries: Int, for call: ProviderCall<Answer>,
        done: @escaping (PluginError?) -> Void
    ) {
        records(of: ids, for: call) { result in
            switch result {
            case .failure(let error): done(error)
            case .success(let all):
                each(all.map(\.id), "DELETE", "", for: call) { error in
                    guard error == nil, tries > 1, !all.isEmpty else { return done(error) }
                    after(Self.rest) { remove(ids, tries: tries - 1, for: call, done: done) }
                }
            }
        }
    }

    /// Goes on after a while, or at once where the host withholds the lane.
    private func after(_ time: Duration, _ work: @escaping () -> Void) {
        guard let lane else { return work() }
        let next = Next(work)
        lane.after(time) { next.run() }
    }

    /// What is done on the lane of the provider, where its calls are: hence `@unchecked Sendable`.
    private final class Next: @unchecked Sendable {
        let run: () -> Void

        init(_ run: @escaping () -> Void) {
            self.run = run
        }
    }

    /// The same for each job; one that is not there is as good as done.
    private func each<Answer>(
        _ ids: [String], _ method: String, _ suffix: String, for call: ProviderCall<Answer>,
        done: @escaping (PluginError?) -> Void
    ) {
        let tries = ids.map { id in
            { (one: @escaping (Result<Void, PluginError>) -> Void) in
                let path = "/api/jobs/\(CloudText.percentEncoded(id))\(suffix)"
                send(method, path, for: call) { result in
                    switch result {
                    case .success: one(.success(()))
                    case .failure(let error) where error.code == .notFound: one(.success(()))
                    case .failure(let error): one(.failure(error))
                    }
                }
            }
        }
        Together.run(tries) { results in
            for case .failure(let error) in results { return done(error) }
            done(nil)
        }
    }
}
