import Testing

@testable import FanfoldCore

@Suite struct TrustTests {
    @Test func `nothing new is placed on a suspected worker, and what is there stays`() {
        let env = TestEnv()
        #expect(env.on(.workerSuspected(worker0)) == [])
        #expect(env.put(1) == [])
        #expect(env.core.workerUsage()[0].phase == .suspect)
        #expect(
            env.core.explainWaiting(SubtaskID(task: task0, index: 0)) == .suspect(worker0))
        #expect(env.on(.workerSuspected(worker0)) == [])
        #expect(
            env.on(.workerTrusted(worker0)) == [
                .start(worker0, [start(attempt(0), slot(0))])
            ])
        #expect(env.on(.workerTrusted(worker0)) == [])
        #expect(env.core.workerUsage()[0].phase == .active)
    }

    @Test func `a running attempt of a suspected worker ends as usual`() {
        let env = TestEnv()
        env.put(3)
        #expect(env.on(.workerSuspected(worker0)) == [])
        // One more would be queued behind it, were the worker trusted.
        #expect(
            env.ended(attempt(0), slot(0), next: attempt(1)) == [
                .tellResults(task0, [attempt(0)]), .forget([attempt(0).subtask]),
            ])
        #expect(
            env.on(.workerTrusted(worker0)) == [.start(worker0, [queue(attempt(2))])])
    }

    @Test func `what has not begun on a doubted worker is placed elsewhere at once`() {
        let env = TestEnv()
        env.put(3)
        env.worker(1, cores: 2)
        env.on(.attemptsTakenBack(worker0, []))
        let effects = env.on(.workerDoubted(worker0))
        #expect(
            effects == [
                .cancel(worker0, [attempt(1)], reason: .givenUp),
                .start(worker1, [start(attempt(1, 2), slot(1))]),
            ])
        #expect(env.on(.workerDoubted(worker0)) == [])
        // Its slot is handed on to what was taken back: the result of that counts for nothing.
        env.ended(attempt(0), slot(0), next: attempt(1))
        #expect(env.ended(attempt(1), slot(0)) == [])
        #expect(env.core.workerUsage()[0].slots == 0)
        #expect(env.core.progress(of: task0)?.succeeded == 1)
    }

    @Test func `suspicion of a worker that is gone or draining changes nothing`() {
        let env = TestEnv()
        env.put(1)
        #expect(env.on(.workerSuspected(worker1)) == [])
        #expect(env.on(.workerDoubted(worker1)) == [])
        #expect(env.on(.workerTrusted(worker1)) == [])
        env.on(.workerDraining(worker0))
        #expect(env.on(.workerSuspected(worker0)) == [])
        #expect(env.core.workerUsage()[0].phase == .draining)
        #expect(env.on(.workerTrusted(worker0)) == [])
        #expect(env.core.workerUsage()[0].phase == .draining)
        env.on(.workerLost(worker0, reason: "gone"))
        #expect(env.on(.workerSuspected(worker0)) == [])
        #expect(env.on(.workerReattached(worker0, WorkerInventory(session: 1))) == [])
    }
}
