import ArgumentParser
import FanfoldClient
import FanfoldJSON
import FanfoldRuntime

/// Waits for the ends of runs, and shows how far they are: by events, and by looking after every break
/// of the stream.
struct RunWatch: Sendable {
    private let session: ClientSession

    init(_ session: ClientSession) { self.session = session }

    /// The run, once it has ended.
    ///
    /// A coordinator that is started again meanwhile is waited for.
    func wait(for id: UInt64) async throws -> JSON {
        var seen: JSON?
        var display = FollowDisplay(run: id, style: session.style)
        defer { display.clear() }
        try await EventFeed(client: session.client).read {
            let run = try await session.client.ask(.GET, "/runs/\(id)")
            guard run.hasEnded else {
                display.show(run: run)
                return true
            }
            seen = run
            return false
        } _: { event in
            guard event.kind == "gap" || event.run == id else { return true }
            if event.kind == "run.progressed" { display.show(event: event) }
            guard event.kind == "gap" || event.kind == "run.ended" else { return true }
            let run = try await session.client.ask(.GET, "/runs/\(id)")
            if run.hasEnded { seen = run }
            return !run.hasEnded
        }
        return seen ?? .null
    }
}

/// How far a run of a coordinator is: a bar on a terminal, a line every so often elsewhere.
struct FollowDisplay {
    private let run: UInt64
    private let isShown: Bool
    private var isDirty = false
    private var plainAt = monotonicNanoseconds() + ProgressDisplay.plainNanoseconds

    /// A display for a run; it shows nothing unless the style is `table`.
    init(run: UInt64, style: OutputStyle) {
        self.run = run
        isShown = style == .table
    }

    /// Shows what an event `run.progressed` says.
    mutating func show(event: ServerEvent) {
        guard let data = (try? JSON(parsing: event.data))?["data"] else { return }
        func number(_ name: String) -> Int { Int(clamping: data[name]?.integerValue ?? 0) }
        var line = ProgressLine()
        line.task = data["task"]?.stringValue
        line.done = number("succeeded") + number("failed") + number("withdrawn")
        line.known = number("subtasks")
        line.isOpen = data["all_put"]?.boolValue != true
        line.running = number("running")
        line.failed = number("failed")
        line.nanoseconds = UInt64(clamping: number("elapsed_milliseconds")) * 1_000_000
        line.workers = number("workers")
        show(line)
    }

    /// Shows a run that was looked at, until an event comes.
    mutating func show(run: JSON) {
        guard Terminal.isInteractive else { return }
        var line = ProgressLine()
        line.done = Int(clamping: (run["succeeded"]?.integerValue ?? 0))
        line.known = Int(clamping: (run["subtasks"]?.integerValue ?? 0))
        show(line)
    }

    private mutating func show(_ line: ProgressLine) {
        guard isShown else { return }
        if Terminal.isInteractive {
            isDirty = true
            Terminal.show("\r" + line.bar(width: Terminal.width) + "\u{1B}[K")
        } else if monotonicNanoseconds() >= plainAt {
            plainAt = monotonicNanoseconds() + ProgressDisplay.plainNanoseconds
            Terminal.complain("run \(run): " + line.text)
        }
    }

    /// Clears the bar.
    func clear() {
        if isDirty { Terminal.show("\r\u{1B}[K") }
    }
}

extension JSON {
    /// Whether a run has ended.
    var hasEnded: Bool { ["completed", "failed", "cancelled"].contains(shown("status")) }
}

extension ServerEvent {
    /// The run that it is about.
    var run: UInt64? {
        (try? JSON(parsing: data))?["run"]?.integerValue.map { UInt64(clamping: $0) }
    }
}

/// `fanfold wait`: until runs have ended.
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Waits until runs have ended.",
        discussion: "Exit code 1 if one of them did not complete.")

    @Argument(help: "last, all, 7, 1-3 or 1,4-6.")
    var runs = "last"

    @OptionGroup var client: ClientOptions

    func run() throws {
        let runs = runs
        try client.ask { session in
            var ended: [JSON] = []
            for id in try await session.runs(runs) {
                ended.append(try await RunWatch(session).wait(for: id))
            }
            session.show(["runs": .array(ended)], table: RunTables.list) { answer in
                (answer["runs"]?.arrayValue ?? []).map { $0.shown("status") }
            }
            if ended.contains(where: { $0.shown("status") != "completed" }) {
                throw Exit.runFailed
            }
        }
    }
}
