import Testing

@testable import FanfoldCore

@Suite struct PolicyPlacementTests {
    private func env(_ policy: PlacementPolicy, shadow: PlacementPolicy? = nil) -> TestEnv {
        let env = TestEnv(cores: [4, 4])
        env.on(.placementConfigured(PlacementSettings(policy: policy, shadow: shadow)))
        return env
    }

    private func worker(of index: UInt32, _ env: TestEnv) -> UInt32? {
        env.core.placementNote(of: attempt(index).subtask)?.worker.index
    }

    @Test func `fitness fills one worker after the other, spread takes turns`() {
        let packed = env(.fitness)
        packed.put(3)
        #expect((0..<3).map { worker(of: $0, packed) } == [0, 0, 0])
        let spread = env(.spread)
        spread.put(3)
        #expect((0..<3).map { worker(of: $0, spread) } == [0, 1, 0])
    }

    @Test func `before a policy is named workers take turns, and nothing is noted`() {
        let env = TestEnv(cores: [4, 4])
        env.put(2)
        #expect(env.core.placementSettings == nil)
        #expect(worker(of: 0, env) == nil)
        #expect(env.core.workerUsage().map(\.slots) == [1, 1])
    }

    @Test func `every scorer's value is kept for the worker that was chosen`() throws {
        let env = env(.fitness)
        env.put(1)
        let note = try #require(env.core.placementNote(of: attempt(0).subtask))
        #expect(note.policy == .fitness)
        #expect(note.fitness.cpu == 1)
        #expect(
            note.values.map(\.name) == [
                "best-fit", "pack", "spread", "fragmentation", "room-lost", "policy",
            ])
        #expect(note.values.last?.value == note.values.first?.value)
    }

    @Test func `a policy in the shadow is counted where it would have done otherwise`() throws {
        let env = env(.fitness, shadow: .spread)
        env.put(3)
        let counts = env.core.placementCounts
        #expect(counts == PlacementCounts(chosen: 3, compared: 3, differed: 2))
        let shadow = try #require(env.core.placementNote(of: attempt(1).subtask)?.shadow)
        #expect(shadow.worker == worker1)
        #expect(shadow.score > shadow.scoreOfTaken)
    }

    @Test func `workers that do not suit are counted by what is short`() {
        let env = TestEnv(cores: [1, 4])
        env.on(.placementConfigured(PlacementSettings()))
        env.on(.workerDraining(worker1))
        env.put(2)
        let counts = env.core.rejections(of: attempt(1).subtask)
        #expect(counts.map(\.reason) == [.cpu, .workerNotFound])
        #expect(counts.map(\.workers) == [1, 1])
    }

    @Test func `devices are those that the policy chose`() {
        let env = TestEnv(cores: [])
        var total = ResourceVector(milliCores: 8000, memoryBytes: 1 << 30)
        total.devices = Array(repeating: DeviceVector(memoryBytes: 1 << 30), count: 2)
        env.on(.workerRegistered(WorkerSpec(id: worker0, capacity: total)))
        env.on(.placementConfigured(PlacementSettings(policy: .keepUsable)))
        let needs = ResourceRequest(milliCores: 100, devices: 1, deviceMilli: 500)
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, needs: needs)))
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: 4)
        env.on(.strategySplit(task0, added: added, state: .end))
        #expect(env.core.workerUsage()[0].free.devices.map(\.milli) == [0, 0])
    }

    @Test func `what is typical and the policies come back from a snapshot`() throws {
        let env = env(.keepUsable, shadow: .fgd)
        env.put(100)
        let bytes = env.core.encoded()
        let restored = try Coordinator(decoding: bytes)
        #expect(restored.encoded() == bytes)
        #expect(restored.placementSettings == env.core.placementSettings)
        #expect(restored.placing.placer.typical == env.core.placing.placer.typical)
        #expect(!restored.placing.placer.typical.list.isEmpty)
    }

    @Test func `an event that names policies is read as it was written`() throws {
        for shadow in [nil, PlacementPolicy.spread] {
            let event = Event.placementConfigured(
                PlacementSettings(policy: .pack, shadow: shadow))
            #expect(try Event(decoding: event.encoded()) == event)
        }
    }
}
