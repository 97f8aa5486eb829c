import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// Waits for the ends of runs: by events, and by looking after every break of the stream.
struct RunWatch: Sendable {
    /// The pause before a stream that broke off is opened again, in milliseconds; it doubles.
    static let firstPause = 100
    /// The longest such pause.
    static let longestPause = 5_000
    /// How often in a row nobody may answer before it is given up.
    static let attempts = 8

    private let session: ClientSession

    init(_ session: ClientSession) { self.session = session }

    /// The run, once it has ended.
    ///
    /// A coordinator that is started again meanwhile is waited for.
    func wait(for id: UInt64) async throws -> JSON {
        var failures = 0
        var last: String?
        while true {
            do {
                var seen: JSON?
                last = try await session.client.events(after: last) {
                    seen = try await ended(id)
                    return seen == nil
                } _: { event in
                    failures = 0
                    return event.kind != "gap" && !Self.isEnd(event, of: id)
                }
                if let seen { return seen }
                if let run = try await ended(id) { return run }
            } catch ClientError.unreachable(let address, let reason) {
                failures += 1
                guard failures < Self.attempts else {
                    throw ClientError.unreachable(address: address, reason: reason)
                }
            } catch let error as ClientError {
                throw error
            } catch {
                // The stream broke off; what was missed is seen by looking.
                failures += 1
                guard failures < Self.attempts else {
                    throw ClientError.unreachable(
                        address: session.client.context.address, reason: "\(error)")
                }
            }
            let pause = min(Self.longestPause, Self.firstPause << min(failures, 10))
            try await Task.sleep(for: .milliseconds(pause))
        }
    }

    private func ended(_ id: UInt64) async throws -> JSON? {
        let run = try await session.client.ask(.GET, "/runs/\(id)")
        let isEnded = ["completed", "failed", "cancelled"].contains(run.shown("status"))
        // `nil` after a question mark would be JSON's null.
        guard isEnded else { return Optional<JSON>.none }
        return run
    }

    private static func isEnd(_ event: ServerEvent, of id: UInt64) -> Bool {
        guard event.kind == "run.ended", let data = try? JSON(parsing: event.data) else {
            return false
        }
        return data["run"]?.integerValue.map { UInt64(clamping: $0) } == id
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
