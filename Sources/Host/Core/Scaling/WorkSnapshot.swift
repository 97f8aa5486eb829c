/// What runs on every worker at one moment: cheap to take on the loop, and read on another thread.
///
/// Shape: two flat lists, so that taking it allocates twice and not for each worker.
package struct WorkSnapshot: Sendable {
    private struct Entry {
        var worker: WorkerID
        var workNanoseconds: UInt64
        /// Where its cells begin; they end where those of the next begin.
        var first: Int
    }

    private struct Part {
        var request: Int
        var count: Int
    }

    private let requests: [ResourceRequest]
    private var entries: [Entry] = []
    private var parts: [Part] = []

    init(requests: [ResourceRequest]) { self.requests = requests }

    mutating func reserve(workers: Int, cells: Int) {
        entries.reserveCapacity(workers)
        parts.reserveCapacity(cells)
    }

    mutating func begin(_ worker: WorkerID, workNanoseconds: UInt64) {
        entries.append(
            Entry(worker: worker, workNanoseconds: workNanoseconds, first: parts.count))
    }

    mutating func add(_ request: Int, count: Int) {
        parts.append(Part(request: request, count: count))
    }

    /// Workers that are there.
    package var count: Int { entries.count }

    /// What runs on a worker, and the work that would be lost with it; `nil` if it is not there.
    ///
    /// Complexity: O(log(workers) and what runs on it).
    package func work(
        on worker: WorkerID
    ) -> (running: [ScalingDemand], workNanoseconds: UInt64)? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].worker < worker { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].worker == worker else { return nil }
        let end = low + 1 < entries.count ? entries[low + 1].first : parts.count
        let running = parts[entries[low].first..<end].map {
            ScalingDemand(request: requests[$0.request], count: $0.count)
        }
        return (running, entries[low].workNanoseconds)
    }
}
