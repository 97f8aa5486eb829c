@preconcurrency import Glibc
import Logging
import Synchronization

/// Fetches blobs from others into a store: chunk by chunk, each checked, from several at once.
///
/// However many ask for a blob, it is fetched once.  A holder that fails, is slow or has not got it
/// makes way for the next; one that gives wrong bytes is not asked again in that fetch.  What has
/// come is kept over a restart and not asked for again.
///
/// The fetcher has no threads of its own: while there is something to do it lets up to
/// `limits.threads` pieces of work run by `launch`, each of which waits for sources and the disk and
/// returns when nothing is left to do.
package final class BlobFetcher: Sendable {
    /// What a fetch ends with.
    package typealias Answer = @Sendable (Swift.Result<BlobReference, BlobError>) -> Void

    let store: BlobStore
    private let limits: BlobFetchLimits
    private let launch: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let desk = Mutex(Desk())

    private struct Desk {
        /// In the order of asking, which is the order of service.
        var flights: [BlobFlight] = []
        var threads = 0
        var isClosed = false
    }

    /// A fetcher into `store`.
    ///
    /// - Parameter launch: Runs a piece of work on a thread that may wait, such as a `PlainThread`.
    package init(
        store: BlobStore, limits: BlobFetchLimits = BlobFetchLimits(),
        launch: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.store = store
        self.limits = limits
        self.launch = launch
    }

    /// Sees to it that a blob is in the store; joins a fetch that is under way.
    ///
    /// - Parameters:
    ///   - sources: Who may have it, the best first; new ones of a joined fetch are added to it.
    ///   - owner: Who pins it from the moment it is there; else it may be evicted at once.
    ///   - then: Called once, on the calling thread if the blob is there already, else on one of the
    ///     fetcher's.  It must not wait.
    package func fetch(
        _ blob: BlobReference, from sources: [any BlobSource], pinnedFor owner: String? = nil,
        then answer: @escaping Answer
    ) {
        if let result = answerAtOnce(blob, pinnedFor: owner) { return answer(result) }
        let isTaken = desk.withLock { desk in
            guard !desk.isClosed else { return false }
            let caller = BlobFlight.Caller(owner: owner, answer: answer)
            for flight in desk.flights where flight.blob == blob {
                if flight.join(caller, sources) { return true }
            }
            let flight = BlobFlight(blob, store: store, limits: limits)
            desk.flights.append(flight)
            return flight.join(caller, sources)
        }
        guard isTaken else { return answer(.failure(.fetchEnded(blob.id))) }
        for job in desk.withLock({ takeJobs(&$0) }) { start(job) }
    }

    /// Fetches under way.
    package var count: Int { desk.withLock { $0.flights.count } }

    /// Whether every fetch ends with `fetchEnded`.
    package var isClosed: Bool { desk.withLock { $0.isClosed } }

    /// Ends all fetches with `fetchEnded`; what has come of them is kept.
    ///
    /// Sources that are being asked are not interrupted; their answers are thrown away.
    package func close() {
        let flights = desk.withLock { desk in
            desk.isClosed = true
            defer { desk.flights = [] }
            return desk.flights
        }
        for flight in flights { flight.end(.failure(.fetchEnded(flight.blob.id))) }
    }

    private func answerAtOnce(
        _ blob: BlobReference, pinnedFor owner: String?
    ) -> Swift.Result<BlobReference, BlobError>? {
        guard let size = store.size(of: blob.id) else { return nil }
        guard size == blob.size else {
            return .failure(.wrongSize(wanted: blob.size, found: size))
        }
        do throws(BlobError) {
            if let owner { try store.pin([blob.id], for: owner) }
            return .success(blob)
        } catch .missing {
            // It was evicted this moment.
            return nil
        } catch {
            return .failure(error)
        }
    }

    private struct Job: Sendable {
        var flight: BlobFlight
        var step: FetchPlan.Step
    }

    /// As many steps as there may be threads for; each is counted as a thread from now on.
    private func takeJobs(_ desk: inout Desk) -> [Job] {
        var jobs: [Job] = []
        for flight in desk.flights {
            while desk.threads < limits.threads {
                let step = flight.next()
                guard step != .wait else { break }
                desk.threads += 1
                jobs.append(Job(flight: flight, step: step))
            }
        }
        return jobs
    }

    private func start(_ job: Job) {
        launch { self.work(job) }
    }

    /// Does steps until none is left for this thread; what a step makes possible beyond that is
    /// given to other threads.
    private func work(_ first: Job) {
        var job = first
        while true {
            let isOver = job.flight.perform(job.step)
            let jobs = desk.withLock { desk in
                if isOver { desk.flights.removeAll { $0 === job.flight } }
                desk.threads -= 1
                return takeJobs(&desk)
            }
            guard let next = jobs.first else { return }
            for other in jobs.dropFirst() { start(other) }
            job = next
        }
    }
}
