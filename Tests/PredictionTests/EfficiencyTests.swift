import FanfoldPrediction
import Testing

struct EfficiencyTests {
    private func entry(
        _ run: String, _ taskClass: String = "sort", memory: Double, given: Double = 4e9,
        outcome: HistoryEntry.Outcome = .succeeded
    ) -> HistoryEntry {
        HistoryEntry(
            run: run, endedMilliseconds: nil, outcome: outcome,
            given: Quantities(cpu: 2, memory: given),
            row: HistoryRow(
                taskClass: taskClass, features: Features(), requested: Quantities(memory: 4e9),
                used: Quantities(runtime: 10, cpu: 0.5, memory: memory)))
    }

    @Test func `used beside given is weighed by time, and names only the run's own classes`() {
        let found = Efficiency.of(
            run: "2",
            in: [
                entry("1", memory: 3e9), entry("1", "other", memory: 1e9),
                entry("2", memory: 1e9), entry("2", memory: 2e9),
            ])
        #expect(found.map(\.taskClass) == ["sort"])
        #expect(found[0].attempts == 2)
        #expect(found[0].memoryShare == 3.0 / 8)
        #expect(found[0].cpuShare == 0.25)
        #expect(found[0].used[.memory] == 2e9)
    }

    @Test func `a prediction knows only what had ended before`() throws {
        let before = (0..<30).map { _ in entry("1", memory: 1e9) }
        let found = Efficiency.of(
            run: "2", in: before + [entry("2", memory: 3e9), entry("2", memory: 1e9)])
        #expect(found[0].predicted == 2)
        // The first was the first of its size.
        #expect(found[0].covered == 1)
        #expect(try #require(found[0].suggestion[.memory]).rows == 32)
    }

    @Test func `a run that ran out of memory says so, and a run that is unknown says nothing`() {
        let entries = [entry("1", memory: 4e9, outcome: .outOfMemory), entry("1", memory: 6e9)]
        #expect(Efficiency.of(run: "1", in: entries)[0].outOfMemory == 1)
        #expect(Efficiency.of(run: "9", in: entries).isEmpty)
    }
}
