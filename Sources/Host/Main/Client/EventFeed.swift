import FanfoldClient

/// The coordinator's events as long as they are wanted: a stream that breaks off is opened again and
/// goes on after the last event that was seen.
struct EventFeed: Sendable {
    /// The pause before a stream that broke off is opened again, in milliseconds; it doubles.
    static let firstPause = 100
    /// The longest such pause.
    static let longestPause = 5_000
    /// How often in a row nobody may answer before it is given up.
    static let attempts = 8

    let client: FanfoldClient

    /// Reads until `opened` or `body` says that it has seen enough.
    ///
    /// A coordinator that is started again meanwhile is waited for.
    ///
    /// - Parameter opened: called each time that a stream is open; what happens from then on is not
    ///   missed.
    func read(
        opened: () async throws -> Bool, _ body: (ServerEvent) async throws -> Bool
    ) async throws {
        var failures = 0
        var last: String?
        while true {
            var isDone = false
            do {
                _ = try await client.events(after: last) {
                    isDone = try await !opened()
                    return !isDone
                } _: { event in
                    failures = 0
                    if let id = event.id { last = id }
                    isDone = try await !body(event)
                    return !isDone
                }
                if isDone { return }
            } catch let exit as Exit {
                throw exit
            } catch {
                if Task.isCancelled { throw error }
                failures += 1
                guard Self.isPassing(error), failures < Self.attempts else {
                    throw error as? ClientError
                        ?? ClientError.unreachable(
                            address: client.context.address, reason: "\(error)")
                }
            }
            let pause = min(Self.longestPause, Self.firstPause << min(failures, 10))
            try await Task.sleep(for: .milliseconds(pause))
        }
    }

    /// Whether the next try may go better: nobody answers, the coordinator stops or starts, or the
    /// stream broke off.
    static func isPassing(_ error: any Error) -> Bool {
        guard let error = error as? ClientError else { return true }
        switch error {
        case .unreachable: return true
        case .refused(let refusal): return refusal.status == 503
        case .badAnswer, .noContext, .unreadable, .changed: return false
        }
    }
}
