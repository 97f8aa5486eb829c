import FanfoldJSON

/// Attempts by worker over time, as an SVG with a bounded number of elements.
struct ReportTimeline {
    /// Attempts that are drawn one by one; of more, only how busy a worker was is drawn.
    static let drawnAttempts = 2_000
    /// Workers that have a row.
    static let drawnWorkers = 50
    /// Rows of attempts of one worker that overlap.
    static let drawnLanes = 32
    /// Pieces of time in which it is told how busy a worker was, in all.
    static let drawnPieces = 4_000

    private static let left = 120.0
    private static let width = 900.0
    private static let laneHeight = 9.0
    private static let busyHeight = 28.0
    private static let colours = [
        "#4c78a8", "#54a24b", "#b279a2", "#9d755d", "#72b7b2", "#eeca3b", "#f58518", "#79706e",
    ]

    private let record: RunRecord
    private let span: ClosedRange<Int64>
    private let workers: [String]
    private let byWorker: [String: [RunRecord.Attempt]]

    /// `nil` if no attempt is known.
    init?(_ record: RunRecord) {
        guard let span = record.span else { return nil }
        self.record = record
        self.span = span
        workers = record.workers
        byWorker = Dictionary(grouping: record.attempts, by: \.worker)
    }

    /// The drawing, and what its colours mean.
    var text: String {
        var y = 24.0
        var body = axis
        for worker in workers.prefix(Self.drawnWorkers) {
            let attempts = (byWorker[worker] ?? []).sorted {
                ($0.started, $0.subtask) < ($1.started, $1.subtask)
            }
            let (drawing, height) =
                record.attempts.count <= Self.drawnAttempts
                ? lanes(attempts, at: y) : busy(attempts, at: y)
            let name = HTML.escaped(String(worker.prefix(18)))
            body += "<text x=\"0\" y=\"\(Self.number(y + 9))\">\(name)</text>\n" + drawing
            y += height + 8
        }
        let size = "0 0 \(Int(Self.left + Self.width + 10)) \(Int(y + 4))"
        let drawn =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"\(size)\" role=\"img\" "
            + "aria-label=\"attempts by worker\">\n\(body)</svg>"
        return drawn + "\n" + legend
    }

    /// A line for each tenth of the time.
    private var axis: String {
        let whole = span.upperBound - span.lowerBound
        return (0...5).map { tick in
            let x = Self.number(Self.left + Self.width * Double(tick) / 5)
            let anchor = tick == 0 ? "start" : tick == 5 ? "end" : "middle"
            let time = HTML.escaped(ReportPage.time(whole * Int64(tick) / 5))
            return "<text x=\"\(x)\" y=\"12\" text-anchor=\"\(anchor)\">\(time)</text>\n"
        }.joined()
    }

    /// Every attempt, below each other where they overlap.
    private func lanes(
        _ attempts: [RunRecord.Attempt], at y: Double
    ) -> (drawing: String, height: Double) {
        var ends: [Int64] = []
        var drawing = ""
        for attempt in attempts {
            var lane = ends.firstIndex { $0 <= attempt.started } ?? ends.count
            if lane == ends.count, lane < Self.drawnLanes { ends.append(0) }
            lane = min(lane, ends.count - 1)
            ends[lane] = max(ends[lane], attempt.ended)
            let failure = attempt.failure.map { ": " + String($0.prefix(200)) } ?? ""
            let title =
                "\(attempt.task)/\(attempt.subtask), attempt \(attempt.number), "
                + ReportPage.time(attempt.ended - attempt.started) + failure
            let fill = attempt.failure == nil ? colour(attempt.task) : "#d62728"
            drawing += bar(
                attempt.started, attempt.ended, y: y + Double(lane) * Self.laneHeight,
                height: Self.laneHeight - 1.5, "fill=\"\(fill)\"", title)
        }
        return (drawing, Double(max(1, ends.count)) * Self.laneHeight)
    }

    /// How many attempts ran at a time, piece by piece.
    private func busy(
        _ attempts: [RunRecord.Attempt], at y: Double
    ) -> (drawing: String, height: Double) {
        let count = max(20, min(400, Self.drawnPieces / max(1, workers.count)))
        let piece = Double(span.upperBound - span.lowerBound) / Double(count)
        var ran = [Double](repeating: 0, count: count)
        for attempt in attempts {
            let from = Double(attempt.started - span.lowerBound) / piece
            // What took less than the clock shows took something.
            let ended = max(attempt.ended, attempt.started + 1)
            let to = Double(ended - span.lowerBound) / piece
            let (first, last) = (min(count - 1, Int(from)), min(count - 1, Int(to)))
            for place in first...last {
                ran[place] += max(0, min(to, Double(place + 1)) - max(from, Double(place)))
            }
        }
        let most = max(1, ran.max() ?? 1)
        var drawing = ""
        for (place, value) in ran.enumerated() where value > 0 {
            let height = Self.busyHeight * value / most
            let start = span.lowerBound + Int64(Double(place) * piece)
            drawing += bar(
                start, start + max(1, Int64(piece)), y: y + Self.busyHeight - height,
                height: height, "fill=\"#4c78a8\"", "\(Human.fixed(value, 1)) at a time")
        }
        return (drawing, Self.busyHeight)
    }

    private func bar(
        _ from: Int64, _ to: Int64, y: Double, height: Double, _ look: String, _ title: String
    ) -> String {
        let scale = Self.width / Double(span.upperBound - span.lowerBound)
        let x = Self.left + Double(from - span.lowerBound) * scale
        let width = max(0.7, Double(to - from) * scale)
        return "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
            + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" \(look)>"
            + "<title>\(HTML.escaped(title))</title></rect>\n"
    }

    private func colour(_ task: String) -> String {
        let place = record.tasks.firstIndex { $0["name"]?.stringValue == task } ?? 0
        return Self.colours[place % Self.colours.count]
    }

    private var legend: String {
        let more = workers.count - Self.drawnWorkers
        let rest = more > 0 ? " \(more) more workers are not drawn." : ""
        guard record.attempts.count <= Self.drawnAttempts else {
            return "<p class=\"note\">The height is how many attempts ran at a time.\(rest)</p>"
        }
        let tasks = record.tasks.prefix(Self.colours.count).map { task in
            let name = task.shown("name")
            return "<span style=\"color:\(colour(name))\">■</span> \(HTML.escaped(name))"
        }
        let failed = ["<span style=\"color:#d62728\">■</span> failed"]
        return "<p class=\"note\">\((tasks + failed).joined(separator: " &nbsp; "))\(rest)</p>"
    }

    private static func number(_ value: Double) -> String { Human.fixed(value, 2) }
}
