import Testing

@testable import FanfoldCore

/// Gangs where a policy that is a plugin has a say.
@Suite struct GangPolicyTests {
    /// Workers of these cores, every other one with the label `good`, and a shape 1 of gangs.
    private func env(cores: [Int64], gang: Int, isPlugged: Bool = true) -> TestEnv {
        let env = TestEnv(cores: [])
        for (index, count) in cores.enumerated() {
            env.on(
                .workerRegistered(
                    WorkerSpec(
                        id: WorkerID(UInt32(index)),
                        capacity: ResourceVector(milliCores: count * 1000, memoryBytes: 1 << 30),
                        labels: index % 2 == 1 ? ["good"] : [])))
        }
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, gang: gang)))
        var settings = PlacementSettings(policy: .fitness)
        settings.plugin = isPlugged ? "one" : nil
        env.on(.placementConfigured(settings))
        return env
    }

    private func answer(
        _ env: TestEnv,
        _ score: (WorkerKind, Int) -> Double = { kind, _ in
            kind.labels.contains("good") ? 1 : 0
        }
    ) throws {
        while let question = env.core.policyQuestion(for: .placing) {
            let row = question.kinds.flatMap { kind in
                (0..<WorkerLoad.count).map { score(kind, $0) }
            }
            env.on(
                .policyAnswered(
                    PolicyAnswer(question, scores: question.classes.flatMap { _ in row })))
        }
    }

    /// The workers on which members of the gangs that begin now are, by number, in order.
    private func put(_ env: TestEnv, _ count: Int) -> [UInt32] {
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: count)
        return env.on(.strategySplit(task0, added: added, state: .end)).flatMap { effect in
            guard case .start(let worker, let orders) = effect else { return [UInt32]() }
            return orders.map { _ in worker.index }
        }.sorted()
    }

    @Test func `of workers with the same room the plugin's scores choose`() throws {
        let env = env(cores: [2, 2], gang: 2)
        try answer(env)
        #expect(put(env, 2) == [1, 1])
    }

    @Test func `several workers are taken by room, and of the same room by score`() throws {
        let env = env(cores: [1, 1, 2, 1], gang: 4)
        try answer(env)
        #expect(put(env, 4) == [1, 2, 2, 3])
    }

    @Test func `a worker that fits better is taken whatever the plugin says`() throws {
        let env = env(cores: [2, 8], gang: 2)
        try answer(env)
        #expect(put(env, 2) == [0, 0])
    }

    @Test func `without a say for all of them the first is taken, and it is asked`() throws {
        let env = env(cores: [2, 2], gang: 2)
        #expect(env.core.policyQuestion(for: .placing) != nil)
        #expect(put(env, 2) == [0, 0])
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `scores change neither how many members begin nor the room that one gang takes`(
        seed: UInt64
    ) throws {
        var random = SplitMix64(seed: seed)
        let cores = (0..<1 + random.next() % 7).map { _ in Int64(1 + random.next() % 4) }
        let gang = 2 + Int(random.next() % 5)
        let scores = (0..<64).map { _ in Double(random.next() % 5) - 2 }
        let count = gang * Int(1 + random.next() % 3)
        let (plain, plugged) = (
            env(cores: cores, gang: gang, isPlugged: false), env(cores: cores, gang: gang)
        )
        try answer(plugged) { kind, load in
            scores[(Int(kind.milliCores / 1000) * 5 + load + kind.labels.count * 31) % 64]
        }
        let (one, other) = (put(plain, count), put(plugged, count))
        #expect(one.count == other.count)
        #expect(one.count % gang == 0)
        /// How many members are on workers of so many cores.
        func taken(_ workers: [UInt32]) -> [[Int64]] {
            Dictionary(grouping: workers, by: { $0 }).map { [cores[Int($0)], Int64($1.count)] }
                .sorted { $0.lexicographicallyPrecedes($1) }
        }
        if count == gang { #expect(taken(one) == taken(other)) }
    }
}
