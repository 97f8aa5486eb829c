import Testing

@testable import FanfoldCore

/// One case for each reason that can occur: what is there, and why the last task waits.
@Suite struct WaitingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var build: @Sendable (SharingWorld) -> SubtaskID
        var reason: WaitingReason

        init(
            _ name: String, _ reason: WaitingReason,
            _ build: @escaping @Sendable (SharingWorld) -> SubtaskID
        ) {
            self.testDescription = name
            self.reason = reason
            self.build = build
        }
    }

    static let quota = QueueSpec(name: "small", quota: Quota(milliCores: 2000))
    static let lent = QueueSpec(
        name: "lent",
        quota: Quota(
            milliCores: 2000, borrowing: .atMost(BorrowingLimit(milliCores: 3000))))

    static let cases: [Case] = [
        Case("deactivated", .deactivated("its run was cancelled: enough")) { world in
            world.worker(cores: 1)
            let task = world.run(3)
            world.on(.runCancelled(RunID(UInt64(task.index) + 1), reason: "enough"))
            return SubtaskID(task: task, index: 2)
        },
        Case("misconfigured", .misconfigured(field: "config./size", "it must be above 0")) {
            world in
            world.worker(cores: 1)
            let task = world.run(3)
            let failure = Failure(.misconfigured, reason: "config./size", "it must be above 0")
            world.on(.strategyFailed(task, failure))
            return SubtaskID(task: task, index: 2)
        },
        Case("paused run", .paused(queue: nil)) { world in
            let task = world.run(3)
            world.on(.runPaused(RunID(UInt64(task.index) + 1), true))
            world.worker(cores: 1)
            return SubtaskID(task: task, index: 2)
        },
        Case("paused queue", .paused(queue: "small")) { world in
            let task = world.run(3, queue: "small")
            world.on(.queuePaused("small", true))
            world.worker(cores: 1)
            return SubtaskID(task: task, index: 2)
        },
        Case("no worker", .noWorker) { world in
            SubtaskID(task: world.run(1), index: 0)
        },
        Case("no worker type", .noWorkerType(labels: ["gpu=h100"])) { world in
            world.worker(cores: 1)
            return SubtaskID(task: world.run(1, labels: ["gpu=h100"]), index: 0)
        },
        Case(
            "exceeds the largest worker",
            .exceedsMaximumWorker(.cpu, wanted: 4000, largest: 2000)
        ) { world in
            world.worker(cores: 2)
            return SubtaskID(task: world.run(1, cores: 4), index: 0)
        },
        Case("devices apart", .devicesApart(.link, wanted: 2, largest: 1)) { world in
            world.worker(cores: 2, gpus: 4)
            return SubtaskID(task: world.run(1, gpus: 2, topology: .link), index: 0)
        },
        Case(
            "exceeds the quota",
            .exceedsQuota(
                QuotaEvidence(
                    queue: "small", dimension: .cpu, wanted: 3000, used: 0, limit: 2000))
        ) { world in
            world.worker(cores: 8)
            return SubtaskID(task: world.run(1, queue: "small", cores: 3), index: 0)
        },
        Case(
            "waits for its quota",
            .waitingForQuota(
                QuotaEvidence(
                    queue: "small", dimension: .cpu, wanted: 1000, used: 2000, limit: 2000))
        ) { world in
            world.worker(cores: 8)
            return SubtaskID(task: world.run(9, queue: "small"), index: 8)
        },
        Case(
            "waits for what it may borrow",
            .waitingForQuota(
                QuotaEvidence(
                    queue: "lent", dimension: .cpu, wanted: 2000, used: 4000, limit: 2000,
                    mostBorrowed: 3000))
        ) { world in
            world.worker(cores: 8)
            return SubtaskID(task: world.run(9, queue: "lent", cores: 2), index: 8)
        },
        Case("concurrency limit", .concurrencyLimit(1)) { world in
            world.worker(cores: 8)
            return SubtaskID(task: world.run(9, maximum: 1), index: 8)
        },
        Case("budget exhausted", .budgetExhausted(spentMicros: 5, limitMicros: 4)) { world in
            world.worker(cores: 1)
            let task = world.run(9)
            world.on(.supplyChanged(.budgetExhausted(spentMicros: 5, limitMicros: 4)))
            return SubtaskID(task: task, index: 8)
        },
        Case(
            "waiting for spot",
            .waitingForSpot(
                SpotEvidence(
                    until: Tick(90_000_000_000), slackNanoseconds: 50_000_000_000,
                    neededNanoseconds: 100_000_000_000, leftNanoseconds: 160_000_000_000))
        ) { world in
            let task = world.run(1)
            world.on(.runTimed(RunID(UInt64(task.index) + 1), deadline: Tick(200_000_000_000)))
            world.on(
                .runServed(
                    RunOutlook(
                        run: RunID(UInt64(task.index) + 1), market: .wait, slots: 1,
                        neededNanoseconds: 100_000_000_000, leftNanoseconds: 200_000_000_000,
                        slackNanoseconds: 90_000_000_000)))
            world.wait(40)
            return SubtaskID(task: task, index: 0)
        },
        Case(
            "deadline infeasible",
            .deadlineInfeasible(
                DeadlineEvidence(
                    deadline: Tick(300_000_000_000), leftNanoseconds: 240_000_000_000,
                    neededNanoseconds: 300_000_000_000))
        ) { world in
            // A minute each, two at a time: ten are left after the first, one of which runs.
            world.worker(cores: 2)
            let task = world.run(12)
            world.on(
                .runTimed(RunID(UInt64(task.index) + 1), deadline: Tick(300_000_000_000)))
            world.now = 60
            world.end(task)
            return SubtaskID(task: task, index: 11)
        },
        Case(
            "deadline infeasible by earlier runs",
            .deadlineInfeasible(
                DeadlineEvidence(
                    deadline: Tick(300_000_000_000), leftNanoseconds: 300_000_000_000,
                    neededNanoseconds: 400_000_000_000))
        ) { world in
            // 80 s each, two at a time: ten are left, and nothing has ended yet.
            world.worker(cores: 2)
            let task = world.run(12)
            let run = RunID(UInt64(task.index) + 1)
            world.on(.runTimed(run, deadline: Tick(300_000_000_000)))
            var width = TaskWidth(task: task)
            width.nanoseconds = 80_000_000_000
            world.on(.widthsEstimated(run, [width]))
            return SubtaskID(task: task, index: 11)
        },
        Case(
            "fragmented GPU",
            .fragmentedDevices(
                FragmentEvidence(worker: worker0, wanted: 600, largest: 500, together: 1000))
        ) { world in
            world.worker(cores: 8, gpus: 2)
            // Two halves of different devices stay free: the first fill one device each.
            world.run(2, gpus: 1, milli: 500)
            world.end(world.run(2, gpus: 1, milli: 500))
            world.end(TaskID(0))
            return SubtaskID(task: world.run(1, gpus: 1, milli: 600), index: 0)
        },
        Case(
            "waits for capacity",
            .waitingForCapacity(
                CapacityEvidence(
                    worker: worker0, dimension: .cpu, lacking: 1000, isKept: false,
                    expected: nil))
        ) { world in
            world.worker(cores: 2)
            world.run(1)
            return SubtaskID(task: world.run(1, cores: 2), index: 0)
        },
        Case("scaling up", .scalingUp(workers: 2, expected: Tick(7))) { world in
            world.on(.supplyChanged(.scalingUp(workers: 2, expected: Tick(7))))
            return SubtaskID(task: world.run(1), index: 0)
        },
        Case("provider unavailable", .providerUnavailable("aws", until: Tick(9))) { world in
            world.on(.supplyChanged(.unavailable(provider: "aws", until: Tick(9))))
            return SubtaskID(task: world.run(1), index: 0)
        },
        Case("suspect", .suspect(worker0)) { world in
            world.worker(cores: 1)
            world.on(.workerSuspected(worker0))
            return SubtaskID(task: world.run(1), index: 0)
        },
        Case(
            "node quarantined",
            .nodeQuarantined(
                worker0, .severalShapes(Limits.blamedShapesPerWorker),
                until: Tick(Limits.quarantineNanoseconds))
        ) { world in
            // Several kinds of subtasks fail on the large worker and succeed on the small one.
            world.worker(cores: 4)
            world.worker(cores: 1)
            world.failKinds(Limits.blamedShapesPerWorker, on: 0, succeedingOn: 1)
            return SubtaskID(task: world.run(1, cores: 2), index: 0)
        },
        Case("queued", .queued(worker0)) { world in
            world.worker(cores: 1)
            return SubtaskID(task: world.run(2), index: 1)
        },
    ]

    @Test(arguments: cases)
    func `the reason for waiting is right`(each: Case) {
        let world = SharingWorld([Self.quota, Self.lent])
        let subtask = each.build(world)
        #expect(world.core.explainWaiting(subtask) == each.reason)
    }

    @Test func `what rests, what comes after others, and what runs`() {
        let env = TestEnv(attempts: 2)
        env.put(after: [[], [0]])
        #expect(env.core.explainWaiting(attempt(1).subtask) == .subtasksWaiting(1))
        #expect(env.core.explainWaiting(attempt(0).subtask) == nil)
        env.ended(attempt(0), slot(0), failure: exit1())
        guard case .backingOff = env.core.explainWaiting(attempt(0).subtask) else {
            Issue.record("the subtask should have rested")
            return
        }
    }

    @Test func `a task waits for those before it, and not when one of them failed`() {
        var core = Coordinator()
        let first = TaskSpec(id: TaskID(0), name: "a")
        let second = TaskSpec(id: TaskID(1), name: "b", dependsOn: [TaskID(0)])
        let third = TaskSpec(id: TaskID(2), name: "c")
        let run = RunSpec(id: RunID(1), seed: 1, tasks: [first, second, third])
        _ = core.handle(.runSubmitted(run), at: .zero)
        #expect(core.explainWaiting(TaskID(0)) == .strategyAnswering)
        #expect(core.explainWaiting(TaskID(1)) == .dependencyWaiting(tasks: [TaskID(0)]))
        _ = core.handle(.strategyFailed(TaskID(0), exit1()), at: .zero)
        #expect(core.explainWaiting(TaskID(0)) == nil)
        #expect(core.explainWaiting(TaskID(1)) == .dependencyFailed(tasks: [TaskID(0)]))
        #expect(
            core.explainWaiting(TaskID(2))
                == .deactivated("another task of its run failed: it ended with exit code 1"))
    }

    @Test func `a run that may end in time is not told that it cannot, and the deadline is kept`() {
        let world = SharingWorld()
        world.copies = true
        world.worker(cores: 2)
        let task = world.run(12)
        world.on(.runTimed(RunID(UInt64(task.index) + 1), deadline: Tick(360_000_000_000)))
        let waits = SubtaskID(task: task, index: 11)
        func code() -> String {
            if case .deadlineInfeasible = world.core.explainWaiting(waits) { return "late" }
            return "waits"
        }
        #expect(code() == "waits", "nothing has ended, so nothing is known")
        world.now = 60
        world.end(task)
        #expect(code() == "waits")
        world.now = 61
        #expect(world.core.explainWaiting(waits) != nil)
        world.wait(60)
        #expect(code() == "late")
        // Another worker is all it takes.
        world.worker(cores: 4)
        #expect(code() != "late")
        world.on(.runCancelled(RunID(UInt64(task.index) + 1), reason: "late"))
        world.on(.runTimed(RunID(UInt64(task.index) + 1), deadline: Tick(1)))
        world.on(.runTimed(RunID(99), deadline: Tick(1)))
        #expect(world.core.violations() == [])
    }

    @Test func `the moment at which something ends comes from what was measured`() {
        let world = SharingWorld()
        world.worker(cores: 1)
        let first = world.run(10)
        world.now = 100
        world.end(first)
        world.now = 110
        let waits = SubtaskID(task: world.run(1), index: 0)
        guard case .waitingForCapacity(let evidence) = world.core.explainWaiting(waits) else {
            Issue.record("it should have waited for capacity")
            return
        }
        #expect(evidence.expected == Tick(160_000_000_000))
    }

    @Test
    func `a quarantine has a beginning that outlives the process, and ends when somebody says so`()
        throws
    {
        let world = SharingWorld()
        world.copies = true
        world.now = 7
        world.worker(cores: 4)
        world.worker(cores: 1)
        world.failKinds(Limits.blamedShapesPerWorker, on: 0, succeedingOn: 1)
        let quarantine = try #require(world.core.quarantine(of: worker0))
        #expect(quarantine.since == Tick(7_000_000_000))
        #expect(quarantine.reason == .severalShapes(Limits.blamedShapesPerWorker))
        let large = world.run(1, cores: 4)
        #expect(world.slots(large) == 0)
        world.on(.workerPardoned(worker0))
        #expect(world.core.quarantine(of: worker0) == nil)
        #expect(world.slots(large) == 1)
    }
}

extension SharingWorld {
    /// So many tasks, each of a kind of its own, of which a subtask succeeds on one worker and then one
    /// fails on another.
    func failKinds(_ count: Int, on bad: Int, succeedingOn good: Int) {
        for _ in 0..<count {
            let task = run(8)
            for (worker, failure) in [(good, nil), (bad, exit1())] {
                guard let place = running[worker].firstIndex(where: { $0.attempt.task == task })
                else {
                    Issue.record("nothing of the task runs on worker \(worker)")
                    continue
                }
                end(worker, place, failure)
            }
            // What is left of it gives way to the next.
            on(.runCancelled(RunID(UInt64(task.index) + 1), reason: "that was enough"))
        }
    }
}
