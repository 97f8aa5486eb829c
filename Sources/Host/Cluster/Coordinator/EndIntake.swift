import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// Ends of one worker on their way to the loop: in the order in which they came, each with its
/// result, those that lie in blobs fetched first.
final class EndIntake: Sendable {
    /// A message that is complete, or waits for blobs.
    private struct Delivery {
        var sequence: UInt64
        var ends: [WireAttemptEnd]
        var fetched: [BlobID: Result<Payload, WorkFailure>] = [:]
        var missing: Set<BlobID> = []
        var session: WireSession
    }

    private let store: BlobStore
    private let fetcher: BlobFetcher
    /// The worker has a result.
    private let holds: @Sendable (BlobID) -> Void
    private let deliver: @Sendable ([EndedAttempt], _ sequence: UInt64, WireSession) -> Void
    private let queue = Mutex<[Delivery]>([])

    /// An intake that hands on to `deliver`, one message at a time.
    init(
        store: BlobStore, fetcher: BlobFetcher, holds: @escaping @Sendable (BlobID) -> Void,
        deliver: @escaping @Sendable ([EndedAttempt], UInt64, WireSession) -> Void
    ) {
        self.store = store
        self.fetcher = fetcher
        self.holds = holds
        self.deliver = deliver
    }

    /// Forgets what waits for blobs: over a new connection the worker sends it again.
    func reset() { queue.withLock { $0 = [] } }

    /// Takes a message in.
    func take(_ message: WireEnded, from session: WireSession) {
        var delivery = Delivery(sequence: message.sequence, ends: message.ends, session: session)
        var wanted: [(BlobReference, TaskID)] = []
        for end in message.ends {
            guard case .success(let success) = end.outcome, case .blob(let name) = success.payload,
                let reference = BlobReference(name)
            else { continue }
            if delivery.missing.insert(reference.id).inserted {
                wanted.append((reference, TaskID(end.attempt.task)))
            }
        }
        queue.withLock { $0.append(delivery) }
        if wanted.isEmpty { return flush() }
        let source = SessionBlobs(session, name: "worker")
        for (reference, task) in wanted {
            fetcher.fetch(reference, from: [source], pinnedFor: StoredResult.owner(of: task)) {
                [self] outcome in
                arrived(reference, outcome.map { _ in () }, of: message.sequence, session)
            }
        }
    }

    private func arrived(
        _ blob: BlobReference, _ outcome: Result<Void, BlobError>, of sequence: UInt64,
        _ session: WireSession
    ) {
        let found: Result<Payload, WorkFailure>
        do throws(BlobError) {
            try outcome.get()
            found = .success(try StoredResult.payload(blob.id, in: store))
        } catch {
            guard error.isOfTheWorker else {
                // It is this machine that cannot; the worker keeps the end, and over the next
                // connection it comes again.
                return session.close(reason: "the result \(blob.id) could not be kept: \(error)")
            }
            found = .failure(
                WorkFailure(.launch, "its result could not be had from its worker: \(error)"))
        }
        holds(blob.id)
        queue.withLock { queue in
            guard
                let place = queue.firstIndex(where: {
                    $0.sequence == sequence && $0.session == session
                })
            else { return }
            queue[place].missing.remove(blob.id)
            queue[place].fetched[blob.id] = found
        }
        flush()
    }

    /// Hands on what is complete, from the front.
    private func flush() {
        while true {
            let next = queue.withLock { queue -> Delivery? in
                guard let first = queue.first, first.missing.isEmpty else { return nil }
                return queue.removeFirst()
            }
            guard let next else { return }
            let ended = next.ends.map { end -> EndedAttempt in
                var fetched: Result<Payload, WorkFailure>?
                if case .success(let success) = end.outcome, case .blob(let name) = success.payload,
                    let id = BlobID(bytes: Array(name.sha256))
                {
                    fetched = next.fetched[id]
                }
                return EndedAttempt(end, fetched: fetched)
            }
            deliver(ended, next.sequence, next.session)
        }
    }
}

extension BlobError {
    /// Whether it is the other side that did not give what it said it has.
    fileprivate var isOfTheWorker: Bool {
        switch self {
        case .noSource, .wrongContent, .wrongSize, .tooLarge: true
        default: false
        }
    }
}

extension BlobReference {
    /// `nil` if it is no name of a blob.
    init?(_ wire: WireBlobName) {
        guard let id = BlobID(bytes: Array(wire.sha256)), let size = Int64(exactly: wire.size)
        else { return nil }
        self.init(id: id, size: size)
    }
}
