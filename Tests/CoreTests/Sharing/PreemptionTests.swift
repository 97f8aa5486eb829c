import Testing

@testable import FanfoldCore

@Suite struct PreemptionTests {
    @Test func `the higher priority goes first within a queue`() {
        let world = SharingWorld()
        let low = world.run(10, priority: 1)
        let high = world.run(3, priority: 2)
        world.worker(cores: 4)
        #expect(world.slots(high) == 3)
        #expect(world.slots(low) == 1)
    }

    @Test func `nine points wait, ten do not`() {
        for points in [9, 10] {
            let world = SharingWorld()
            world.worker(cores: 2)
            world.run(2)
            let urgent = world.run(1, priority: points)
            #expect(world.preempted.count == (points == 10 ? 1 : 0))
            #expect(world.slots(urgent) == (points == 10 ? 1 : 0))
        }
    }

    @Test func `the attempt that has run shortest is ended, and costs its subtask nothing`() {
        let world = SharingWorld()
        world.worker(cores: 3)
        let low = world.run(3, maximum: 3)
        for _ in 0..<3 { world.wait(10) }
        world.lose(world.worker(cores: 0))
        world.end(low)
        let late = world.run(5, priority: 1)
        #expect(world.slots(late) == 1)
        world.wait(5)
        let urgent = world.run(1, priority: 20)
        #expect(world.preempted.map(\.task) == [late])
        #expect(world.slots(urgent) == 1)
        let progress = world.core.progress(of: late)
        #expect(progress?.failedAttempts == 0)
        #expect(progress?.ready == 5)
        world.end(urgent)
        #expect(world.slots(late) == 1)
        #expect(world.running[0].contains { $0.attempt.task == late && $0.attempt.epoch == 2 })
    }

    @Test func `no more is ended than is needed`() {
        let world = SharingWorld()
        world.worker(cores: 4)
        world.run(1, cores: 3)
        world.wait(10)
        world.run(1, cores: 1)
        world.wait(10)
        let urgent = world.run(1, priority: 10, cores: 3)
        #expect(world.preempted.map(\.task) == [TaskID(0)])
        #expect(world.slots(urgent) == 1)
    }

    @Test func `a result that comes before the end does counts`() {
        let world = SharingWorld()
        world.obeysCancels = false
        world.worker(cores: 1)
        let low = world.run(1)
        let urgent = world.run(1, priority: 10)
        #expect(world.preempted.count == 1)
        world.end(low)
        #expect(world.core.progress(of: low)?.succeeded == 1)
        #expect(world.slots(urgent) == 1)
    }

    @Test func `an attempt that does not end is given up after the grace, and tried elsewhere`() {
        let world = SharingWorld()
        world.obeysCancels = false
        world.worker(cores: 1)
        let low = world.run(1)
        world.run(1, priority: 10)
        world.wait(Limits.cancelGraceNanoseconds / 1_000_000_000)
        #expect(world.core.progress(of: low)?.ready == 1)
        world.worker(cores: 2)
        #expect(world.slots(low) == 2)
        #expect(world.core.progress(of: low)?.failedAttempts == 0)
    }

    @Test func `a subtask is ended for others four times and then left alone`() {
        let world = SharingWorld()
        world.worker(cores: 1)
        let low = world.run(1)
        for time in 1...6 {
            let urgent = world.run(1, priority: 10)
            #expect(world.preempted.count == min(time, Limits.preemptionsPerSubtask))
            guard time <= Limits.preemptionsPerSubtask else { continue }
            world.end(urgent)
            #expect(world.slots(low) == 1)
        }
        #expect(world.core.progress(of: low)?.failedAttempts == 0)
    }

    @Test func `what is urgent takes the place of many at once`() {
        let world = SharingWorld()
        for _ in 0..<4 { world.worker(cores: 4) }
        world.run(16)
        let urgent = world.run(8, priority: 50, cores: 2)
        #expect(world.slots(urgent) == 8)
        #expect(world.preempted.count == 16)
        #expect(world.core.sharing.holds == [])
    }

    @Test func `no run takes from another queue that holds no more than its own`() {
        let world = SharingWorld([QueueSpec(name: "a"), QueueSpec(name: "b")])
        world.worker(cores: 4)
        let first = world.run(2, queue: "a")
        let second = world.run(2, queue: "b")
        let urgent = world.run(4, queue: "a", priority: 100)
        #expect(world.slots(second) == 2)
        #expect(world.slots(first) == 0)
        #expect(world.slots(urgent) == 2)
    }

    @Test func `an urgent run takes from another queue down to its share`() {
        let world = SharingWorld([QueueSpec(name: "a"), QueueSpec(name: "b")])
        world.worker(cores: 8)
        let first = world.run(8, queue: "a")
        let urgent = world.run(8, queue: "b", priority: 10)
        #expect(world.slots(urgent) == 4)
        #expect(world.slots(first) == 4)
    }

    @Test func `nothing is ended so that a queue may borrow`() {
        let world = SharingWorld([
            QueueSpec(name: "a"),
            QueueSpec(name: "b", quota: Quota(milliCores: 1000, borrowing: .anything)),
        ])
        world.worker(cores: 4)
        world.run(4, queue: "a")
        let urgent = world.run(4, queue: "b", priority: 10)
        #expect(world.slots(urgent) == 1)
    }

    @Test func `what is not urgent goes at last too`() {
        let world = SharingWorld()
        world.worker(cores: 1)
        let high = world.run(1000, priority: 5)
        let low = world.run(1)
        var minutes = 0
        while world.core.progress(of: low)?.running == 0, minutes < 20 {
            world.now += 60
            world.end(high)
            minutes += 1
        }
        #expect((5...8).contains(minutes))
    }
}
