import FanfoldClient
import FanfoldJSON

/// What `--watch` shows, again and again: on a terminal the whole of it is drawn anew, elsewhere each
/// line that has changed is printed.
struct WatchView: Sendable {
    /// The time between two looks at least, in milliseconds; what happens meanwhile is seen together.
    static let pauseMilliseconds = 250

    /// A line that is printed when it changes.
    struct Row: Hashable {
        var key: String
        var text: String
    }

    let session: ClientSession
    /// Asks the coordinator.
    let look: @Sendable () async throws -> JSON
    let table: @Sendable (JSON) -> String
    let rows: @Sendable (JSON) -> [Row]
    /// Whether nothing of it will change any more.
    let isOver: @Sendable (JSON) -> Bool

    /// Shows it until nothing will change any more; looks after each event.
    func run() async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await EventFeed(client: session.client).read {
                    signal.yield()
                    return true
                } _: { _ in
                    signal.yield()
                    return true
                }
            }
            group.addTask { try await show(after: signals) }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    private func show(after signals: AsyncStream<Void>) async throws {
        var shown: [String: String] = [:]
        for await _ in signals {
            do {
                let answer = try await look()
                draw(answer, &shown)
                if isOver(answer) { return }
            } catch  where EventFeed.isPassing(error) && !(error is Exit) {
                // The stream of events waits for the coordinator, or gives it up.
            }
            try await Task.sleep(for: .milliseconds(Self.pauseMilliseconds))
        }
    }

    private func draw(_ answer: JSON, _ shown: inout [String: String]) {
        switch session.style {
        case .table where Terminal.isScreen:
            let lines = table(answer).split(separator: "\n", omittingEmptySubsequences: false)
            Terminal.draw(lines.prefix(Terminal.height - 1).joined(separator: "\n"))
        case .table, .quiet:
            let changed = rows(answer).filter {
                shown.updateValue($0.text, forKey: $0.key) != $0.text
            }
            Terminal.printNow(changed.map(\.text))
        case .json:
            let text = session.versioned(answer).text
            if shown.updateValue(text, forKey: "") != text { Terminal.printNow([text]) }
        }
    }
}

/// The lines of `--watch` where there is no terminal.
enum WatchRows {
    static func runs(_ answer: JSON) -> [WatchView.Row] {
        (answer["runs"]?.arrayValue ?? []).map(run)
    }

    static func run(_ run: JSON) -> WatchView.Row {
        WatchView.Row(
            key: run.shown("id"),
            text: "run \(run.shown("id")) (\(run.shown("name"))): \(run.shown("status")), "
                + "\(run.shown("succeeded")) of \(run.shown("subtasks")) done, "
                + "\(run.shown("failed")) failed")
    }

    /// A run and its tasks.
    static func details(_ answer: JSON) -> [WatchView.Row] {
        let runs = answer["runs"]?.arrayValue ?? [answer]
        return runs.flatMap { each in
            [run(each)]
                + (each["tasks"]?.arrayValue ?? []).map { task in
                    let name = "\(each.shown("id"))/\(task.shown("name"))"
                    return WatchView.Row(
                        key: name,
                        text: "\(name): \(task.shown("status")), \(task.shown("succeeded")) of "
                            + "\(task.shown("put")) done, \(task.shown("running")) running, "
                            + "\(task.shown("failed")) failed")
                }
        }
    }

    static func workers(_ answer: JSON) -> [WatchView.Row] {
        (answer["workers"]?.arrayValue ?? []).map { worker in
            WatchView.Row(
                key: worker.shown("id"),
                text: "worker \(worker.shown("id")) (\(worker.shown("name"))): "
                    + "\(worker.shown("status")), \(worker.shown("running")) running, "
                    + "\(worker.shown("queued")) queued")
        }
    }
}
