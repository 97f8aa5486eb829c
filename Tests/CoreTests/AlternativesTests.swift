import Testing

@testable import FanfoldCore

/// Shape 0 wants a whole GPU and one core, shape 1 is the same work on two cores.
private func env(cpuWorkers: Int, gpuWorkers: Int) -> TestEnv {
    let env = TestEnv(cores: Array(repeating: 2, count: cpuWorkers))
    for index in 0..<gpuWorkers {
        env.on(
            .workerRegistered(
                WorkerSpec(
                    id: WorkerID(UInt32(cpuWorkers + index)),
                    capacity: ResourceVector(
                        milliCores: 1000, memoryBytes: 1 << 30,
                        devices: [DeviceVector(memoryBytes: 1 << 30)]))))
    }
    let gpu = ResourceRequest(milliCores: 1000, devices: 1)
    let cores = ResourceRequest(milliCores: 2000)
    env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, needs: gpu)))
    env.on(.shapeDeclared(ShapeID(2), ShapeSpec(task: task0, needs: cores)))
    env.on(.shapeAlternative(ShapeID(1), or: ShapeID(2)))
    return env
}

private func put(_ env: TestEnv, _ count: Int) -> [Assignment] {
    let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: count)
    return starts(env.on(.strategySplit(task0, added: added, state: .end)))
}

private func starts(_ effects: [Effect]) -> [Assignment] {
    effects.flatMap { effect -> [Assignment] in
        if case .start(_, let orders) = effect { orders } else { [] }
    }
}

@Suite struct AlternativesTests {
    @Test func `the first alternative that has room is taken`() {
        let env = env(cpuWorkers: 1, gpuWorkers: 1)
        let started = put(env, 2)
        #expect(started.map(\.shape) == [ShapeID(1), ShapeID(2)])
        #expect(started.map(\.devices) == [[0], []])
        #expect(env.core.slots(of: task0) == 1 + 2 + 1)
    }

    @Test func `one that is tried again may become the other`() {
        let env = env(cpuWorkers: 1, gpuWorkers: 0)
        #expect(put(env, 1).map(\.shape) == [ShapeID(2)])
        env.on(
            .workerRegistered(
                WorkerSpec(
                    id: worker1,
                    capacity: ResourceVector(
                        milliCores: 1000, memoryBytes: 1 << 30,
                        devices: [DeviceVector(memoryBytes: 1 << 30)]))))
        let again = starts(env.on(.workerLost(worker0, reason: "gone")))
        #expect(again.map(\.shape) == [ShapeID(1)])
        #expect(again.map(\.attempt.epoch) == [2])
    }

    @Test func `what is queued for one is asked back when the other has room`() {
        let env = env(cpuWorkers: 0, gpuWorkers: 1)
        let started = put(env, 3)
        #expect(started.count { $0.slot != nil } == 1)
        #expect(started.count { $0.slot == nil } == 1)
        let effects = env.worker(1, cores: 4)
        #expect(starts(effects).map(\.shape) == [ShapeID(2)])
        #expect(
            effects.contains {
                if case .takeBack(worker0, let attempts) = $0 { attempts.count == 1 } else { false }
            })
    }

    @Test func `the reason for waiting is that of the alternative that could run some day`() {
        let env = env(cpuWorkers: 1, gpuWorkers: 0)
        _ = put(env, 3)
        let waiting = (0..<3).lazy.map { SubtaskID(task: task0, index: $0) }
            .compactMap { env.core.explainWaiting($0) }
        #expect(
            waiting.contains { if case .waitingForCapacity = $0 { true } else { false } })
        #expect(env.core.unplaceable().isEmpty)
    }

    @Test func `where none fits, the reason is that of the first`() {
        let env = TestEnv(cores: [1])
        let gpu = ResourceRequest(milliCores: 1000, devices: 1)
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, needs: gpu)))
        env.on(
            .shapeDeclared(
                ShapeID(2), ShapeSpec(task: task0, needs: ResourceRequest(milliCores: 8000))))
        env.on(.shapeAlternative(ShapeID(1), or: ShapeID(2)))
        #expect(put(env, 1).isEmpty)
        let reason = env.core.unplaceable().map(\.reason)
        #expect(reason == [.exceedsMaximumWorker(.gpu, wanted: 1, largest: 0)])
    }

    @Test func `only a later shape of the same task, once and with no alternatives of its own`() {
        let env = env(cpuWorkers: 1, gpuWorkers: 0)
        let before = env.core.encoded()
        for (shape, other) in [(1, 2), (2, 1), (1, 1), (2, 3), (0, 9), (0, 1), (0, 2)] {
            env.on(.shapeAlternative(ShapeID(UInt32(shape)), or: ShapeID(UInt32(other))))
        }
        #expect(env.core.encoded() == before)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `random histories end, each result once, and a copy goes on the same`(seed: UInt64) throws
    {
        var random = SplitMix64(seed: seed)
        let env = env(
            cpuWorkers: 1 + Int(random.upTo(2)), gpuWorkers: Int(random.upTo(2)))
        let count = 20 + Int(random.upTo(40))
        var running: [UInt32: [Assignment]] = [:]
        var results = 0
        func take(_ effects: [Effect]) {
            for effect in effects {
                switch effect {
                case .start(let worker, let orders):
                    for order in orders {
                        if case .promote = order.order {
                            running[worker.index]?.removeAll { $0.attempt == order.attempt }
                        }
                        running[worker.index, default: []].append(order)
                    }
                case .takeBack(let worker, let attempts):
                    let back = running[worker.index, default: []].filter {
                        $0.slot == nil && attempts.contains($0.attempt)
                    }
                    running[worker.index]?.removeAll { back.contains($0) }
                    take(env.on(.attemptsTakenBack(worker, back.map(\.attempt))))
                case .tellResults(_, let attempts):
                    results += attempts.count
                    take(env.reply())
                default: break
                }
            }
        }
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: count)
        take(env.on(.strategySplit(task0, added: added, state: .end)))
        for _ in 0..<2_000 where results < count {
            env.now += 1_000_000
            if random.upTo(20) == 0 {
                env.core = try Coordinator(decoding: env.core.encoded())
            }
            let busy = running.filter { $0.value.contains { $0.slot != nil } }.keys.sorted()
            guard !busy.isEmpty else { break }
            let worker = busy[Int(random.upTo(UInt64(busy.count - 1)))]
            guard
                let place = running[worker]?.firstIndex(where: { $0.slot != nil }),
                let ended = running[worker]?.remove(at: place)
            else { continue }
            let next = running[worker]?.firstIndex { $0.slot == nil && $0.shape == ended.shape }
            var successor: Assignment?
            if let next, var order = running[worker]?.remove(at: next), let slot = ended.slot {
                order.order = .start(slot)
                successor = order
                running[worker]?.append(order)
            }
            take(
                env.ended(
                    ended.attempt, ended.slot, next: successor?.attempt,
                    on: WorkerID(worker), ran: 1_000_000 * (1 + random.upTo(3))))
        }
        #expect(results == count)
    }
}
