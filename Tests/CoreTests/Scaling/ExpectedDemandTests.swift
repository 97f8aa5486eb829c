import Testing

@testable import FanfoldCore

/// What the graph will make ready, as the coordinator tells the scaler.
@Suite struct ExpectedDemandTests {
    /// Task 0 runs on a worker; task 1 comes after it.
    private struct World {
        static let second: UInt64 = 1_000_000_000
        var core = Coordinator()
        var now: UInt64 = 0
        let put: Int

        init(
            cores: Int64 = 2, put: Int, of state: SplitState = .end,
            needs: ResourceRequest = .init(), widths: [TaskWidth] = []
        ) {
            self.put = put
            on(
                .workerRegistered(
                    WorkerSpec(
                        id: worker0,
                        capacity: ResourceVector(milliCores: cores * 1000, memoryBytes: 1 << 34))))
            let first = TaskSpec(id: task0, name: "first", needs: ResourceRequest())
            let second = TaskSpec(id: TaskID(1), name: "second", dependsOn: [task0], needs: needs)
            on(.runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: [first, second])))
            on(.widthsEstimated(RunID(1), widths))
            on(.shapeDeclared(ShapeID(0), ShapeSpec(task: task0)))
            on(.strategyBegan(task0))
            let added = Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: put)
            on(.strategySplit(task0, added: added, state: state))
        }

        @discardableResult
        mutating func on(_ event: Event) -> [Effect] {
            let effects = core.handle(event, at: Tick(now))
            #expect(core.violations() == [])
            return effects
        }

        /// Subtasks of the first task end, each after this many seconds, with so many items.
        mutating func end(_ indices: ClosedRange<UInt32>, seconds: UInt64 = 10, items: UInt64 = 0) {
            for index in indices {
                let usage = AttemptUsage(ranNanoseconds: seconds * Self.second, items: items)
                let cores = UInt32(core.workers[0].slots.count)
                let next = index + cores
                on(
                    .attemptsEnded(
                        worker0,
                        [
                            AttemptReport(
                                attempt: attempt(index), outcome: .succeeded,
                                slot: slot(index % cores),
                                successor: next < put ? attempt(next) : nil, usage: usage)
                        ]))
            }
        }

        func expected(within seconds: UInt64 = 60) -> [ScalingDemand] {
            core.scalingDemand(within: seconds * Self.second).filter { $0.expected != nil }
        }
    }

    private func width(_ make: (inout TaskWidth) -> Void) -> TaskWidth {
        var width = TaskWidth(task: TaskID(1))
        make(&width)
        return width
    }

    @Test func `what a strategy says of a task counts, but for what the one before it holds`() {
        let fixed = width {
            $0.fixed = 10
            $0.nanoseconds = 5
        }
        var world = World(put: 4, widths: [fixed])
        // Nothing is known of how long the first one takes.
        #expect(world.expected().isEmpty)
        world.end(0...0)
        let demand = world.expected()
        // One of four has ended, two run and one is ready: these three have room for others then.
        #expect(demand.map(\.count) == [7])
        #expect(demand.first?.nanoseconds == 5)
        #expect(demand.first?.expected?.name == "second")
        #expect(demand.first?.expected?.run == RunID(1))
        #expect(demand.first?.expected?.readyNanoseconds == 20 * World.second)
        #expect(world.expected(within: 19).isEmpty)
    }

    @Test func `what needs something else than what was before it is wanted whole`() {
        let needs = ResourceRequest(milliCores: 1000, devices: 1)
        var world = World(put: 4, needs: needs, widths: [width { $0.fixed = 3 }])
        world.end(0...0)
        #expect(world.expected().map(\.count) == [3])
        // A label that the workers before need not have is no less.
        let labelled = ResourceRequest(labels: ["disk=fast"])
        var other = World(put: 4, needs: labelled, widths: [width { $0.fixed = 3 }])
        other.end(0...0)
        #expect(other.expected().map(\.count) == [3])
    }

    @Test func `without a word about it one slot is expected, and a larger one fits twice less`() {
        var plain = World(put: 4, needs: ResourceRequest(devices: 1))
        plain.end(0...0)
        #expect(plain.expected().map(\.count) == [1])
        var same = World(put: 4)
        same.end(0...0)
        #expect(same.expected().isEmpty)
        var large = World(
            put: 4, needs: ResourceRequest(milliCores: 2000), widths: [width { $0.fixed = 4 }])
        large.end(0...0)
        #expect(large.expected().map(\.count) == [3])
    }

    @Test func `items that the one before gave say how many there will be, once a quarter is in`() {
        let perItem = width {
            $0.fixed = 0
            $0.producer = task0
            $0.perItem = 0.1
            $0.earlier = 50
        }
        let needs = ResourceRequest(devices: 1)
        var world = World(cores: 1, put: 9, needs: needs, widths: [perItem])
        world.end(0...0, seconds: 1, items: 30)
        // One of nine: not enough; earlier runs say it.
        #expect(world.expected().map(\.count) == [50])
        world.end(1...2, seconds: 1, items: 30)
        // 30 items in each of nine results.
        #expect(world.expected().map(\.count) == [27])
    }

    @Test func `no more is expected of a task than its strategy is asked for first`() {
        let needs = ResourceRequest(devices: 1)
        for (count, expected) in [
            (Limits.expectedSubtasks, Limits.expectedSubtasks),
            (Limits.expectedSubtasks + 1, Limits.expectedSubtasks), (0, 0),
        ] {
            var world = World(put: 4, needs: needs, widths: [width { $0.fixed = count }])
            world.end(0...0)
            #expect(world.expected().reduce(0) { $0 + $1.count } == expected)
        }
    }

    @Test func `a task that has more to put ends when that has ended`() {
        let needs = ResourceRequest(devices: 1)
        var open = World(put: 4, of: .more, needs: needs)
        open.end(0...0)
        #expect(open.expected(within: 1000).isEmpty)
        var first = TaskWidth(task: task0)
        first.fixed = 20
        var known = World(put: 4, of: .more, needs: needs, widths: [first])
        known.end(0...0)
        // 19 on two slots, 10 s each.
        #expect(known.expected(within: 99).isEmpty)
        #expect(known.expected(within: 100).map(\.count) == [1])
    }

    @Test func `what is expected takes no room from what is ready, and none if its run is paused`()
    {
        var core = Coordinator()
        func on(_ event: Event) { _ = core.handle(event, at: Tick(0)) }
        on(
            .workerRegistered(
                WorkerSpec(
                    id: worker0, capacity: ResourceVector(milliCores: 1000, memoryBytes: 1 << 34))))
        let needs = ResourceRequest(devices: 1)
        let tasks = [
            TaskSpec(id: task0, name: "a"),
            TaskSpec(id: TaskID(1), name: "b", dependsOn: [task0], needs: needs),
            TaskSpec(id: TaskID(2), name: "c"),
        ]
        on(.runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: tasks, maximumConcurrency: 5)))
        on(.widthsEstimated(RunID(1), [width { $0.fixed = 8 }]))
        for (shape, task) in [(ShapeID(0), task0), (ShapeID(1), TaskID(2))] {
            on(.shapeDeclared(shape, ShapeSpec(task: task)))
            on(.strategyBegan(task))
        }
        on(
            .strategySplit(
                task0, added: Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: 2),
                state: .end))
        let ended = AttemptReport(
            attempt: attempt(0), outcome: .succeeded, slot: slot(0), successor: attempt(1),
            usage: AttemptUsage(ranNanoseconds: 1))
        on(.attemptsEnded(worker0, [ended]))
        func counts() -> [Int] { core.scalingDemand(within: 1000).map(\.count) }
        #expect(counts() == [4])
        on(
            .strategySplit(
                TaskID(2), added: Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: 3),
                state: .end))
        #expect(counts() == [3, 1])
        on(.runPaused(RunID(1), true))
        #expect(counts() == [])
    }

    @Test func `a word that cannot be, comes late or is about something else changes nothing`() {
        var world = World(put: 4, needs: ResourceRequest(devices: 1))
        world.end(0...0)
        var strange = width { $0.fixed = 9 }
        strange.producer = TaskID(1)
        let others = [
            strange, width { $0.perItem = .nan }, width { $0.perItem = -1 },
            TaskWidth(task: TaskID(7)),
        ]
        #expect(world.on(.widthsEstimated(RunID(1), others)).isEmpty)
        #expect(world.on(.widthsEstimated(RunID(9), [width { $0.fixed = 9 }])).isEmpty)
        #expect(world.expected().map(\.count) == [1])
        #expect(world.on(.widthsEstimated(RunID(1), [width { $0.fixed = 9 }])).isEmpty)
        #expect(world.expected().map(\.count) == [9])
        // Said once more it is what it was; said anew it takes the place of the other.
        #expect(world.on(.widthsEstimated(RunID(1), [width { $0.fixed = 9 }])).isEmpty)
        #expect(world.on(.widthsEstimated(RunID(1), [width { $0.fixed = 2 }])).isEmpty)
        #expect(world.expected().map(\.count) == [2])
        world.on(.runCancelled(RunID(1), reason: "enough"))
        #expect(world.expected().isEmpty)
        #expect(world.on(.widthsEstimated(RunID(1), [width { $0.fixed = 9 }])).isEmpty)
    }

    @Test func `a snapshot goes on with what was said and counted`() throws {
        let perItem = width {
            $0.fixed = 1
            $0.producer = task0
            $0.perItem = 0.5
            $0.nanoseconds = 3
        }
        var world = World(put: 4, needs: ResourceRequest(devices: 1), widths: [perItem])
        world.end(0...0, items: 8)
        var copy = world
        copy.core = try Coordinator(decoding: world.core.encoded())
        #expect(copy.core.encoded() == world.core.encoded())
        #expect(copy.expected() == world.expected())
        #expect(copy.expected().map(\.count) == [17])
    }
}
