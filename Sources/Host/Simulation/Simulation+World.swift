import FanfoldCore

extension Simulation {
    /// Makes the run, its strategies and the workers, and what will go wrong.
    mutating func build() {
        let count = 1 + Int(random.upTo(UInt64(options.tasks - 1)))
        var tasks: [TaskSpec] = []
        for index in 0..<count { tasks.append(task(index)) }
        let maximum = chance(200) ? 1 + Int(random.upTo(5)) : nil
        let run = RunSpec(
            id: RunID(1), seed: seed, tasks: tasks, maximumConcurrency: maximum)
        if let placement = options.placement {
            schedule(.event(.placementConfigured(placement)), after: 0)
        }
        schedule(.event(.runSubmitted(run)), after: 0)
        for index in 0..<count { strategies.append(strategy(TaskID(UInt32(index)))) }
        told = Array(repeating: [:], count: count)
        begins = Array(repeating: 0, count: count)
        ends = begins
        taskEnds = begins
        for _ in 0...random.upTo(UInt64(options.workers - 1)) {
            addWorker(after: random.upTo(50_000_000))
        }
        while chance(options.restarts) {
            schedule(.coordinatorDies, after: random.upTo(200_000_000))
        }
        if chance(options.cancelledRuns) {
            let cancel = Event.runCancelled(RunID(1), reason: "nobody wants it")
            schedule(.event(cancel), after: random.upTo(200_000_000))
        }
    }

    private mutating func task(_ index: Int) -> TaskSpec {
        var dependsOn: [TaskID] = []
        for earlier in 0..<index where chance(300) { dependsOn.append(TaskID(UInt32(earlier))) }
        let policies: [FailurePolicy] = [.bestEffort, .minimumSuccess(0.3), .failFast]
        return TaskSpec(
            id: TaskID(UInt32(index)), name: "task-\(index)", dependsOn: dependsOn,
            needs: ResourceRequest(milliCores: 500),
            timeoutNanoseconds: chance(500) ? 40_000_000 : nil,
            retry: RetryPolicy(attempts: 1 + Int(random.upTo(3)), baseNanoseconds: 1_000_000),
            failurePolicy: policies[Int(random.upTo(2))])
    }

    private mutating func strategy(_ task: TaskID) -> SimulatedStrategy {
        var shapes: [ShapeID] = []
        for _ in 0...random.upTo(1) {
            let shape = ShapeID(UInt32(shapeNeeds.count))
            shapes.append(shape)
            var needs = ResourceRequest(milliCores: 500 * Int64(1 + random.upTo(2)))
            if options.devices > 0, chance(options.devices) {
                needs.devices = 1
                needs.deviceMilli = 250 * Int64(1 + random.upTo(2))
            }
            shapeNeeds.append(needs)
            schedule(.event(.shapeDeclared(shape, ShapeSpec(task: task, needs: needs))), after: 0)
        }
        let plans = SimulatedStrategy.Plan.allCases
        let verdicts: [FailureVerdict] =
            chance(100) ? [.failTask] : [.skip, .retry, .replaced, .skip]
        return SimulatedStrategy(
            task: task, plan: plans[Int(random.upTo(UInt64(plans.count - 1)))],
            total: 1 + Int(random.upTo(UInt64(options.subtasks - 1))), shapes: shapes,
            verdicts: verdicts)
    }

    /// A worker comes; some will be lost, or drained, and have another come in their place.
    mutating func addWorker(after nanoseconds: UInt64) {
        let id = WorkerID(UInt32(workers.count))
        var capacity = ResourceVector(
            milliCores: 1500 + 500 * Int64(random.upTo(5)), memoryBytes: 1 << 30)
        // The first has some, so that nothing waits for ever.
        if options.devices > 0, chance(options.devices) || workers.isEmpty {
            let count = 1 + Int(random.upTo(2))
            capacity.devices = Array(repeating: DeviceVector(memoryBytes: 1 << 30), count: count)
        }
        workers.append(
            SimulatedWorker(
                id: id, capacity: capacity, slowness: Double(1 + random.upTo(4)),
                isDeaf: chance(50)))
        let spec = WorkerSpec(id: id, capacity: capacity)
        schedule(.event(.workerRegistered(spec)), after: nanoseconds)
        // A deaf worker keeps for ever what it was told to end, so it must go.
        let isLost = workers[Int(id.index)].isDeaf || chance(options.lostWorkers)
        if isLost {
            schedule(
                .workerDies(Int(id.index)), after: nanoseconds + random.upTo(150_000_000))
        } else if chance(100) {
            addWorker(after: nanoseconds + 100_000_000)
            schedule(
                .workerDrains(Int(id.index)), after: nanoseconds + random.upTo(150_000_000))
        }
        disturb(Int(id.index), after: nanoseconds)
    }

    /// A worker is gone; the coordinator hears of it later.
    mutating func die(_ index: Int) {
        workers[index].isAlive = false
        schedule(
            .event(.workerLost(workers[index].id, reason: "no heartbeat")),
            after: random.upTo(20_000_000))
        addWorker(after: 30_000_000)
    }

    /// Does what the coordinator ordered, and checks that it may be ordered.
    mutating func carryOut(_ effect: Effect) {
        switch effect {
        case .cancel(let worker, _, _), .takeBack(let worker, _), .start(let worker, _):
            send(effect, to: worker)
        case .tellResults(let task, let attempts): tell(task, attempts)
        case .tellFailure(let subtask, _, _):
            let task = Int(subtask.task.index)
            let reply = strategies[task].failure(subtask.index, at: random.next())
            answer(task, .strategyReplied(subtask.task, reply))
        case .tellCapacity(let task):
            answer(Int(task.index), .strategyReplied(task, StrategyReply(.capacity)))
        case .split(let task, let want):
            if want < 1 { problem("a split must want something") }
            let (added, state) = strategies[Int(task.index)].split(want: want)
            answer(Int(task.index), .strategySplit(task, added: added, state: state))
        case .finishStrategy(let task): answer(Int(task.index), .strategyFinished(task))
        case .beginStrategy(let task):
            if chance(10) {
                let failure = Failure(.strategyFailed, reason: "begin", "it did not begin")
                answer(Int(task.index), .strategyFailed(task, failure))
            } else {
                begins[Int(task.index)] += 1
                answer(Int(task.index), .strategyBegan(task))
            }
        case .endStrategy(let task): ends[Int(task.index)] += 1
        case .taskEnded(let task, let outcome):
            taskEnds[Int(task.index)] += 1
            if outcome == .completed { completed.insert(Int(task.index)) }
        case .runEnded(_, let outcome): runEnds.append(outcome)
        case .wakeAt(let tick): schedule(.event(.timeElapsed), at: tick)
        case .forget: break
        }
    }

    private mutating func tell(_ task: TaskID, _ attempts: [AttemptID]) {
        let index = Int(task.index)
        if taskEnds[index] > 0 { problem("task \(index) was told results after its end") }
        for attempt in attempts {
            told[index][attempt.index, default: 0] += 1
            if told[index][attempt.index] != 1 {
                problem("subtask \(attempt.index) of task \(index) was told twice")
            }
        }
        let reply = strategies[index].results(attempts.count)
        answer(index, .strategyReplied(task, reply))
    }

    private mutating func answer(_ task: Int, _ event: Event) {
        let due = now.advanced(byNanoseconds: random.upTo(2_000_000))
        strategies[task].lastAnswer = max(strategies[task].lastAnswer, due)
        schedule(.event(event), at: strategies[task].lastAnswer)
    }
}
