import FanfoldJSON
import PluginKit

/// What is asked of a cloud for one offering.
public struct RentOrder: Sendable {
    /// The id of the offering.
    public var offering: String
    /// Fewer than this are no use.
    public var least: Int
    /// How many, at the most.
    public var most: Int
    /// The token of this request, made of the launch's and the offering.
    public var token: String
    /// The launch that it belongs to.
    public var request: LaunchRequest
}

/// A cloud that rents workers of one offering at a time.
///
/// What all clouds have in common is in ``rentAll(_:_:)``: a launch that is repeated finds what it
/// has already rented, sold out is not the end, and what is too few is ended again.
public protocol Renting: Sendable {
    /// The workers of a launch that are not gone, by their tags; the list may lag behind.
    func rented(
        by token: String, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void)

    /// Rents workers; the same order gives the same workers.
    func rent(
        _ order: RentOrder, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void)

    /// Ends workers and says which are left for now; one that is gone is ended.
    func end<Answer>(
        _ ids: [String], for call: ProviderCall<Answer>,
        done: @escaping (Result<[String], PluginError>) -> Void)
}

extension Renting {
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

    /// Rents what a launch wants, best offering first.
    ///
    /// A launch whose answer was lost and that is repeated begins at the last offering that gave
    /// workers: those before it were sold out then, and asking them again might rent a second set.
    /// That offering is asked again with the same token, so that the cloud gives all it gave.
    public func rentAll(_ request: LaunchRequest, _ call: ProviderCall<[Worker]>) {
        rented(by: request.token, for: call) { result in
            switch result {
            case .failure(let error): call.fail(error)
            case .success(let known):
                let last = request.offerings.lastIndex { id in
                    known.contains { $0.offering == id }
                }
                let start = last ?? 0
                let before = Set(request.offerings[..<start])
                let kept = known.filter { worker in
                    worker.offering.map { before.contains($0) } ?? false
                }
                self.next(Launching(request, known, call), at: start, kept)
            }
        }
    }

    private func next(_ launching: Launching, at index: Int, _ workers: [Worker]) {
        let request = launching.request
        guard workers.count < request.count.max, index < request.offerings.count else {
            return finish(launching, workers)
        }
        let offering = request.offerings[index]
        let isLast = index == request.offerings.count - 1
        let order = RentOrder(
            offering: offering,
            least: isLast ? max(1, request.count.min - workers.count) : 1,
            most: request.count.max - workers.count,
            token: cloudToken(request.token, offering), request: request)
        rent(order, for: launching.call) { result in
            switch result {
            case .success(let more):
                let all = workers + more
                self.next(launching, at: index + 1, all)
            case .failure(let error) where error.retry == .elsewhere:
                self.next(launching, at: index + 1, workers)
            case .failure(let error):
                // Other numbers than before, since the list lagged then: they are known by tag.
                let known = launching.known.filter { $0.offering == offering }
                guard error.code == .exists, !known.isEmpty else {
                    return launching.call.fail(error)
                }
                self.next(launching, at: index + 1, workers + known)
            }
        }
    }

    /// Enough workers are a success; what is too few is ended again.
    private func finish(_ launching: Launching, _ workers: [Worker]) {
        let least = launching.request.count.min
        guard workers.count < least else { return launching.call.succeed(workers) }
        let error = PluginError(
            .exhausted, retry: .elsewhere, reason: "capacity",
            "wanted at least \(least) workers, found room for \(workers.count); "
                + "ask for other offerings")
        guard !workers.isEmpty else { return launching.call.fail(error) }
        end(workers.map(\.id), for: launching.call) { result in
            switch result {
            case .success(let left) where left.isEmpty: launching.call.fail(error)
            case .success(let left):
                let termination = Termination(left: left)
                launching.call.fail(termination.failure ?? error)
            case .failure(let failure): launching.call.fail(failure)
            }
        }
    }
}

/// A launch on its way.
private struct Launching {
    let request: LaunchRequest
    /// What its tags were on when it began.
    let known: [Worker]
    let call: ProviderCall<[Worker]>

    init(_ request: LaunchRequest, _ known: [Worker], _ call: ProviderCall<[Worker]>) {
        self.request = request
        self.known = known
        self.call = call
    }
}
