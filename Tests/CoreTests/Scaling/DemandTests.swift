import Testing

@testable import FanfoldCore

/// What a coordinator says of work that waits for workers, and what it keeps of scaling.
@Suite struct DemandTests {
    private func count(_ env: TestEnv, within: UInt64 = 0) -> Int {
        env.core.scalingDemand(within: within).reduce(0) { $0 + $1.count }
    }

    @Test func `what is ready or queued is wanted, what runs is not`() {
        let env = TestEnv(cores: [])
        env.put(5)
        #expect(count(env) == 5)
        env.worker(0, cores: 2)
        let work = env.core.scalingWork(on: worker0)
        #expect(work?.running.reduce(0) { $0 + $1.count } == 2)
        #expect(count(env) == 3)
        #expect(env.core.scalingWork(on: worker1) == nil)
    }

    @Test func `a snapshot says of each worker what is said of it alone`() {
        let env = TestEnv(cores: [1, 3, 2])
        env.put(5)
        env.now += 500
        env.on(.timeElapsed)
        env.on(.workerLost(WorkerID(1), reason: "gone"))
        env.now += 700
        env.on(.timeElapsed)
        let snapshot = env.core.workSnapshot()
        #expect(snapshot.count == 2)
        for number in 0..<4 {
            let worker = WorkerID(UInt32(number))
            let (one, all) = (env.core.scalingWork(on: worker), snapshot.work(on: worker))
            #expect(one?.running == all?.running)
            #expect(one?.workNanoseconds == all?.workNanoseconds)
            #expect((all == nil) == [1, 3].contains(number))
            #expect(env.core.standing(of: worker)?.isIdle == all?.running.isEmpty)
        }
        #expect(snapshot.work(on: worker0)?.workNanoseconds == 1_200)
    }

    @Test func `work is what has run until now`() {
        let env = TestEnv(cores: [1])
        env.put(1)
        env.now += 7_000
        env.on(.timeElapsed)
        #expect(env.core.scalingWork(on: worker0)?.workNanoseconds == 7_000)
    }

    @Test func `a run that may hold no more, or is paused, wants no workers`() {
        let env = TestEnv(cores: [1], maximum: 3)
        env.put(9)
        #expect(count(env) == 2)
        env.on(.runPaused(RunID(1), true))
        #expect(count(env) == 0)
        env.on(.runPaused(RunID(1), false))
        env.on(.queuePaused(QueueSpec.defaultName, true))
        #expect(count(env) == 0)
    }

    @Test func `a queue wants no more than its quota, and what it may borrow, leave it`() {
        func wanted(_ borrowing: Borrowing) -> [Int] {
            let quota = Quota(milliCores: 3_000, borrowing: borrowing)
            let world = SharingWorld([QueueSpec(name: "a", quota: quota), QueueSpec(name: "b")])
            world.worker(cores: 2)
            world.run(9, queue: "a")
            world.run(9, queue: "a")
            world.run(5, queue: "b")
            return world.core.scalingDemand(within: 0).map(\.count)
        }
        #expect(wanted(.nothing) == [1, 5])
        #expect(wanted(.atMost(BorrowingLimit(milliCores: 7_000))) == [7, 1, 5])
        #expect(wanted(.anything) == [7, 9, 5])
    }

    @Test func `what rests is wanted if it has rested soon`() {
        let env = TestEnv(cores: [1], attempts: 3)
        env.put(1)
        env.ended(attempt(0), slot(0), failure: exit1())
        #expect(count(env, within: 1_000_000_000) == 1)
    }

    @Test func `a task that begins soon and needs something else is wanted one slot of`() {
        var core = Coordinator()
        let first = TaskSpec(id: task0, name: "a")
        let second = TaskSpec(
            id: TaskID(1), name: "b", dependsOn: [task0], needs: ResourceRequest(devices: 1))
        func on(_ event: Event, _ at: UInt64 = 0) { _ = core.handle(event, at: Tick(at)) }
        on(
            .workerRegistered(
                WorkerSpec(
                    id: worker0, capacity: ResourceVector(milliCores: 1_000, memoryBytes: 1))))
        on(.runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: [first, second])))
        on(.shapeDeclared(ShapeID(0), ShapeSpec(task: task0)))
        on(.strategyBegan(task0))
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: 3)
        on(.strategySplit(task0, added: added, state: .end))
        // Nothing is known of how long it runs.
        #expect(core.scalingDemand(within: 1_000_000).allSatisfy { $0.request.devices == 0 })
        on(
            .attemptsEnded(
                worker0,
                [
                    AttemptReport(
                        attempt: attempt(0), outcome: .succeeded, slot: slot(0),
                        successor: attempt(1), usage: AttemptUsage(ranNanoseconds: 1_000))
                ]), 1_000)
        let soon = core.scalingDemand(within: 1_000_000)
        #expect(soon.contains { $0.request.devices == 1 && $0.count == 1 })
        #expect(core.scalingDemand(within: 10).allSatisfy { $0.request.devices == 0 })
    }

    @Test func `a drain that is taken back gives the worker work again`() {
        let env = TestEnv(cores: [1])
        env.on(.workerDraining(worker0))
        #expect(!env.put(3).contains { if case .start = $0 { true } else { false } })
        #expect(env.core.workerUsage().first?.phase == .draining)
        #expect(env.core.scalingWork(on: worker0)?.running.isEmpty == true)
        let effects = env.on(.workerDrainCancelled(worker0))
        #expect(env.core.workerUsage().first?.phase == .active)
        #expect(
            effects.contains { if case .start(worker0, _) = $0 { true } else { false } },
            "\(effects)")
        // Once more changes nothing.
        #expect(env.on(.workerDrainCancelled(worker0)).isEmpty)
        #expect(env.on(.workerDrainCancelled(worker1)).isEmpty)
    }

    @Test func `what is kept of scaling comes back with a snapshot, and only the latest decisions`()
        throws
    {
        let env = TestEnv()
        var events = RandomEvents(seed: 3)
        var last: [ScalingDecision] = []
        for number in 0..<400 {
            let decision = events.decision()
            last.append(decision)
            env.on(.scalingRecorded(state: [UInt8(number % 256)], [decision]))
        }
        let copy = try Coordinator(decoding: env.core.encoded())
        #expect(copy.scaling == env.core.scaling)
        #expect(copy.scaling.state == [UInt8(399 % 256)])
        #expect(copy.scaling.decisions == last.suffix(Limits.scalingDecisions))
    }

    @Test func `a worker that its provider lists and that never works is ended`() {
        var scaler = Scaler(settings: ScalingSettings(pools: [ScalingWorld.pool()]))
        var worker = ScalingWorker(name: "w", pool: "a", offering: "a-4", launch: 1)
        worker.isReady = false
        var reasons: [ScalingDecision.Reason] = []
        for turn in 1...30 {
            var facts = ScalingFacts(at: Tick(UInt64(turn) * 30 * ScalingWorld.second))
            facts.workers = [worker]
            // The work would keep it.
            facts.demand = [ScalingDemand(request: ScalingWorld.core, count: 1)]
            reasons += scaler.evaluate(facts).filter { $0.action == .terminate("w") }.map(\.reason)
        }
        #expect(reasons.first == .neverReady)
    }

    @Test func `who cannot be asked loses no worker`() {
        var world = ScalingWorld(ScalingSettings(pools: [ScalingWorld.pool()]))
        world.load = 8
        for _ in 0..<40 { world.turn() }
        let before = world.live.count
        world.load = 0
        for turn in 41...200 {
            var facts = ScalingFacts(at: Tick(UInt64(turn) * 30 * ScalingWorld.second))
            facts.unlisted = ["a"]
            let made = world.scaler.evaluate(facts)
            #expect(made.allSatisfy { $0.action == .keep }, "\(made)")
        }
        #expect(world.scaler.count(of: 0) == before)
    }
}
