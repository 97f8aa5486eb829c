import FanfoldCore
import FanfoldPrediction
import Testing

@testable import FanfoldRuntime

/// What strategies say, before anything runs, of how many subtasks tasks will have.
@Suite struct WidthTests {
    private let folder = TemporaryFolder()

    private func widths(
        _ second: String, merge: String = "concat", first: String = "{items: 1}",
        _ earlier: [String: EarlierRuns] = [:]
    ) throws -> [TaskWidth] {
        let run = try EngineFixture.prepare(
            """
            fanfold: 1
            name: two
            inputs:
              n: {range: 12}
              m: {range: 7}
            tasks:
              first:
                input: ${inputs.n}
                strategy: {use: data-parallel, with: {size: \(first), merge: \(merge)}}
                run: {use: noop}
              second:
                \(second)
                run: {use: noop}
            """, in: folder)
        return run.widths(earlier: earlier)
    }

    private func width(
        _ task: UInt32, _ fixed: Int?, per items: Int? = nil, earlier: Int? = nil,
        nanoseconds: UInt64? = nil
    ) -> TaskWidth {
        var width = TaskWidth(task: TaskID(task))
        width.fixed = fixed
        width.producer = items.map { _ in TaskID(0) }
        width.perItem = items.map { 1 / Double($0) } ?? 0
        width.earlier = earlier
        width.nanoseconds = nanoseconds
        width.longestNanoseconds = nanoseconds.map { _ in 4_000_000_000 }
        return width
    }

    @Test func `a task whose inputs are in the document has what its strategy says`() throws {
        let found = try widths(
            """
            input: ${inputs.m}
                after: [first]
                strategy: {use: data-parallel, with: {size: {items: 2}}}
            """)
        #expect(found == [width(0, 12), width(1, 4)])
    }

    @Test func `a task that splits what another gives has so many for each item`() throws {
        let found = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: {items: 5}}}
            """)
        #expect(found == [width(0, 12), width(1, 0, per: 5)])
    }

    @Test func `shards are as many whatever comes, and a merge that is a sum gives no items`()
        throws
    {
        let shards = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {shards: 3}}
            """)
        #expect(shards == [width(0, 12), width(1, 3)])
        let summed = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: {items: 5}}}
            """, merge: "sum")
        #expect(summed == [width(0, 12)])
    }

    @Test func `what is sized while it runs is as it was in earlier runs`() throws {
        let earlier = EarlierRuns(
            attempts: 30, subtasks: 6, meanSeconds: 2.5, longestSeconds: 4)
        let found = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: auto}}
            """, ["two/second": earlier])
        #expect(found == [width(0, 12), width(1, nil, earlier: 6, nanoseconds: 2_500_000_000)])
        // Seven attempts are too few to say how long it takes.
        var few = earlier
        few.attempts = PredictionLimits.earlierEnough - 1
        let other = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: auto}}
            """, ["two/second": few])
        #expect(other == [width(0, 12), width(1, nil, earlier: 6)])
        let unknown = try widths(
            """
            input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: auto}}
            """, first: "auto")
        #expect(unknown.isEmpty)
    }

    @Test func `a run in which no task waits for another has none, but what earlier ones took`()
        throws
    {
        let run = try EngineFixture.prepare(
            EngineFixture.oneTask("run: {use: noop}"), in: folder)
        #expect(!run.hasWaitingTasks)
        #expect(run.widths(earlier: [:]).isEmpty)
        let earlier = EarlierRuns(
            attempts: 8, subtasks: nil, meanSeconds: 2.5, longestSeconds: 4)
        #expect(
            run.widths(earlier: ["one/t": earlier]) == [
                width(0, nil, nanoseconds: 2_500_000_000)
            ])
    }
}
