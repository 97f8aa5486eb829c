import Testing

@testable import FanfoldCore

@Suite struct ReattachTests {
    private func shown(
        _ session: UInt64 = 1, queued: [AttemptID] = [], running: [(AttemptID, SlotID)] = []
    ) -> Event {
        .workerReattached(
            worker0,
            WorkerInventory(
                session: session, queued: queued,
                running: running.map { RunningAttempt(attempt: $0.0, slot: $0.1) }))
    }

    @Test func `a worker that has everything it was sent gets nothing`() {
        let env = TestEnv()
        env.put(2)
        #expect(env.on(shown(queued: [attempt(1)], running: [(attempt(0), slot(0))])) == [])
        #expect(env.core.workerUsage()[0].slots == 1)
        #expect(env.core.workerUsage()[0].queued == 1)
    }

    @Test func `orders that did not arrive are sent again under a new epoch, once`() {
        let env = TestEnv()
        env.put(2)
        let again = Effect.start(
            worker0, [start(attempt(0, 2), slot(0, 1)), queue(attempt(1, 2))])
        #expect(env.on(shown()) == [again])
        // The same inventory again is one of a connection that is known.
        #expect(env.on(shown()) == [])
        #expect(env.ended(attempt(0), slot(0)) == [])
        #expect(
            env.ended(attempt(0, 2), slot(0, 1), next: attempt(1, 2)) == [
                .tellResults(task0, [attempt(0, 2)]), .forget([attempt(0).subtask]),
            ])
    }

    @Test func `an order that never arrives fails its subtask in the end`() {
        let env = TestEnv()
        env.put(1)
        for session in 1..<UInt64(Limits.placementsPerSubtask) { env.on(shown(session)) }
        #expect(env.core.progress(of: task0)?.running == 1)
        let effects = env.on(shown(UInt64(Limits.placementsPerSubtask)))
        guard case .tellFailure(attempt(0).subtask, let failure, 0) = effects.first else {
            Issue.record("the failure should have been told: \(effects)")
            return
        }
        #expect(failure.reason == "attempt.undeliverable")
    }

    @Test func `ends that come before the inventory hand their slots on as ever`() {
        let env = TestEnv()
        env.put(3)
        env.ended(attempt(0), slot(0), next: attempt(1))
        #expect(env.on(shown(running: [(attempt(1), slot(0))])).count == 1)
        #expect(env.core.progress(of: task0)?.running == 1)
        #expect(env.core.workerUsage()[0].slots == 1)
    }

    @Test
    func `what the worker has and nobody wants is cancelled and keeps its slot until it ends`() {
        let env = TestEnv()
        env.put(1)
        env.on(.runCancelled(RunID(1), reason: "enough"))
        let grace = Limits.cancelGraceNanoseconds
        env.now = grace
        env.on(.timeElapsed)
        #expect(env.core.workerUsage()[0].slots == 1)
        #expect(
            env.on(
                shown(
                    queued: [AttemptID(subtask: SubtaskID(task: TaskID(9), index: 1), epoch: 3)],
                    running: [(attempt(0), slot(0))]))
                == [
                    .cancel(
                        worker0,
                        [
                            attempt(0),
                            AttemptID(subtask: SubtaskID(task: TaskID(9), index: 1), epoch: 3),
                        ], reason: .givenUp)
                ])
        #expect(env.core.workerUsage()[0].slots == 1)
        #expect(env.ended(attempt(0), slot(0)) == [])
        #expect(env.core.workerUsage()[0].slots == 0)
    }

    @Test func `a cancellation and a request to give back are sent again`() {
        let env = TestEnv(cores: [1])
        env.put(2)
        env.worker(1, cores: 1)
        #expect(
            env.on(shown(queued: [attempt(1)], running: [(attempt(0), slot(0))])) == [
                .takeBack(worker0, [attempt(1)])
            ])
        env.reply(.capacity, withdrawn: [0])
        env.now = 5
        #expect(
            env.on(shown(2, queued: [attempt(1)], running: [(attempt(0), slot(0))])).prefix(2)
                == [
                    .cancel(worker0, [attempt(0)], reason: .givenUp),
                    .takeBack(worker0, [attempt(1)]),
                ])
    }

    @Test func `a slot that a queued attempt was promoted to is offered again`() {
        let env = TestEnv()
        env.put(2)
        env.ended(attempt(0), slot(0))
        let promoted = Assignment(
            attempt: attempt(1), shape: ShapeID(0), order: .promote(slot(0, 1)))
        #expect(env.on(shown(queued: [attempt(1)])) == [.start(worker0, [promoted])])
        #expect(env.core.workerUsage()[0].slots == 1)
    }

    @Test func `slots that nothing runs in are free`() {
        let env = TestEnv(cores: [2])
        env.put(2)
        #expect(
            env.on(shown(running: [(attempt(1), slot(1))])) == [
                .start(worker0, [start(attempt(0, 2), slot(0, 1))])
            ])
        #expect(env.core.workerUsage()[0].slots == 2)
    }

    @Test func `an inventory that lies costs its worker nothing but cancellations`() {
        let env = TestEnv(cores: [2])
        env.put(2)
        let lies = shown(
            queued: [attempt(1), attempt(1), attempt(0)],
            running: [
                (attempt(0), slot(0)), (attempt(0), slot(0)), (attempt(1), slot(7, 3)),
                (attempt(1), slot(0)),
            ])
        let effects = env.on(lies)
        guard case .cancel(worker0, let cancelled, .givenUp) = effects.first else {
            Issue.record("lies should have been cancelled: \(effects)")
            return
        }
        #expect(cancelled.count == 5)
    }
}
