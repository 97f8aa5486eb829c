import FanfoldCore
import FanfoldPrediction
import FanfoldRuntime
import Glibc
import Logging
import Testing

@Suite struct HistoryFileTests {
    private let folder = TemporaryFolder()

    private func entry(_ taskClass: String, memory: Double) -> HistoryEntry {
        HistoryEntry(
            run: "", endedMilliseconds: nil, outcome: .succeeded, given: Quantities(),
            row: HistoryRow(
                taskClass: taskClass, features: Features(), requested: Quantities(),
                used: Quantities(runtime: 1, memory: memory)))
    }

    private func file(_ runName: String? = nil, maximumBytes: Int64 = 1 << 20) -> HistoryFile {
        HistoryFile(
            path: folder.path + "/state/history.csv", runName: runName,
            maximumBytes: maximumBytes, logger: Logger(label: "test"))
    }

    private func rows(_ file: HistoryFile) throws -> [Double?] {
        try file.entries().entries.map { $0.row.used[.memory] }
    }

    @Test func `a file that is not there holds nothing`() throws {
        #expect(try file().entries().entries.isEmpty)
        #expect(try file().predictor().known.isEmpty)
    }

    @Test func `what a process kept is read by the next, with its run and time`() throws {
        let first = file("mine")
        first.keep(entry("a", memory: 1), of: RunID(3))
        first.flush()
        let second = file()
        second.keep(entry("a", memory: 2), of: RunID(4))
        second.flush()
        let read = try file().entries().entries
        #expect(read.map(\.run) == ["mine", "4"])
        #expect(read.allSatisfy { ($0.endedMilliseconds ?? 0) > 1_700_000_000_000 })
        #expect(try file().predictor().rows(of: "a") == 2)
        #expect(try file().predictor(of: ["b"]).known.isEmpty)
    }

    @Test func `a line that was torn costs itself, and nothing after it`() throws {
        try file().append([entry("a", memory: 1)])
        let stream = try #require(fopen(folder.path + "/state/history.csv", "a"))
        fputs("a,7,17900", stream)
        fclose(stream)
        try file().append([entry("a", memory: 2)])
        #expect(try rows(file()) == [1, 2])
        #expect(try file().entries().skipped == 1)
    }

    @Test func `of a long file only the end says what earlier runs were like`() throws {
        let file = file(maximumBytes: 1 << 24)
        #expect(try file.earlierRuns(of: ["a"]).isEmpty)
        try file.append([entry("b", memory: 1), entry("a", memory: 1)])
        #expect(try file.earlierRuns(of: ["a"])["a"]?.attempts == 1)
        let line = HistoryText.line(entry("a", memory: 1)).utf8.count + 1
        let most = Int(PredictionLimits.earlierBytes) / line
        try file.append(Array(repeating: entry("a", memory: 1), count: most + 1))
        #expect(try file.earlierRuns(of: ["b"]).isEmpty)
        #expect(
            try file.earlierRuns(of: ["a"])["a"]?.attempts == PredictionLimits.earlierAttempts)
    }

    @Test func `several writers lose nothing`() throws {
        let files = (0..<4).map { _ in file() }
        for index in 0..<200 {
            try files[index % 4].append([entry("a", memory: Double(index + 1))])
        }
        #expect(try rows(file()) == (1...200).map { Double($0) })
    }

    @Test func `a file that grew too large keeps the newest of each class`() throws {
        let file = file(maximumBytes: 40_000)
        try file.append([entry("rare", memory: 7)])
        try file.append((1...1000).map { entry("often", memory: Double($0)) })
        let kept = try file.entries().entries
        #expect(kept.count == PredictionLimits.windowRows + 1)
        #expect(kept.first?.row.taskClass == "rare")
        #expect(kept.last?.row.used[.memory] == 1000)
    }

    @Test func `a folder in the file's place is an error with its path`() throws {
        folder.write("state/history.csv/in-the-way")
        #expect(throws: HistoryFileError.self) {
            try file().append([entry("a", memory: 1)])
        }
    }
}
