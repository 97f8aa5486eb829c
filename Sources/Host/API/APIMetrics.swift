import Synchronization

/// The figures of the API itself.
final class APIMetrics: Sendable {
    private struct Key: Hashable {
        var route: String
        var status: Int
    }

    private struct State {
        var requests: [Key: UInt64] = [:]
        var eventStreams = 0
        var cutStreams: UInt64 = 0
    }

    private let state = Mutex(State())

    func count(route: String, status: Int) {
        state.withLock { $0.requests[Key(route: route, status: status), default: 0] += 1 }
    }

    /// Takes a place for an event stream; false if all are taken.
    func openEventStream(limit: Int) -> Bool {
        state.withLock { state in
            guard state.eventStreams < limit else { return false }
            state.eventStreams += 1
            return true
        }
    }

    /// Whether there is no place for another event stream.
    func isFull(limit: Int) -> Bool { state.withLock { $0.eventStreams >= limit } }

    func closeEventStream() {
        state.withLock { $0.eventStreams -= 1 }
    }

    func countCutStream() {
        state.withLock { $0.cutStreams += 1 }
    }

    /// In Prometheus' text format.
    var text: String {
        let state = state.withLock { state in
            (state.requests, state.eventStreams, state.cutStreams)
        }
        var lines = [
            "# HELP fanfold_api_requests_total Requests answered.",
            "# TYPE fanfold_api_requests_total counter",
        ]
        let requests = state.0.sorted {
            ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
        }
        lines += requests.map { key, count in
            "fanfold_api_requests_total{route=\"\(key.route)\",status=\"\(key.status)\"} \(count)"
        }
        lines += [
            "# HELP fanfold_api_event_streams Event streams that are open.",
            "# TYPE fanfold_api_event_streams gauge",
            "fanfold_api_event_streams \(state.1)",
            "# HELP fanfold_api_cut_streams_total Connections closed because nothing was taken.",
            "# TYPE fanfold_api_cut_streams_total counter",
            "fanfold_api_cut_streams_total \(state.2)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
