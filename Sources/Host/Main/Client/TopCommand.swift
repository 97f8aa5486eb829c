import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold top`: workers and runs, again and again.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows workers and runs, every second on a terminal.",
        discussion: "Without a terminal, or with another output than table, it shows them once.")

    /// The time between two looks, in milliseconds.
    static let pauseMilliseconds = 1_000
    /// Runs that are shown beside those that go on.
    static let endedRuns = 10

    @OptionGroup var client: ClientOptions

    func run() throws {
        try client.ask { session in
            guard session.style == .table, Terminal.isScreen else {
                session.show(try await Self.look(session), table: Self.table) { answer in
                    (answer["runs"]?.arrayValue ?? []).map { $0.shown("id") }
                }
                return
            }
            var failures = 0
            while true {
                do {
                    let text = Self.table(try await Self.look(session))
                    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                    Terminal.draw(lines.prefix(Terminal.height - 1).joined(separator: "\n"))
                    failures = 0
                } catch  where EventFeed.isPassing(error) && failures < EventFeed.attempts {
                    failures += 1
                }
                try await Task.sleep(for: .milliseconds(Self.pauseMilliseconds))
            }
        }
    }

    private static func look(_ session: ClientSession) async throws -> JSON {
        let client = session.client
        var answer = JSONObject()
        answer["resources"] = try await client.ask(.GET, "/resources")
        answer["workers"] = try await client.ask(.GET, "/workers")["workers"] ?? []
        var runs = try await client.ask(.GET, "/runs?status=running")["runs"]?.arrayValue ?? []
        runs += try await client.ask(.GET, "/runs?status=pending")["runs"]?.arrayValue ?? []
        let latest = try await client.ask(.GET, "/runs?limit=\(endedRuns)")["runs"]?.arrayValue
        runs += (latest ?? []).filter(\.hasEnded)
        answer["runs"] = .array(runs)
        return .object(answer)
    }

    private static func table(_ answer: JSON) -> String {
        let resources = answer["resources"]
        func amount(_ kind: String, _ what: String) -> Int64 {
            resources?[kind]?[what]?.integerValue ?? 0
        }
        let cores = amount("total", "milli_cores")
        let memory = amount("total", "memory_bytes")
        let going = (answer["runs"]?.arrayValue ?? []).count { !$0.hasEnded }
        return """
            \(Human.count(Int(resources?["workers"]?.integerValue ?? 0), "worker")), \
            \(Human.cores(cores - amount("free", "milli_cores"))) of \(Human.thousandths(cores, "core")) and \
            \(Human.bytes(memory - amount("free", "memory_bytes"))) of \(Human.bytes(memory)) \
            reserved, \(Human.count(going, "run")) going on

            \(RunTables.workers(answer))

            \(RunTables.list(answer))
            """
    }
}
