import Foundation
import Testing

/// The figures of docs/performance.md on the published traces, which are not part of the project.
///
/// `FANFOLD_TRACES` names the folder in which `sizey/tasks.csv.gz` lies.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct PredictionTraceTests {
    private static let trace = ProcessInfo.processInfo.environment["FANFOLD_TRACES"].map {
        $0 + "/sizey"
    }

    /// The row of a method: numbers by column.
    private func row(_ method: String, in table: ArraySlice<Substring>) throws -> [Double] {
        let line = try #require(table.first { $0.hasPrefix(method + " ") })
        return line.split(separator: " ").dropFirst().compactMap { Double($0) }
    }

    @Test(.enabled(if: trace != nil, "FANFOLD_TRACES names no folder: NOTHING WAS RUN"))
    func `predicted memory wastes less than every published baseline`() async throws {
        let text = try await Fanfold.output(
            ["bench", "prediction", try #require(Self.trace)], seconds: 500)
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let second = try #require(lines.firstIndex { $0.hasPrefix("paper") })
        // Columns: four workflows, the total, the geometric mean, failures, failed tasks, MAQ.
        let timeline = try row("fanfold", in: lines[..<second])
        #expect(timeline[4] < 5000)
        #expect(timeline[5] < 0.384)
        #expect(timeline[7] <= 9)
        for (waste, best) in zip(timeline, [252, 1921, 1925, 815.0]) { #expect(waste < best) }
        let paper = try row("fanfold", in: lines[second...])
        #expect(paper[4] < 1750)
        // The split and the baselines are the published ones.
        let largest = try row("max-seen", in: lines[second...])
        #expect(largest.prefix(4).map { $0.rounded() } == [86, 506, 1479, 82])
    }

    @Test func `a trace that is not there is said, and ends with 1`() async throws {
        let finished = try await Fanfold.run(["bench", "prediction", "/nowhere"])
        #expect(finished.code == 1)
        #expect(finished.errors.contains("/nowhere: wanted a trace of tasks"))
    }
}
