import Testing

@testable import FanfoldCore

@Suite struct SharingTests {
    @Test func `queues of one weight hold the same, whoever came first`() {
        let world = SharingWorld([QueueSpec(name: "a"), QueueSpec(name: "b")])
        let first = world.run(20, queue: "a")
        let second = world.run(20, queue: "b")
        world.worker(cores: 10)
        #expect(world.slots(first) == 5)
        #expect(world.slots(second) == 5)
    }

    @Test func `three times the weight is three times the share`() {
        let world = SharingWorld([QueueSpec(name: "a", weight: 3), QueueSpec(name: "b")])
        let first = world.run(20, queue: "a")
        let second = world.run(20, queue: "b")
        world.worker(cores: 8)
        #expect(world.slots(first) == 6)
        #expect(world.slots(second) == 2)
    }

    /// 9 cores and 18 GB; one wants 1 core and 4 GB at a time, the other 3 cores and 1 GB.
    @Test func `the example of the paper on dominant resources comes out as it does there`() {
        let world = SharingWorld([QueueSpec(name: "a"), QueueSpec(name: "b")])
        let first = world.run(20, queue: "a", cores: 1, gigabytes: 4)
        let second = world.run(20, queue: "b", cores: 3, gigabytes: 1)
        world.worker(cores: 9, gigabytes: 18)
        #expect(world.slots(first) == 3)
        #expect(world.slots(second) == 2)
    }

    @Test func `a queue that comes late gets its share as attempts end, and no sooner`() {
        let world = SharingWorld([QueueSpec(name: "a"), QueueSpec(name: "b")])
        world.worker(cores: 4)
        let first = world.run(100, queue: "a")
        #expect(world.slots(first) == 4)
        let second = world.run(100, queue: "b")
        #expect(world.slots(second) == 0)
        world.end(first)
        world.end(first)
        #expect(world.slots(second) == 2)
        for _ in 0..<10 {
            world.end(first)
            world.end(second)
            #expect(world.slots(first) == 2)
        }
    }

    @Test func `a queue holds no more than its quota, though there is room`() {
        let quota = Quota(milliCores: 3000)
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 8)
        let run = world.run(20, queue: "a")
        #expect(world.slots(run) == 3)
        let other = world.run(20)
        #expect(world.slots(other) == 5)
        world.end(run)
        #expect(world.slots(run) == 3)
    }

    @Test func `a request larger than the quota never runs, borrowed or not`() {
        let quota = Quota(milliCores: 3000, borrowing: .anything)
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 8)
        let large = world.run(1, queue: "a", cores: 4)
        #expect(world.slots(large) == 0)
        #expect(world.slots(world.run(8, queue: "a", cores: 2)) == 4)
    }

    @Test func `a quota of devices counts devices, and parts of them`() {
        let quota = Quota(deviceMilli: 2000)
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 8, gpus: 4)
        #expect(world.slots(world.run(4, queue: "a", gpus: 1)) == 2)
        #expect(world.slots(world.run(4, queue: "a", cores: 2)) == 3)
    }

    @Test func `what is borrowed is given back, slot by slot, to whom it belongs`() {
        let half = Quota(milliCores: 4000, borrowing: .anything)
        let world = SharingWorld([
            QueueSpec(name: "a", quota: half), QueueSpec(name: "b", quota: half),
        ])
        world.worker(cores: 8)
        let borrower = world.run(100, queue: "a")
        #expect(world.slots(borrower) == 8)
        let owner = world.run(100, queue: "b")
        for held in 1...4 {
            world.end(borrower)
            #expect(world.slots(owner) == held)
        }
        for _ in 0..<8 {
            world.end(borrower)
            #expect(world.slots(owner) == 4)
        }
    }

    @Test func `a queue borrows up to its limit and no further, though there is room`() {
        let quota = Quota(
            milliCores: 2000, borrowing: .atMost(BorrowingLimit(milliCores: 3000)))
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 10)
        let run = world.run(20, queue: "a")
        #expect(world.slots(run) == 5)
        world.end(run)
        #expect(world.slots(run) == 5)
        #expect(world.core.queueUsage()[1].borrowed.milliCores == 3000)
        // What is left is another's.
        #expect(world.slots(world.run(20)) == 5)
    }

    @Test func `a limit on what is borrowed holds for its dimension alone`() {
        let quota = Quota(
            milliCores: 1000, memoryBytes: 4 << 30, deviceMilli: 1000,
            borrowing: .atMost(BorrowingLimit(memoryBytes: 8 << 30, deviceMilli: 0)))
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 20, gpus: 4)
        let small = world.run(4, queue: "a")
        #expect(world.slots(small) == 4)
        let large = world.run(4, queue: "a", gigabytes: 4)
        #expect(world.slots(large) == 3)
        let fast = world.run(4, queue: "a", gpus: 1)
        #expect(world.slots(fast) == 1)
    }

    @Test func `a limit on what is borrowed that is lowered is kept as attempts end`() {
        func queue(_ borrowing: Borrowing) -> QueueSpec {
            QueueSpec(name: "a", quota: Quota(milliCores: 1000, borrowing: borrowing))
        }
        let world = SharingWorld([queue(.anything)])
        world.worker(cores: 6)
        let run = world.run(100, queue: "a")
        #expect(world.slots(run) == 6)
        world.on(.queuesConfigured([queue(.atMost(BorrowingLimit(milliCores: 2000)))]))
        #expect(world.slots(run) == 6)
        for _ in 0..<6 { world.end(run) }
        #expect(world.slots(run) == 3)
        world.on(.queuesConfigured([queue(.nothing)]))
        for _ in 0..<6 { world.end(run) }
        #expect(world.slots(run) == 1)
    }

    @Test func `what is left of a limit goes to those who ask for less`() {
        let quota = Quota(
            milliCores: 4000, borrowing: .atMost(BorrowingLimit(milliCores: 1000)))
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 20)
        let large = world.run(9, queue: "a", cores: 4)
        let small = world.run(9, queue: "a")
        #expect(world.slots(large) == 1)
        #expect(world.slots(small) == 1)
    }

    @Test func `a quota and a limit that are more than any number are as much as there is`() {
        let quota = Quota(
            memoryBytes: .max - 1, borrowing: .atMost(BorrowingLimit(memoryBytes: .max)))
        #expect(quota.ceiling == Quota(memoryBytes: .max))
        let world = SharingWorld([QueueSpec(name: "a", quota: quota)])
        world.worker(cores: 3)
        #expect(world.slots(world.run(9, queue: "a", gigabytes: 1)) == 3)
    }

    @Test func `a lower quota is kept as attempts end`() {
        let world = SharingWorld([QueueSpec(name: "a")])
        world.worker(cores: 4)
        let run = world.run(100, queue: "a")
        #expect(world.slots(run) == 4)
        world.on(.queuesConfigured([QueueSpec(name: "a", quota: Quota(milliCores: 1000))]))
        for _ in 0..<6 { world.end(run) }
        #expect(world.slots(run) == 1)
    }

    @Test func `a run of a queue that nobody configured is refused`() {
        let world = SharingWorld([QueueSpec(name: "a")])
        let effects = world.core.handle(
            .runSubmitted(RunSpec(id: RunID(9), seed: 1, tasks: [], queue: "c")), at: .zero)
        guard case .runEnded(_, .failed(nil, let failure)) = effects.first else {
            Issue.record("the run should have been refused")
            return
        }
        #expect(failure.reason == "run.queue")
        #expect(failure.message.contains("default, a"))
    }

    @Test func `a queue that is not configured any more keeps its runs`() {
        let world = SharingWorld([QueueSpec(name: "a", quota: Quota(milliCores: 1000))])
        world.worker(cores: 4)
        let run = world.run(100, queue: "a")
        #expect(world.slots(run) == 1)
        world.on(.queuesConfigured([QueueSpec(name: "b")]))
        #expect(world.slots(run) == 4)
    }

    @Test func `a paused queue starts nothing more and goes on where it was`() {
        let world = SharingWorld([QueueSpec(name: "a")])
        world.worker(cores: 2)
        let run = world.run(10, queue: "a")
        world.on(.queuePaused("a", true))
        #expect(world.slots(run) == 2)
        world.end(run)
        world.end(run)
        #expect(world.slots(run) == 0)
        world.on(.queuePaused("a", false))
        #expect(world.slots(run) == 2)
    }

    @Test func `a paused run leaves its place to others`() {
        let world = SharingWorld()
        world.worker(cores: 2)
        let first = world.run(10)
        let second = world.run(10)
        world.on(.runPaused(RunID(1), true))
        world.end(first)
        world.end(first)
        #expect(world.slots(first) == 0)
        #expect(world.slots(second) == 2)
        world.on(.runPaused(RunID(1), false))
        for _ in 0..<6 { world.end(second) }
        #expect(world.slots(first) == 1)
    }

    @Test func `a large request is not starved by small ones`() {
        let world = SharingWorld()
        world.worker(cores: 4)
        let small = world.run(1000)
        let large = world.run(1, cores: 4)
        for _ in 0..<2 {
            world.now += 10
            world.end(small)
        }
        #expect(world.core.sharing.holds == [])
        world.now += 10
        world.end(small)
        #expect(world.core.sharing.holds.count == 1)
        for _ in 0..<4 { world.end(small) }
        #expect(world.slots(large) == 1)
        world.end(large)
        #expect(world.slots(small) == 4)
        #expect(world.core.sharing.holds == [])
    }

    @Test func `a worker that is kept in vain is everybody's again when its lease is over`() {
        let world = SharingWorld()
        world.worker(cores: 4)
        let stays = world.run(1)
        let large = world.run(1, cores: 4)
        let small = world.run(100)
        #expect(world.slots(small) == 3)
        world.now += 31
        world.end(small)
        world.end(small)
        #expect(world.slots(small) == 2)
        world.wait(Limits.claimNanoseconds / 1_000_000_000)
        #expect(world.slots(small) == 3)
        #expect(world.slots(stays) == 1)
        #expect(world.slots(large) == 0)
    }
}
