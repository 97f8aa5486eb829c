import Testing

@testable import FanfoldCore

@Suite struct WorkerViewTests {
    @Test func `what has run longest comes first, then what is queued, with what each holds`()
        throws
    {
        let world = SharingWorld()
        world.worker(cores: 4, gpus: 2)
        world.now = 5
        let late = world.run(1, cores: 1, gigabytes: 2, gpus: 1)
        world.now = 9
        let many = world.run(20, cores: 1)
        let view = try #require(world.core.view(ofWorker: WorkerID(0), limit: 100))
        let running = view.attempts.filter { $0.phase == .running }
        #expect(running.map(\.attempt.task) == [late, many, many, many])
        #expect(running.map(\.started) == [5, 9, 9, 9].map { Tick($0 * 1_000_000_000) })
        #expect(running[0].held.memoryBytes == 2 << 30 && running[0].held.deviceMilli == 1000)
        #expect(running[0].devices.count == 1 && running[1].devices == [])
        let queued = view.attempts.dropFirst(4)
        #expect(!queued.isEmpty && queued.allSatisfy { $0.phase == .queued && $0.started == nil })
        #expect(queued.allSatisfy { $0.held == ResourceAmount() })
        #expect(view.attemptCount == view.attempts.count)
        let usage = try #require(world.core.workerUsage().first)
        #expect(usage.queued == queued.count && usage.slots == 4)
    }

    @Test func `no more is listed than is asked for, and all are counted`() throws {
        let world = SharingWorld()
        world.worker(cores: 4)
        world.run(20)
        let all = try #require(world.core.view(ofWorker: WorkerID(0), limit: 100))
        let few = try #require(world.core.view(ofWorker: WorkerID(0), limit: 3))
        #expect(few.attempts == Array(all.attempts.prefix(3)))
        #expect(few.attemptCount == all.attemptCount)
        #expect(world.core.view(ofWorker: WorkerID(7), limit: 3) == nil)
    }

    @Test func `an attempt that was told to end for others is ending, and the worker is kept`()
        throws
    {
        let world = SharingWorld()
        world.obeysCancels = false
        world.worker(cores: 1)
        world.run(1, priority: -20)
        world.now = 4
        let urgent = world.run(1)
        let view = try #require(world.core.view(ofWorker: WorkerID(0), limit: 9))
        #expect(view.attempts.map(\.phase) == [.ending])
        #expect(view.kept?.task == urgent && view.kept?.slots == 1)
        #expect(view.kept?.isPreemptive == true)
        #expect(
            view.kept?.until == Tick(4_000_000_000 + Limits.evictionNanoseconds))
    }

    @Test func `failures that others did not have are told with their task`() throws {
        let world = SharingWorld()
        world.worker(cores: 1)
        world.worker(cores: 1)
        let task = world.run(20)
        let failure = Failure(.exitCode, retry: .later, reason: "exit.1", "it ended with 1")
        world.end(1, 0)
        world.end(0, 0, failure)
        let bad = try #require(world.core.view(ofWorker: WorkerID(0), limit: 9))
        #expect(bad.failuresInARow == 1 && bad.blamedFor == [task] && bad.quarantines == 0)
        let good = try #require(world.core.view(ofWorker: WorkerID(1), limit: 9))
        #expect(good.failuresInARow == 0 && good.blamedFor == [])
    }
}
