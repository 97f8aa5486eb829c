import Testing

@testable import FanfoldCore

@Suite struct PlacementTests {
    @Test func `before the first measurement one attempt is queued behind each slot`() {
        let env = TestEnv()
        #expect(
            env.put(3) == [.start(worker0, [start(attempt(0), slot(0)), queue(attempt(1))])])
    }

    @Test func `a slot is handed on without asking and freed once`() {
        let env = TestEnv()
        env.put(2)
        env.ended(attempt(0), slot(0), next: attempt(1))
        #expect(env.core.progress(of: task0)?.running == 1)
        env.ended(attempt(1), slot(0))
        env.ended(attempt(1), slot(0))
        #expect(env.core.workerUsage()[0].free == env.core.workerUsage()[0].total)
    }

    @Test func `reports in the wrong order leave the ledger right`() {
        let env = TestEnv()
        env.put(2)
        env.ended(attempt(1), slot(0))
        #expect(env.core.workerUsage()[0].slots == 0)
        env.ended(attempt(0), slot(0), next: attempt(1))
        #expect(env.core.workerUsage()[0].slots == 0)
        #expect(env.core.progress(of: task0)?.succeeded == 2)
    }

    @Test func `an attempt that is queued when its slot was just freed gets one of its own`() {
        let env = TestEnv()
        env.put(2)
        let promoted = Assignment(
            attempt: attempt(1), shape: ShapeID(0), order: .promote(slot(0, 1)))
        #expect(
            env.ended(attempt(0), slot(0)) == [
                .start(worker0, [promoted]), .tellResults(task0, [attempt(0)]),
                .forget([attempt(0).subtask]),
            ])
        env.on(.slotsReturned(worker0, [slot(0, 0)]))
        #expect(env.core.workerUsage()[0].slots == 1)
    }

    @Test func `a subtask whose worker is lost goes to the next worker first`() {
        let env = TestEnv()
        env.put(3)
        let effects = env.on(.workerLost(worker0, reason: "gone"))
        #expect(effects == [.tellCapacity(task0)])
        #expect(
            env.worker(1, cores: 1) == [
                .start(worker1, [start(attempt(0, 2), slot(0)), queue(attempt(1, 2))])
            ])
        #expect(env.ended(attempt(0), slot(0)) == [])
    }

    @Test func `a subtask that loses its worker once too often fails for good`() {
        let env = TestEnv()
        env.put(1)
        for loss in 0..<UInt32(Limits.lossesPerSubtask) {
            env.on(.workerLost(WorkerID(loss), reason: "gone"))
            env.worker(loss + 1, cores: 1)
            #expect(env.core.progress(of: task0)?.running == 1)
        }
        env.on(.workerLost(WorkerID(UInt32(Limits.lossesPerSubtask)), reason: "gone"))
        #expect(
            env.core.explainWaiting(SubtaskID(task: task0, index: 0)) == .strategyAnswering)
    }

    @Test func `what is queued elsewhere is taken back for an idle worker`() {
        let env = TestEnv()
        env.put(2)
        #expect(
            env.worker(1, cores: 1) == [.takeBack(worker0, [attempt(1)]), .tellCapacity(task0)])
        #expect(
            env.on(.attemptsTakenBack(worker0, [attempt(1)])) == [
                .start(worker1, [start(attempt(1, 2), slot(0))])
            ])
        #expect(env.on(.attemptsTakenBack(worker0, [attempt(1)])) == [])
    }

    @Test func `a run holds no more slots than it may`() {
        let env = TestEnv(cores: [4], maximum: 1)
        env.put(4)
        #expect(env.core.workerUsage()[0].slots == 1)
        #expect(
            env.core.explainWaiting(SubtaskID(task: task0, index: 3)) == .concurrencyLimit(1))
    }

    @Test func `a failed attempt rests and is tried again, as often as it may be`() {
        let env = TestEnv(attempts: 2)
        env.put(1)
        env.ended(attempt(0), slot(0), failure: exit1())
        env.now += 101
        env.on(.timeElapsed)
        #expect(env.core.progress(of: task0)?.running == 1)
        #expect(
            env.ended(attempt(0, 2), slot(0, 1), failure: exit1()) == [
                .tellFailure(attempt(0).subtask, exit1(), attempts: 2)
            ])
    }

    @Test func `an attempt is cancelled at its timeout and given up after the grace`() {
        let env = TestEnv(timeout: 1000)
        #expect(env.put(1).last == .wakeAt(Tick(1000)))
        env.now = 999
        #expect(env.on(.timeElapsed) == [.wakeAt(Tick(1000))])
        env.now = 1000
        let grace = Limits.cancelGraceNanoseconds
        #expect(
            env.on(.timeElapsed) == [
                .cancel(worker0, [attempt(0)], reason: .timeout), .wakeAt(Tick(1000 + grace)),
            ])
        env.now = 1000 + grace
        guard case .tellFailure(_, let failure, 1) = env.on(.timeElapsed).first else {
            Issue.record("the failure should have been told")
            return
        }
        #expect(failure.kind == .timeout)
        #expect(env.core.workerUsage()[0].slots == 1)
        env.ended(attempt(0), slot(0))
        #expect(env.core.workerUsage()[0].slots == 0)
    }
}
