import Testing

@testable import FanfoldCore

@Suite struct BlameTests {
    /// Ends everything that is ordered, as workers do, well or not.
    private func run(_ env: TestEnv, _ effects: [Effect], fails: (WorkerID) -> Bool) -> [Effect] {
        var orders: [(WorkerID, Assignment)] = []
        var all: [Effect] = []
        func take(_ effects: [Effect]) {
            all += effects
            for case .start(let worker, let assignments) in effects {
                orders += assignments.map { (worker, $0) }
            }
        }
        take(effects)
        var rounds = 0
        while !orders.isEmpty, rounds < 10_000 {
            rounds += 1
            let (worker, assignment) = orders.removeFirst()
            guard let slot = assignment.slot else { continue }
            let next = orders.firstIndex { $0.0 == worker && $0.1.slot == nil }
            let successor = next.map { orders.remove(at: $0).1 }
            if let successor {
                orders.append(
                    (
                        worker,
                        Assignment(
                            attempt: successor.attempt, shape: successor.shape,
                            order: .start(slot))
                    ))
            }
            env.now += 1_000
            take(
                env.ended(
                    assignment.attempt, slot, next: successor?.attempt,
                    failure: fails(worker) ? exit1() : nil, on: worker))
            for case .takeBack(let other, let attempts) in all.suffix(8) {
                orders.removeAll { order in
                    order.0 == other && order.1.slot == nil
                        && attempts.contains(order.1.attempt)
                }
                take(env.on(.attemptsTakenBack(other, attempts)))
            }
            take(env.on(.timeElapsed))
        }
        return all
    }

    @Test func `a subtask that failed on a worker is tried on another one`() {
        let env = TestEnv(cores: [1, 1], attempts: 3)
        env.put(1)
        let first = env.core.explainWaiting(SubtaskID(task: task0, index: 0))
        #expect(first == nil)
        env.ended(attempt(0), slot(0), failure: exit1(), on: worker0)
        env.now += 1_000
        let effects = env.on(.timeElapsed)
        #expect(effects == [.start(worker1, [start(attempt(0, 2), slot(0))])])
    }

    @Test func `where there is no other worker, it is tried on the same one`() {
        let env = TestEnv(cores: [1], attempts: 3)
        env.put(1)
        env.ended(attempt(0), slot(0), failure: exit1())
        env.now += 1_000
        #expect(env.on(.timeElapsed) == [.start(worker0, [start(attempt(0, 2), slot(0, 1))])])
    }

    @Test func `one that failed on three workers that do well with others is not tried again`() {
        let env = TestEnv(cores: [1, 1, 1, 1], attempts: 20)
        env.put(5, .more)
        // Each does well with one, and subtask 0 goes round.
        for index in 1...3 {
            let worker = WorkerID(UInt32(index))
            env.ended(attempt(UInt32(index)), slot(0), on: worker)
        }
        var effects: [Effect] = []
        env.ended(attempt(4), slot(0, 1), on: worker1)
        env.ended(attempt(0), slot(0), failure: exit1(), on: worker0)
        var failed = 0
        for epoch in UInt16(2)...6 {
            env.now += 1_000
            effects = env.on(.timeElapsed)
            guard
                case .start(let worker, let assignments)? = effects.first(where: {
                    if case .start = $0 { true } else { false }
                }), let order = assignments.first, let slot = order.slot
            else { break }
            #expect(order.attempt == attempt(0, epoch))
            failed += 1
            effects = env.ended(order.attempt, slot, failure: exit1(), on: worker)
            if effects.contains(where: { if case .tellFailure = $0 { true } else { false } }) {
                break
            }
        }
        #expect(failed == 3)
        let told = effects.compactMap {
            if case .tellFailure(_, let failure, _) = $0 { failure } else { nil }
        }
        #expect(told.first?.reason == "subtask.poison")
        #expect(told.first?.message.contains("1, 2, 3") == true, "\(told)")
    }

    @Test func `a worker on which everything fails that succeeds elsewhere is put in quarantine`() {
        let env = TestEnv(cores: [1, 1, 1], attempts: 100)
        let effects = run(env, env.put(200)) { $0 == worker0 }
        #expect(!effects.isEmpty)
        let health = env.core.workers[0].health
        #expect(health.quarantinedUntil != nil)
        #expect(env.core.workerUsage()[0].phase == .quarantined)
        #expect(env.core.quarantine(of: worker0)?.reason == .failuresInARow(8))
        #expect(env.core.progress(of: task0)?.succeeded == 200)
        // Its time over, one more failure is enough.
        env.now = env.core.quarantine(of: worker0)?.until.nanoseconds ?? 0
        env.on(.timeElapsed)
        #expect(env.core.workerUsage()[0].phase == .active)
    }

    @Test func `half of the workers take work whatever fails`() {
        let env = TestEnv(cores: [1, 1], attempts: 1_000)
        _ = run(env, env.put(60)) { _ in true }
        #expect(env.core.workerUsage().filter { $0.phase == .quarantined }.isEmpty)
    }

    @Test func `a worker that fails everything is put in quarantine while all others are silent`() {
        let env = TestEnv(cores: [1, 1, 1], attempts: 100)
        env.put(60)
        env.ended(attempt(1), slot(0), on: worker1)
        for other in [worker1, WorkerID(2)] { env.on(.workerSuspected(other)) }
        var (slots, failures) = ([slot(0)], 0)
        var next = attempt(0)
        while env.core.workerUsage()[0].phase == .active, failures < 20 {
            failures += 1
            let effects = env.ended(next, slots[0], failure: exit1(), on: worker0)
            for case .start(worker0, let orders) in effects {
                guard let order = orders.first(where: { $0.slot != nil }), let slot = order.slot
                else { continue }
                (next, slots) = (order.attempt, [slot])
            }
        }
        #expect(failures == Limits.failuresInARowPerWorker)
        #expect(env.core.workerUsage()[0].phase == .quarantined)
    }

    /// Has the first worker fail a subtask again and again.
    ///
    /// - Returns: how often it did before the subtask failed for good or went elsewhere, and the effects
    ///   of the last time.
    private func failOn0(_ env: TestEnv, most: Int) -> (tries: Int, last: [Effect]) {
        var effects = env.put(1)
        var tries = 0
        while tries < most {
            let started = effects.compactMap {
                if case .start(worker0, let orders) = $0 { orders.first } else { nil }
            }
            guard let order = started.first, let slot = order.slot else { break }
            tries += 1
            effects = env.ended(order.attempt, slot, failure: exit1())
            env.now += 1_000
            effects += env.on(.timeElapsed)
        }
        return (tries, effects)
    }

    @Test func `what one worker fails in a row uses up no tries of a run that others could mend`() {
        let env = TestEnv(cores: [1, 1], attempts: 1_000)
        env.on(.workerSuspected(worker1))
        let (tries, last) = failOn0(env, most: 3 * Limits.retriesPerRun)
        #expect(tries == 3 * Limits.retriesPerRun)
        #expect(!last.contains { if case .tellFailure = $0 { true } else { false } })
        // The one after the eighth says of the worker what the seven before it left open.
        #expect(env.core.runs[0].retries == Limits.failuresInARowPerWorker - 1)
        #expect(env.core.progress(of: task0)?.failedAttempts == tries)
    }

    @Test func `where all that could take it fail everything, the budget of tries counts`() {
        // The second one has no room for two cores.
        let env = TestEnv(cores: [2, 1], attempts: 1_000)
        env.on(
            .shapeDeclared(
                ShapeID(1),
                ShapeSpec(task: task0, needs: ResourceRequest(milliCores: 2_000))))
        var effects = env.on(
            .strategySplit(task0, added: [SubtaskSpec(shape: ShapeID(1))], state: .end))
        var tries = 0
        while tries < 1_000 {
            let started = effects.compactMap {
                if case .start(worker0, let orders) = $0 { orders.first } else { nil }
            }
            guard let order = started.first, let slot = order.slot else { break }
            tries += 1
            effects = env.ended(order.attempt, slot, failure: exit1())
            env.now += 1_000
            effects += env.on(.timeElapsed)
        }
        #expect(tries == 1 + Limits.retriesPerRun)
    }

    @Test func `a run that is broken as a whole ends on many workers as well`() {
        let env = TestEnv(cores: [1, 1, 1, 1], attempts: 1_000)
        let effects = run(env, env.put(60)) { _ in true }
        let told = effects.compactMap {
            if case .tellFailure(_, let failure, _) = $0 { failure.reason } else { nil }
        }
        #expect(told.contains("run.retry-budget"))
    }

    @Test func `a worker that was put right takes work at once`() {
        let env = TestEnv(cores: [1, 1, 1], attempts: 100)
        _ = run(env, env.put(200)) { $0 == worker0 }
        #expect(env.core.workerUsage()[0].phase == .quarantined)
        env.on(.workerPardoned(worker0))
        #expect(env.core.workerUsage()[0].phase == .active)
        #expect(env.core.workers[0].health == WorkerHealth(hasSucceeded: false))
    }

    @Test func `a run in which everything fails ends when its budget of tries is used up`() {
        let env = TestEnv(cores: [1], policy: .failFast, attempts: 1_000)
        var effects = env.put(1)
        var tries = 0
        while tries < 1_000 {
            guard
                case .start(_, let orders)? = effects.first(where: {
                    if case .start = $0 { true } else { false }
                }), let order = orders.first, let slot = order.slot
            else { break }
            tries += 1
            effects = env.ended(order.attempt, slot, failure: exit1())
            if effects.contains(where: { if case .tellFailure = $0 { true } else { false } }) {
                break
            }
            env.now += 1_000
            effects = env.on(.timeElapsed)
        }
        #expect(tries == 1 + Limits.retriesPerRun)
        let told = effects.compactMap {
            if case .tellFailure(_, let failure, _) = $0 { failure.reason } else { nil }
        }
        #expect(told == ["run.retry-budget"])
    }

    @Test func `what is known of failures outlives the process`() throws {
        let env = TestEnv(cores: [1, 1, 1], attempts: 100)
        _ = run(env, env.put(200)) { $0 == worker0 }
        let again = try Coordinator(decoding: env.core.encoded())
        #expect(again.workers[0].health == env.core.workers[0].health)
        #expect(again.quarantined == [0])
        #expect(again.runs[0].retries == env.core.runs[0].retries)
        #expect(again.encoded() == env.core.encoded())
    }
}
