import ArgumentParser
import FanfoldClient
import FanfoldJSON
@preconcurrency import Glibc

/// `fanfold logs`: what attempts wrote, and what they write now.
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Shows the end of what a run's attempts wrote.",
        discussion: """
            Of attempts that run: what they have written so far to standard error, and what executors \
            say. Of those that failed: the end. Of others: what their workers still keep. With --follow \
            it goes on until the run, the task or the subtask has ended. Characters that would \
            control a terminal are written as \\u{1b}; --output json gives the text as it is.
            """)

    @Argument(help: ArgumentHelp("last, or the run's number.", valueName: "run"))
    var selector = "last"

    @Argument(help: "TASK or TASK/SUBTASK; without it the whole run.")
    var part: String?

    @Flag(help: "Go on with what is written.")
    var follow = false

    @Option(
        help: ArgumentHelp("Of each attempt the last so many lines only.", valueName: "lines"))
    var tail: Int?

    @OptionGroup var client: ClientOptions

    func validate() throws {
        if let tail, !(1...1_000_000).contains(tail) {
            throw ValidationError("--tail: wanted 1 to 1000000, found \(tail)")
        }
    }

    func run() throws {
        let (selector, part, follow, tail) = (selector, part, follow, tail)
        try client.ask { session in
            let id = try await session.run(selector)
            let place = try RunPart(part ?? "").query
            let query = place + (tail.map { "\(place.isEmpty ? "?" : "&")lines=\($0)" } ?? "")
            if follow {
                let isOne = part?.contains("/") == true
                return try await LogFollowing(session, isOne: isOne)
                    .run("/runs/\(id)/logs/follow\(query)")
            }
            let logs = try await session.client.ask(.GET, "/runs/\(id)/logs\(query)")
            session.show(logs, table: RunTables.logs) { answer in
                (answer["logs"]?.arrayValue ?? []).map { $0.shown("text") }
            }
            if logs["logs"]?.arrayValue?.isEmpty != false {
                Terminal.complain(
                    "nothing is kept: it wrote nothing to standard error, or too long ago")
            }
        }
    }
}

extension RunTables {
    static func logs(_ answer: JSON) -> String {
        (answer["logs"]?.arrayValue ?? []).map { log in
            let head =
                "== \(log.shown("task"))/\(log.shown("subtask")), attempt "
                + "\(log.shown("attempt")), worker \(log.shown("worker"))"
            return ([head] + PlainText.lines(log["text"]?.stringValue ?? ""))
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

/// Prints what attempts write, line by line, until the coordinator says that it is the end.
private final class LogFollowing {
    /// How often in a row a stream may break off before it is given up.
    static let attempts = 8
    /// Bytes of a line that are held until its end comes; a longer one is printed in pieces.
    static let lineBytes = 64 << 10
    /// The pause before a stream that broke off is opened again, in milliseconds; it doubles.
    static let firstPause = 100

    private struct Reading {
        /// Of the next byte that has not been seen.
        var offset: UInt64 = 0
        var line = ""
    }

    private let session: ClientSession
    /// Whether all is of one subtask, so that nothing has to be said before each line.
    private let isOne: Bool
    private var readings: [String: Reading] = [:]
    private var isOver = false

    init(_ session: ClientSession, isOne: Bool) {
        self.session = session
        self.isOne = isOne
    }

    func run(_ path: String) async throws {
        var failures = 0
        while !isOver {
            var parser = EventParser()
            do {
                try await session.client.stream(path) { bytes in
                    failures = 0
                    for event in parser.take(bytes) { take(event) }
                    return !isOver
                }
            } catch let error as ClientError {
                // A coordinator that is started again is waited for; a refusal is one.
                guard case .unreachable = error, failures < Self.attempts else { throw error }
            } catch {
                guard failures < Self.attempts else {
                    throw ClientError.unreachable(
                        address: session.client.context.address, reason: "\(error)")
                }
            }
            guard !isOver else { break }
            failures += 1
            guard failures <= Self.attempts else { break }
            try await Task.sleep(for: .milliseconds(Self.firstPause << failures))
        }
        for key in readings.keys.sorted() { endLine(key) }
    }

    private func take(_ event: ServerEvent) {
        if event.kind == "end" { isOver = true }
        guard event.kind == "log", let log = try? JSON(parsing: event.data) else { return }
        let key =
            "\(log.shown("task"))/\(log.shown("subtask"))@\(log.shown("worker"))"
            + (log["attempt"]?.integerValue == 1 ? "" : "#\(log.shown("attempt"))")
        let offset = UInt64(clamping: log["offset"]?.integerValue ?? 0)
        let end = offset + UInt64(clamping: log["bytes"]?.integerValue ?? 0)
        var reading = readings[key] ?? Reading(offset: offset)
        // After a break the same may come again.
        guard end > reading.offset || offset == end else { return }
        if session.style == .json {
            Terminal.print(log.text)
        } else {
            if offset > reading.offset {
                Terminal.complain(
                    "(\(offset - reading.offset) bytes of \(key) are not kept any more)")
            }
            let text = log["text"]?.stringValue ?? ""
            let known = offset < reading.offset ? Int(reading.offset - offset) : 0
            reading.line += String(decoding: text.utf8.dropFirst(known), as: UTF8.self)
        }
        reading.offset = max(reading.offset, end)
        readings[key] = reading
        printLines(key)
        if log["has_ended"]?.boolValue == true {
            endLine(key)
            readings[key] = nil
        }
        fflush(stdout)
    }

    private func printLines(_ key: String) {
        guard var line = readings[key]?.line else { return }
        if let feed = line.utf8.lastIndex(of: 10) {
            show(line[..<feed], of: key)
            line = String(line[line.utf8.index(after: feed)...])
        }
        if line.utf8.count > Self.lineBytes {
            show(line[...], of: key)
            line = ""
        }
        readings[key]?.line = line
    }

    /// What came of a line without its end.
    private func endLine(_ key: String) {
        guard let line = readings[key]?.line, !line.isEmpty else { return }
        show(line[...], of: key)
        readings[key]?.line = ""
    }

    private func show(_ text: Substring, of key: String) {
        for line in PlainText.lines(text + "\n") {
            Terminal.print(isOne || session.style == .quiet ? line : "\(key): \(line)")
        }
    }
}
