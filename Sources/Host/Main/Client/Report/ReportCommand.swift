import ArgumentParser
import FanfoldClient
import FanfoldJSON
@preconcurrency import Glibc

/// `fanfold report`: one HTML file about a run.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes one HTML file about a run.",
        discussion: """
            Summary, tasks, a timeline of attempts by worker, failures, outputs. The file needs \
            nothing beside itself and runs nothing.
            """)

    /// Attempts that are asked for at most.
    static let maximumAttempts = 50_000
    /// Attempts of one answer.
    private static let pageAttempts = 5_000

    @Argument(help: ArgumentHelp("last, or the run's number.", valueName: "run"))
    var selector = "last"

    @Option(
        help: ArgumentHelp(
            "Where it is written; fanfold-run-N.html unless said, - for standard output.",
            valueName: "file"), completion: .file(extensions: ["html"]))
    var file: String?

    @OptionGroup var client: ClientOptions

    func run() throws {
        let (selector, file) = (selector, file)
        try client.ask { session in
            let id = try await session.run(selector)
            let report = try await Self.collect(id, session)
            let page = ReportPage(report).text
            let path = file ?? "fanfold-run-\(id).html"
            if path == "-" { return Terminal.print(page) }
            try Self.write(page, to: path)
            session.show(
                ["file": .string(path), "run": .integer(Int64(clamping: id))],
                table: { "wrote " + $0.shown("file") }, quiet: { [$0.shown("file")] })
        }
    }

    private static func collect(_ id: UInt64, _ session: ClientSession) async throws -> RunRecord {
        let run = try await session.client.ask(.GET, "/runs/\(id)")
        var record = RunRecord(run: run)
        for task in run["tasks"]?.arrayValue ?? [] {
            let name = task.shown("name")
            var first = 0
            var total = 1
            while first < total, record.attempts.count < maximumAttempts {
                let page = try await session.client.ask(
                    .GET,
                    "/runs/\(id)/tasks/\(name)/attempts?first=\(first)&limit=\(pageAttempts)")
                let attempts = page["attempts"]?.arrayValue ?? []
                record.attempts += attempts.compactMap { RunRecord.Attempt($0, task: name) }
                total = Int(clamping: page["total"]?.integerValue ?? 0)
                if attempts.isEmpty { break }
                first += attempts.count
            }
        }
        let logs = try await session.client.ask(.GET, "/runs/\(id)/logs")
        record.logs = logs["logs"]?.arrayValue ?? []
        return record
    }

    private static func write(_ text: String, to path: String) throws {
        guard let stream = fopen(path, "w") else { throw failure(path) }
        var text = text
        let isWritten = text.withUTF8 { bytes in
            fwrite(bytes.baseAddress, 1, bytes.count, stream) == bytes.count
        }
        guard fclose(stream) == 0, isWritten else { throw failure(path) }
    }

    private static func failure(_ path: String) -> Exit {
        Terminal.complain("error: \(path) cannot be written: \(String(cString: strerror(errno)))")
        return .usage
    }
}
