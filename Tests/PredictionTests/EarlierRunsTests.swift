import Testing

@testable import FanfoldPrediction

@Suite struct EarlierRunsTests {
    private func entry(
        _ run: String, _ seconds: Double?, of taskClass: String = "a",
        _ outcome: HistoryEntry.Outcome = .succeeded
    ) -> HistoryEntry {
        HistoryEntry(
            run: run, endedMilliseconds: nil, outcome: outcome, given: Quantities(),
            row: HistoryRow(
                taskClass: taskClass, features: Features(), requested: Quantities(),
                used: Quantities(runtime: seconds)))
    }

    @Test func `a run has as many subtasks as the median of earlier ones, the lower of two`() {
        let entries =
            [entry("1", 1)] + Array(repeating: entry("2", 1), count: 4)
            + Array(repeating: entry("3", 1), count: 5) + Array(repeating: entry("4", 1), count: 9)
        let found = EarlierRuns.of(["a"], in: entries)["a"]
        #expect(found?.subtasks == 4)
        #expect(found?.attempts == 19)
    }

    @Test func `the time is the mean, and what 99 of 100 took at most`() {
        let entries = (1...100).map { entry("1", Double($0)) }
        let found = EarlierRuns.of(["a"], in: entries)["a"]
        #expect(found?.meanSeconds == 50.5)
        #expect(found?.longestSeconds == 99)
        let one = EarlierRuns.of(["a"], in: [entry("1", 7)])["a"]
        #expect(one == EarlierRuns(attempts: 1, subtasks: 1, meanSeconds: 7, longestSeconds: 7))
    }

    @Test func `only what succeeded, is of the class and took time says something`() {
        let entries = [
            entry("1", 1, .failed), entry("1", 2, of: "b"), entry("1", nil), entry("", 3),
        ]
        #expect(EarlierRuns.of([], in: entries).isEmpty)
        let found = EarlierRuns.of(["a"], in: entries)
        #expect(
            found == [
                "a": EarlierRuns(attempts: 1, subtasks: nil, meanSeconds: 3, longestSeconds: 3)
            ])
    }

    @Test func `older attempts and older runs count no more`() {
        let limit = PredictionLimits.earlierAttempts
        let many = [entry("old", 100)] + Array(repeating: entry("new", 1), count: limit)
        let found = EarlierRuns.of(["a"], in: many)["a"]
        #expect(found?.attempts == limit)
        #expect(found?.meanSeconds == 1)
        let runs = (0...PredictionLimits.earlierRuns).flatMap { number in
            Array(repeating: entry("\(number)", 1), count: number == 0 ? 50 : 2)
        }
        #expect(EarlierRuns.of(["a"], in: runs)["a"]?.subtasks == 2)
    }

    private func entry(
        _ run: String, _ seconds: Double?, _ outcome: HistoryEntry.Outcome
    ) -> HistoryEntry { entry(run, seconds, of: "a", outcome) }
}
