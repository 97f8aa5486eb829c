import Testing

@testable import FanfoldCore

/// What a coordinator says of runs with a deadline, and how it places what is served on demand.
@Suite struct RunServingTests {
    private static let minute: UInt64 = 60_000_000_000

    private static func outlook(_ run: UInt64, _ market: RunMarket) -> Event {
        .runServed(
            RunOutlook(
                run: RunID(run), market: market, slots: 4, neededNanoseconds: 1, leftNanoseconds: 2,
                slackNanoseconds: 0))
    }

    /// A worker that may be taken back and one that stays, of two cores each.
    private static func world(_ placement: PlacementSettings?) -> SharingWorld {
        let world = SharingWorld()
        world.copies = true
        if let placement { world.on(.placementConfigured(placement)) }
        world.worker(cores: 2, labels: [RunMarket.spotLabel])
        return world
    }

    private static let placements: [PlacementSettings?] = [nil, PlacementSettings()]

    @Test(arguments: [0, 1])
    func `a run in the net is placed on workers that stay alone, others everywhere`(_ place: Int) {
        let world = Self.world(Self.placements[place])
        world.now = 1
        let other = world.run(1)
        let task = world.run(6)
        #expect(world.count(task) == 1)
        world.on(.runTimed(RunID(2), deadline: Tick(60 * Self.minute)))
        world.on(Self.outlook(2, .net))
        // What was queued there was asked back, and what ends makes no room for it.
        #expect(world.queued[0].isEmpty)
        #expect(world.end(task))
        #expect(world.count(task) == 0)
        world.worker(cores: 2, labels: [RunMarket.steadyLabel])
        #expect(world.running[1].map(\.attempt.task) == [task, task])
        let late = world.run(1)
        #expect(world.running[0].map(\.attempt.task) == [other, late])
        // What is served by what is cheapest is placed everywhere again.
        world.end(late)
        world.on(Self.outlook(2, .any))
        #expect(world.running[0].map(\.attempt.task) == [other, task])
        world.lose(WorkerID(0))
        while world.end(task) {}
        #expect(world.core.sharing.netRuns == 0)
    }

    @Test func `a run in the net goes before others, and ends nobody's attempt`() {
        let world = Self.world(PlacementSettings())
        world.now = 1
        let other = world.run(20)
        let task = world.run(2)
        world.on(.runTimed(RunID(2), deadline: Tick(60 * Self.minute)))
        world.on(Self.outlook(2, .net))
        #expect(world.preempted.isEmpty)
        world.worker(cores: 2)
        #expect(world.running[1].map(\.attempt.task) == [task, task])
        #expect(world.count(other) == 2)
        #expect(world.preempted.isEmpty)
    }

    @Test func `a word about a run without a deadline, or that has ended, changes nothing`() {
        let world = Self.world(nil)
        world.run(1)
        let before = world.core.encoded()
        world.on(Self.outlook(1, .net), Self.outlook(9, .net))
        #expect(world.core.encoded() == before)
        world.on(.runTimed(RunID(1), deadline: Tick(Self.minute)))
        world.on(Self.outlook(1, .net), Self.outlook(1, .net))
        #expect(world.core.sharing.netRuns == 1)
        world.end(TaskID(0))
        #expect(world.core.sharing.netRuns == 0)
        world.on(Self.outlook(1, .net))
        #expect(world.core.sharing.netRuns == 0)
    }

    @Test func `before an attempt of it has ended a run takes as long as earlier ones`() {
        let world = Self.world(nil)
        world.now = 1
        let task = world.run(5)
        world.on(.runTimed(RunID(1), deadline: Tick(60 * Self.minute)))
        #expect(world.core.scalingRuns().first?.workNanoseconds == 0)
        var width = TaskWidth(task: task)
        width.nanoseconds = 100_000_000_000
        width.longestNanoseconds = 300_000_000_000
        world.on(.widthsEstimated(RunID(1), [width]))
        let before = world.core.scalingRuns()[0]
        #expect(before.workNanoseconds == 5 * 100e9)
        #expect(before.longestNanoseconds == 300e9)
        // A plan to wait for spot goes by what the run itself has seen.
        #expect(!before.isWhole)
        world.now = 61
        world.end(task)
        let after = world.core.scalingRuns()[0]
        #expect(after.isWhole)
        #expect(after.workNanoseconds == 4 * 67.5e9)
        #expect(after.longestNanoseconds == 120e9)
    }

    @Test func `what is left of a run is told by how long its attempts take`() {
        let world = Self.world(nil)
        world.now = 1
        let task = world.run(5)
        world.run(1)
        #expect(world.core.scalingRuns().isEmpty)
        world.on(.runTimed(RunID(1), deadline: Tick(60 * Self.minute)))
        #expect(world.core.scalingRuns().first?.isWhole == false)
        world.now = 61
        world.end(task)
        world.now = 71
        world.on(.timeElapsed)
        let runs = world.core.scalingRuns()
        #expect(runs.map(\.run) == [RunID(1)])
        let run = runs[0]
        #expect(run.deadline == Tick(60 * Self.minute))
        #expect(run.isWhole)
        #expect(run.count == 4)
        #expect(run.running == 2)
        #expect(run.ranNanoseconds == 80e9)
        // A minute, give or take a quarter of it.
        #expect(run.workNanoseconds == 4 * 67.5e9)
        #expect(run.longestNanoseconds == 120e9)
        #expect(world.core.scalingWork(on: WorkerID(0))?.running.first?.run == RunID(1))
        #expect(world.core.scalingDemand(within: 0).contains { $0.run == RunID(1) })
        #expect(world.core.scalingDemand(within: 0).contains { $0.run == nil })
        world.on(.runPaused(RunID(1), true))
        #expect(world.core.scalingRuns().isEmpty)
    }
}
