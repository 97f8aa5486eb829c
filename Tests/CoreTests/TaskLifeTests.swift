import Testing

@testable import FanfoldCore

@Suite struct TaskLifeTests {
    @Test func `an empty input completes at once`() {
        let env = TestEnv()
        #expect(env.put(0) == [.finishStrategy(task0)])
        #expect(
            env.on(.strategyFinished(task0)) == [
                .endStrategy(task0), .taskEnded(task0, .completed),
                .runEnded(RunID(1), .completed),
            ])
        #expect(env.on(.strategyFinished(task0)) == [])
    }

    @Test func `a run without workers still asks for one subtask and says why it waits`() {
        let env = TestEnv(cores: [])
        #expect(env.put(1, .more) == [])
        #expect(env.core.explainWaiting(task0) == .noWorker)
        #expect(env.core.unplaceable().map(\.reason) == [.noWorker])
    }

    @Test func `a subtask runs, is told, and the task completes`() {
        let env = TestEnv()
        #expect(env.put(1) == [.start(worker0, [start(attempt(0), slot(0))])])
        #expect(
            env.ended(attempt(0), slot(0)) == [
                .tellResults(task0, [attempt(0)]), .forget([attempt(0).subtask]),
            ])
        #expect(env.ended(attempt(0), slot(0)) == [])
        #expect(env.reply() == [.finishStrategy(task0)])
    }

    @Test func `the first failure ends a fail-fast task and cancels its siblings`() {
        let env = TestEnv(cores: [2], policy: .failFast)
        env.put(2)
        #expect(
            env.ended(attempt(0), slot(0), failure: exit1()) == [
                .tellFailure(attempt(0).subtask, exit1(), attempts: 1)
            ])
        let grace = Tick(Limits.cancelGraceNanoseconds)
        #expect(
            env.reply(.failure(index: 0, .skip)) == [
                .cancel(worker0, [attempt(1)], reason: .taskFailed), .endStrategy(task0),
                .taskEnded(task0, .failed(exit1())), .wakeAt(grace),
            ])
        #expect(
            env.ended(attempt(1), slot(1)) == [.runEnded(RunID(1), .failed(task0, exit1()))])
    }

    @Test func `when all subtasks failed the task failed, whatever its policy`() {
        let env = TestEnv(policy: .bestEffort)
        env.put(1)
        env.ended(attempt(0), slot(0), failure: exit1())
        let effects = env.reply(.failure(index: 0, .skip))
        guard case .taskEnded(_, .failed(let failure)) = effects.dropFirst().first else {
            Issue.record("the task should have failed: \(effects)")
            return
        }
        #expect(failure.kind == .tooFewSucceeded)
    }

    @Test(arguments: [(0.5, true), (0.51, false)])
    func `a task completes with the share that must succeed, and fails one past it`(
        share: Double, completes: Bool
    ) {
        let env = TestEnv(cores: [2], policy: .minimumSuccess(share))
        env.put(2)
        env.ended(attempt(0), slot(0))
        env.ended(attempt(1), slot(1), failure: exit1())
        env.reply()
        let effects = env.reply(.failure(index: 1, .skip))
        #expect(effects.contains(.finishStrategy(task0)) == completes)
    }

    @Test func `a strategy that waits for nothing fails the task and does not hang`() {
        let env = TestEnv()
        #expect(env.put(0, .wait).contains(.endStrategy(task0)))
        #expect(env.core.progress(of: task0)?.phase == .failed)
    }

    @Test(arguments: [SplitState.wait, .more])
    func `a strategy that was told results since it said wait is asked again`(_ state: SplitState) {
        let env = TestEnv()
        #expect(env.put(1, .more).contains(.split(task0, want: 2)))
        // The result is on its way to it when its answer, which does not know it, is on its way back.
        env.ended(attempt(0), slot(0))
        let asked = env.put(0, state) + env.reply()
        #expect(asked.contains { if case .split(task0, _) = $0 { true } else { false } })
        #expect(env.core.progress(of: task0)?.phase == .running)
        env.put(1, .end)
        env.ended(attempt(1), slot(0, 1))
        #expect(env.reply() == [.finishStrategy(task0)])
    }

    @Test func `a strategy that puts nothing is asked sixteen times and not once more`() {
        let env = TestEnv()
        for _ in 1..<Limits.emptySplits {
            #expect(env.put(0, .more) == [.split(task0, want: 2)])
        }
        #expect(env.put(0, .more).contains(.endStrategy(task0)))
    }

    @Test func `a subtask whose dependency is skipped fails and its strategy is told`() {
        let env = TestEnv()
        env.put(after: [[], [0]])
        #expect(
            env.core.explainWaiting(SubtaskID(task: task0, index: 1)) == .subtasksWaiting(1))
        env.ended(attempt(0), slot(0), failure: exit1())
        #expect(
            env.reply(.failure(index: 0, .skip)) == [
                .tellFailure(
                    SubtaskID(task: task0, index: 1), Coordinator.dependencyFailed, attempts: 0),
                .forget([attempt(0).subtask]),
            ])
    }

    @Test func `withdrawn subtasks are cancelled and never told`() {
        let env = TestEnv(cores: [2])
        env.put(2)
        env.ended(attempt(0), slot(0))
        #expect(
            env.reply(withdrawn: [0, 1]) == [
                .cancel(worker0, [attempt(1)], reason: .withdrawn),
                .forget([attempt(1).subtask]), .finishStrategy(task0),
                .wakeAt(Tick(Limits.cancelGraceNanoseconds)),
            ])
        #expect(env.ended(attempt(1), slot(1)) == [])
    }

    @Test func `a cancelled run ends once, when nothing of it is left`() {
        let env = TestEnv()
        env.put(1)
        let effects = env.on(.runCancelled(RunID(1), reason: "enough"))
        #expect(
            effects == [
                .cancel(worker0, [attempt(0)], reason: .runCancelled), .endStrategy(task0),
                .taskEnded(task0, .cancelled(reason: "enough")),
                .wakeAt(Tick(Limits.cancelGraceNanoseconds)),
            ])
        #expect(
            env.ended(attempt(0), slot(0)) == [
                .runEnded(RunID(1), .cancelled(reason: "enough"))
            ])
        #expect(env.on(.runCancelled(RunID(1), reason: "again")) == [])
    }
}
