import FanfoldJSON
import PluginClouds
import PluginKit

extension RayProvider {
    /// How long there is between two looks at jobs that end.
    static let look = Duration.milliseconds(250)

    /// Stops jobs, waits until they have ended, and removes them from Ray's list.
    ///
    /// A job that waits for room is stopped only once it has some, and is left until then: Ray has
    /// nothing that would take it back.
    public func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        guard !ids.isEmpty else { return done(.success([])) }
        jobs(for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                let wanted = Set(ids)
                let living = all.filter {
                    wanted.contains($0.worker.id) && $0.worker.state != .gone
                }
                each(living.map(\.worker.id), "POST", "/stop", for: call) { error in
                    if let error { return done(.failure(error)) }
                    // One look more than the grace and the seconds in which Ray kills.
                    let looks = (configuration.graceSeconds + 4) * 4
                    clear(wanted, looks: looks, for: call, done: done)
                }
            }
        }
    }

    /// Removes what has ended, and looks again for what has not.
    private func clear<Answer>(
        _ ids: Set<String>, looks: Int, for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void
    ) {
        jobs(for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                let there = all.filter { ids.contains($0.worker.id) }
                let ended = there.filter { $0.worker.state == .gone }.map(\.worker.id)
                let left = there.filter { $0.worker.state != .gone }
                each(ended, "DELETE", "", for: call) { error in
                    if let error { return done(.failure(error)) }
                    let isWorthWaiting = left.contains { !$0.isWaiting }
                    guard isWorthWaiting, looks > 1, !call.isCancelled, let lane else {
                        return done(.success(left.map(\.worker.id).sorted()))
                    }
                    let next = Next { clear(ids, looks: looks - 1, for: call, done: done) }
                    lane.after(Self.look) { next.run() }
                }
            }
        }
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
