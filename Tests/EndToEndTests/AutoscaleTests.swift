import Foundation
import Testing

/// `fanfold bench autoscale` on a made-up series, and the figures of docs/performance.md on the
/// published ones, which are not part of the project.
///
/// `FANFOLD_TRACES` names the folder in which `autoscale` lies.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct AutoscaleTests {
    private static let traces = ProcessInfo.processInfo.environment["FANFOLD_TRACES"].map {
        $0 + "/autoscale"
    }

    /// The figures of a method: head-room (none where it has none), requests and cost of the first
    /// half; requests, steps and cost of the second.
    private func rows(_ path: String) async throws -> (String) throws -> [Double] {
        let text = try await Fanfold.output(["bench", "autoscale", path], seconds: 500)
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        return { method in
            let line = try #require(lines.first { $0.hasPrefix(method + "  ") })
            return line.dropFirst(method.count).split(separator: " ").compactMap { Double($0) }
        }
    }

    private func series(_ rows: [String]) throws -> String {
        let file = try Fanfold.temporaryFolder().appendingPathComponent("load.csv")
        try Data(("timestamp,value\n" + rows.joined(separator: "\n") + "\n").utf8).write(to: file)
        return file.path
    }

    @Test func `a load that comes again every day costs little more than the least`() async throws {
        let rows = (0..<600).map { step in
            let hour = step % 24
            let clock = (hour < 10 ? "0" : "") + "\(hour):00:00"
            return "2026-01-01 \(clock),\(hour < 12 ? 20 + 5 * hour : 135 - 5 * hour + step % 2)"
        }
        let row = try await self.rows(try series(rows))
        let ours = try row("fanfold")
        let last = try row("reactive: last value")
        #expect(ours[3] <= 1)
        #expect(ours[5] < 1.2)
        #expect(ours[5] < last[5])
        #expect(try row("clairvoyant") == [0, 1, 0, 0, 1])
    }

    @Test(arguments: [
        (["2026-01-01 00:00:00,1", "2026-01-01 00:00:00,2"], "wanted timestamps"),
        (["2026-01-01 00:00:00,1", "2026-01-01 01:00:00,2"], "wanted more than two seasons"),
        (["2026-01-01 00:00:00,one", "2026-01-01 01:00:00,2"], "wanted values"),
    ])
    func `a series that is not one is said, and ends with 1`(
        rows: [String], words: String
    ) async throws {
        let finished = try await Fanfold.run(["bench", "autoscale", try series(rows)])
        #expect(finished.code == 1)
        #expect(finished.errors.contains(words))
    }

    @Test(
        .enabled(if: traces != nil, "FANFOLD_TRACES names no folder: NOTHING WAS RUN"),
        arguments: [
            ("nab_nyc_taxi_30min", 1.121, 1.742), ("nab_twitter_amzn_5min", 3.18, 7.206),
            ("nab_asg_cpu_5min", 2.486, 2.486),
        ])
    func `at most one request in a hundred is missed for less than by every published method`(
        name: String, best: Double, last: Double
    ) async throws {
        let path = "\(try #require(Self.traces))/\(name).csv.gz"
        let row = try await rows(path)
        let ours = try row("fanfold")
        #expect(ours[3] <= 1)
        #expect(ours[5] < best)
        // The protocol is the published one.
        #expect(abs(try row("reactive: last value")[5] - last) < 0.001)
    }
}
