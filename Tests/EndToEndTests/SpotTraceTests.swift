import Foundation
import Testing

/// `fanfold bench spot` on made-up spot, and the figures of docs/performance.md on the published
/// traces, which are not part of the project.
///
/// `FANFOLD_TRACES` names the folder in which `cloud/spot` lies.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct SpotTraceTests {
    private static let traces = ProcessInfo.processInfo.environment["FANFOLD_TRACES"].map {
        $0 + "/cloud/spot"
    }

    /// The figures of the rows of a trace, deadline by deadline: deadline, greedy, uniform progress,
    /// fanfold, optimum, late.
    private func rows(_ name: String, _ arguments: [String]) async throws -> [[Double]] {
        let text = try await Fanfold.output(["bench", "spot"] + arguments, seconds: 500)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix(name + " ")
        }.map { $0.split(separator: " ").dropFirst().compactMap { Double($0) } }
    }

    private func trace(_ runs: String) throws -> String {
        let file = try Fanfold.temporaryFolder().appendingPathComponent("spot.csv")
        try Data("# gap_seconds=600 made up\nvalue,repeat\n\(runs)".utf8).write(to: file)
        return file.path
    }

    @Test func `spot that is always there costs its price, and none costs what on demand does`()
        async throws
    {
        let short = ["--work", "5", "--deadlines", "8", "--jobs", "2"]
        let always = try #require(try await rows("mean", [try trace("1,100\n")] + short).first)
        #expect(always.dropFirst().dropLast().allSatisfy { abs($0 - 0.3) < 0.01 })
        let never = try #require(try await rows("mean", [try trace("0,100\n")] + short).first)
        #expect(never[3] == 1)
        #expect(never[5] == 0)
    }

    @Test(arguments: [
        ("nothing\n", "wanted a line 'value,repeat'"), ("1,20\n", "wanted more than"),
    ])
    func `a trace that is not one is said, and ends with 1`(
        runs: String, words: String
    ) async throws {
        let finished = try await Fanfold.run(["bench", "spot", try trace(runs)])
        #expect(finished.code == 1)
        #expect(finished.errors.contains(words))
    }

    @Test(.enabled(if: traces != nil, "FANFOLD_TRACES names no folder: NOTHING WAS RUN"))
    func `jobs cost less than by every published policy, and none is late`() async throws {
        // Two jobs of each series: in a debug build more would take too long.
        let rows = try await rows(
            "mean",
            [try #require(Self.traces), "--jobs", "2", "--deadlines", "52", "60", "72", "92"])
        // Greedy, uniform progress and the optimum as the published script gives them.
        let published = [
            [0.813, 0.740, 0.611], [0.688, 0.640, 0.553], [0.608, 0.610, 0.511],
            [0.496, 0.623, 0.472],
        ]
        #expect(rows.count == published.count)
        for (row, figures) in zip(rows, published) {
            #expect(row[3] < min(row[1], row[2]))
            #expect(row[5] == 0)
            for (column, figure) in zip([1, 2, 4], figures) {
                #expect(abs(row[column] - figure) < 0.001)
            }
        }
    }
}
