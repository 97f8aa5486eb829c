import CPluginABI
import FanfoldPlugins
@preconcurrency import Glibc
import Synchronization

/// Answers requests from a file that ``RecordingHTTPService`` wrote, without a network.
///
/// A request is matched by method, URL and body; of several recordings of one request, each answers
/// once, in order.  What was not recorded is a failure that shows the nearest recording.
package final class ReplayingHTTPService: HTTPService {
    private struct State {
        /// The numbers of the recordings that have answered.
        var used: Set<Int> = []
    }

    private let recordings: [Recording]
    /// The line of each, from 1.
    private let lines: [Int]
    private let state = Mutex(State())

    /// Reads a whole file.
    package init(path: String) throws(RecordingProblem) {
        var recordings: [Recording] = []
        var lines: [Int] = []
        let text = try Self.read(path)
        let all = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in all.enumerated() where !line.isEmpty {
            do throws(Recording.Problem) {
                recordings.append(try Recording(line: line))
                lines.append(index + 1)
            } catch {
                throw RecordingProblem(description: "\(path):\(index + 1): \(error.words)")
            }
        }
        self.recordings = recordings
        self.lines = lines
    }

    /// How many recordings have not answered yet.
    package var unusedCount: Int { state.withLock { recordings.count - $0.used.count } }

    /// Answers before it returns.
    package func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        let found = state.withLock { state -> Int? in
            let found = recordings.indices.first {
                !state.used.contains($0) && recordings[$0].answers(request)
            }
            if let found { state.used.insert(found) }
            return found
        }
        done(found.map { recordings[$0].result } ?? .failure(unmatched(request)))
    }

    private func unmatched(_ request: HTTPServiceRequest) -> PluginFailure {
        let asked = "\(request.method) \(Self.cut(request.url))"
        guard let nearest = nearest(to: request) else {
            return .never(
                FAN_NOT_FOUND, "replay.empty", "\(asked) was not recorded; nothing was")
        }
        let recording = recordings[nearest]
        let place = "line \(lines[nearest])"
        if recording.answers(request) {
            return .never(
                FAN_NOT_FOUND, "replay.used",
                "\(asked) was asked more often than it was recorded; the last is \(place)")
        }
        let other = recording.request
        let isSameLine = other.method == request.method && other.url == request.url
        let difference =
            isSameLine
            ? "with another body of \(other.body.count) bytes, not \(request.body.count)"
            : "\(other.method) \(Self.cut(other.url))"
        return .never(
            FAN_NOT_FOUND, "replay.unmatched",
            "\(asked) was not recorded; the nearest is \(place): \(difference)")
    }

    /// The recording that differs least: by method, then by how much of the URL agrees.
    private func nearest(to request: HTTPServiceRequest) -> Int? {
        recordings.indices.max { left, right in
            likeness(recordings[left].request, request)
                < likeness(recordings[right].request, request)
        }
    }

    private func likeness(_ one: HTTPServiceRequest, _ other: HTTPServiceRequest) -> Int {
        let same = zip(one.url.utf8, other.url.utf8).prefix { $0 == $1 }.count
        let isWhole = one.url == other.url
        return same * 4 + (one.method == other.method ? 2 : 0) + (isWhole ? 8 : 0)
            + (one.body == other.body ? 1 : 0)
    }

    private static func cut(_ url: String) -> String {
        let longest = 120
        return url.utf8.count <= longest ? url : String(url.prefix(longest)) + "…"
    }

    private static func read(_ path: String) throws(RecordingProblem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw RecordingProblem(
                description: "the recording \(path) cannot be read: \(systemWords(errno))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = chunk.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw RecordingProblem(
                    description: "the recording \(path) cannot be read: \(systemWords(errno))")
            }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Recording.maximumBytes else {
                throw RecordingProblem(
                    description: "the recording \(path) is longer than "
                        + "\(Recording.maximumBytes) bytes")
            }
        }
    }
}
