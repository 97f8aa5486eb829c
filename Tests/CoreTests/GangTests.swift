import Testing

@testable import FanfoldCore

/// Shape 1 has gangs of a size, a core each.
private func env(cores: [Int64], gang: Int, attempts: Int = 3) -> TestEnv {
    let env = TestEnv(cores: cores, attempts: attempts)
    env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, gang: gang)))
    return env
}

private func put(_ env: TestEnv, _ count: Int, _ state: SplitState = .end) -> [Start] {
    let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: count)
    return starts(env.on(.strategySplit(task0, added: added, state: state)))
}

private struct Start: Hashable {
    var worker: WorkerID
    var order: Assignment
}

private func starts(_ effects: [Effect]) -> [Start] {
    effects.flatMap { effect -> [Start] in
        if case .start(let worker, let orders) = effect {
            orders.map { Start(worker: worker, order: $0) }
        } else {
            []
        }
    }
}

private func cancels(_ effects: [Effect]) -> [AttemptID] {
    effects.flatMap { effect -> [AttemptID] in
        if case .cancel(_, let attempts, _) = effect { attempts } else { [] }
    }
}

private let cancelled = Failure(.cancelled, reason: "cancelled", "as it was told")

@Suite struct GangTests {
    @Test func `a gang begins when there is room for all of it, and nothing is queued ahead`() {
        let env = env(cores: [2, 1], gang: 4)
        #expect(put(env, 4).isEmpty)
        #expect(env.core.progress(of: task0)?.ready == 4)
        let started = starts(env.worker(2, cores: 1))
        #expect(started.count == 4)
        let ranks = started.compactMap(\.order.gang?.rank)
        #expect(ranks.sorted() == [0, 1, 2, 3])
        let places = Set(started.compactMap(\.order.gang?.workers))
        #expect(places == [[worker0, worker0, worker1, WorkerID(2)]])
        for start in started {
            #expect(start.order.gang.map { $0.workers[$0.rank] } == start.worker)
        }
    }

    @Test func `the smallest worker that takes a gang gets it`() {
        let env = env(cores: [8, 3, 2], gang: 2)
        #expect(Set(put(env, 2).map(\.worker)) == [WorkerID(2)])
    }

    @Test func `the last gang may be smaller, once there is no more`() {
        let env = env(cores: [8], gang: 3)
        #expect(put(env, 4, .more).count == 3)
        #expect(env.core.explainWaiting(attempt(3).subtask) == .gangWaiting(missing: 2, size: 3))
        let rest = put(env, 1)
        #expect(
            rest.map(\.order.gang)
                == [0, 1].map {
                    GangPlace(rank: $0, workers: [worker0, worker0])
                })
    }

    @Test func `when one fails the others are called back, and all begin again`() {
        let env = env(cores: [3], gang: 3)
        let first = put(env, 3)
        let slots = first.compactMap(\.order.slot)
        let effects = env.ended(attempt(1), slots[1], failure: exit1())
        #expect(Set(cancels(effects)) == [attempt(0), attempt(2)])
        env.ended(attempt(0), slots[0], failure: cancelled)
        env.now += 1_000
        env.on(.timeElapsed)
        #expect(env.core.progress(of: task0)?.running == 1)
        let again = starts(env.ended(attempt(2), slots[2], failure: cancelled))
        #expect(Set(again.map(\.order.attempt)) == [attempt(0, 2), attempt(1, 2), attempt(2, 2)])
        #expect(env.core.progress(of: task0)?.failedAttempts == 1)
    }

    @Test func `when a worker is lost its gang begins again elsewhere`() {
        let env = env(cores: [1, 1], gang: 2)
        #expect(put(env, 2).count == 2)
        let effects = env.on(.workerLost(worker0, reason: "gone"))
        #expect(cancels(effects).count == 1)
        env.worker(2, cores: 2)
        let back = cancels(effects)[0]
        let again = starts(env.ended(back, slot(0), failure: cancelled, on: worker1))
        #expect(again.count == 2)
        #expect(Set(again.map(\.worker)) == [WorkerID(2)])
    }

    @Test func `after one has succeeded another that fails does so for good`() {
        let env = env(cores: [2], gang: 2)
        let slots = put(env, 2).compactMap(\.order.slot)
        env.ended(attempt(0), slots[0])
        let effects = env.ended(attempt(1), slots[1], failure: exit1())
        env.now += 1_000
        let later = env.on(.timeElapsed)
        #expect(
            (effects + later).contains {
                if case .tellFailure(_, let failure, _) = $0 {
                    failure.reason == "gang.broken"
                } else {
                    false
                }
            })
    }

    @Test func `what is withdrawn is not waited for`() {
        let env = env(cores: [2], gang: 3)
        #expect(put(env, 3).isEmpty)
        #expect(
            env.core.explainWaiting(attempt(0).subtask)
                == .topologyUnsatisfiable(wanted: 3, possible: 2))
        #expect(env.worker(1, cores: 0).contains(.tellCapacity(task0)))
        env.on(.strategyReplied(task0, StrategyReply(.capacity, withdrawn: [0])))
        env.on(.timeElapsed)
        #expect(env.core.progress(of: task0)?.running == 2)
    }

    @Test func `a gang larger than the slots that its run may have is misconfigured`() {
        let env = TestEnv(cores: [4], maximum: 2)
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, gang: 3)))
        #expect(env.core.progress(of: task0)?.phase == .failed)
    }

    @Test func `small ones do not keep a gang waiting for ever`() {
        let env = env(cores: [2, 2], gang: 4)
        var running: [Start] = []
        func take(_ effects: [Effect]) {
            running += starts(effects).filter { $0.order.slot != nil }
            for case .tellResults in effects { take(env.reply()) }
            for case .takeBack(let worker, let attempts) in effects {
                take(env.on(.attemptsTakenBack(worker, attempts)))
            }
        }
        let added =
            Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: 400)
            + Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: 4)
        take(env.on(.strategySplit(task0, added: added, state: .end)))
        var ended = 0
        while !running.contains(where: { $0.order.shape == ShapeID(1) }), ended < 400 {
            env.now += 1_000_000_000
            ended += 1
            let next = running.removeFirst()
            take(
                env.ended(
                    next.order.attempt, next.order.slot, on: next.worker, ran: 4_000_000_000))
        }
        #expect(ended < 200, "the gang began after \(ended) others")
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `random histories end, never a gang in part, and a copy goes on the same`(
        seed: UInt64
    ) throws {
        try GangHistory(seed: seed).run()
    }
}

/// Workers that come and go, attempts that fail or succeed, in a random order.
private final class GangHistory {
    let env: TestEnv
    let size: Int
    let count: Int
    var random: SplitMix64
    var running: [Start] = []
    var asked: Set<AttemptID> = []
    var told = 0
    var nextWorker: UInt32

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        size = 2 + Int(random.upTo(3))
        count = 1 + Int(random.upTo(30))
        let cores = (0..<(2 + random.upTo(2))).map { _ in 2 + Int64(random.upTo(3)) }
        nextWorker = UInt32(cores.count)
        env = GangHistory.env(cores, size)
        self.random = random
    }

    private static func env(_ cores: [Int64], _ size: Int) -> TestEnv {
        let env = TestEnv(cores: cores, attempts: 1000)
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, gang: size)))
        return env
    }

    func take(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .start(let worker, let orders):
                running += orders.map { Start(worker: worker, order: $0) }
                let begun = orders.compactMap(\.gang)
                #expect(begun.count == orders.count)
            case .cancel(_, let attempts, _): asked.formUnion(attempts)
            case .tellResults(_, let attempts):
                told += attempts.count
                take(env.reply())
            case .tellFailure(let subtask, _, _):
                told += 1
                take(env.reply(.failure(index: subtask.index, .skip)))
            case .split: take(env.on(.strategySplit(task0, added: [], state: .end)))
            default: break
            }
        }
    }

    func run() throws {
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: count)
        take(env.on(.strategySplit(task0, added: added, state: .end)))
        for _ in 0..<20_000 where told < count {
            env.now += 1_000_000
            if random.upTo(30) == 0 {
                let bytes = env.core.encoded()
                env.core = try Coordinator(decoding: bytes)
                #expect(env.core.encoded() == bytes)
            }
            if running.isEmpty || random.upTo(40) == 0 { addOrLose() } else { endOne() }
        }
        #expect(told == count)
        #expect(env.core.violations() == [])
    }

    private func endOne() {
        let next = running.remove(at: Int(random.upTo(UInt64(running.count - 1))))
        let isCancelled = asked.remove(next.order.attempt) != nil
        let failure: Failure? =
            isCancelled ? cancelled : random.upTo(12) == 0 ? exit1() : nil
        take(
            env.ended(
                next.order.attempt, next.order.slot, failure: failure, on: next.worker))
    }

    private func addOrLose() {
        if random.upTo(1) == 0, let first = running.first {
            running.removeAll { $0.worker == first.worker }
            take(env.on(.workerLost(first.worker, reason: "gone")))
        }
        env.now += 1_000_000_000
        take(env.worker(nextWorker, cores: 2 + Int64(random.upTo(3))))
        nextWorker += 1
        take(env.on(.timeElapsed))
    }
}
