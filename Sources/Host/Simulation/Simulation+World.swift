import FanfoldCore

extension Simulation {
    /// Makes the runs, their strategies and the workers, and what will go wrong.
    mutating func build() {
        var submitted = Tick.zero
        for run in 0..<options.runs {
            addRun(run, at: submitted)
            submitted = submitted.advanced(
                byNanoseconds: options.runs > 1 ? random.upTo(60_000_000) : 0)
        }
        let count = strategies.count
        told = Array(repeating: [:], count: count)
        begins = Array(repeating: 0, count: count)
        ends = begins
        taskEnds = begins
        runEnds = Array(repeating: [], count: options.runs)
        let spread = UInt64(options.workers - options.leastWorkers)
        for _ in 0..<(options.leastWorkers + Int(random.upTo(spread))) {
            let moment = random.upTo(50_000_000)
            addWorker(after: isMate(workers.count) ? 0 : moment)
        }
        while chance(options.restarts) {
            schedule(.coordinatorDies, after: random.upTo(200_000_000))
        }
        if chance(options.cancelledRuns) {
            let cancel = Event.runCancelled(RunID(1), reason: "nobody wants it")
            schedule(.event(cancel), after: random.upTo(200_000_000))
        }
        for queue in options.queues {
            while options.pausedQueues > 0, chance(options.pausedQueues) {
                let moment = random.upTo(300_000_000)
                schedule(.event(.queuePaused(queue.name, true)), after: moment)
                schedule(
                    .event(.queuePaused(queue.name, false)),
                    after: moment + random.upTo(100_000_000))
            }
        }
    }

    /// Makes a run and its strategies.
    private mutating func addRun(_ place: Int, at tick: Tick) {
        let first = strategies.count
        let count = 1 + Int(random.upTo(UInt64(options.tasks - 1)))
        var tasks: [TaskSpec] = []
        for index in first..<(first + count) { tasks.append(task(index, from: first)) }
        let maximum = chance(200) ? 1 + Int(random.upTo(5)) : nil
        var run = RunSpec(
            id: RunID(UInt64(place) + 1), seed: seed &+ UInt64(place), tasks: tasks,
            maximumConcurrency: maximum)
        if !options.queues.isEmpty {
            run.queue = options.queues[Int(random.upTo(UInt64(options.queues.count - 1)))].name
            if chance(options.urgentRuns) { run.priority = Limits.preemptionPriorities }
        }
        if place == 0 {
            if let placement = options.placement {
                schedule(.event(.placementConfigured(placement)), after: 0)
            }
            if !options.queues.isEmpty {
                schedule(.event(.queuesConfigured(options.queues)), after: 0)
            }
        }
        schedule(.event(.runSubmitted(run)), at: tick)
        // Said twice, and the second time perhaps too late.
        let widths = Event.widthsEstimated(run.id, tasks.map(Self.width))
        schedule(.event(widths), at: tick)
        schedule(.event(widths), at: tick.advanced(byNanoseconds: 20_000_000))
        for index in first..<(first + count) {
            strategies.append(strategy(TaskID(UInt32(index)), at: tick))
        }
    }

    /// What is said of a task: it has so many subtasks for what the first one before it gives.
    private static func width(_ task: TaskSpec) -> TaskWidth {
        var width = TaskWidth(task: task.id)
        width.fixed = 3
        width.producer = task.dependsOn.first
        width.perItem = task.dependsOn.isEmpty ? 0 : 0.5
        return width
    }

    private mutating func task(_ index: Int, from first: Int) -> TaskSpec {
        var dependsOn: [TaskID] = []
        for earlier in first..<index where chance(300) { dependsOn.append(TaskID(UInt32(earlier))) }
        let policies: [FailurePolicy] = [.bestEffort, .minimumSuccess(0.3), .failFast]
        return TaskSpec(
            id: TaskID(UInt32(index)), name: "task-\(index)", dependsOn: dependsOn,
            needs: ResourceRequest(milliCores: 500),
            timeoutNanoseconds: chance(options.timeouts) ? 40_000_000 : nil,
            retry: RetryPolicy(
                attempts: options.attempts ?? 1 + Int(random.upTo(3)), baseNanoseconds: 1_000_000),
            failurePolicy: policies[Int(random.upTo(2))])
    }

    private mutating func strategy(_ task: TaskID, at tick: Tick) -> SimulatedStrategy {
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
            schedule(.event(.shapeDeclared(shape, ShapeSpec(task: task, needs: needs))), at: tick)
        }
        let plans = options.plans
        let verdicts: [FailureVerdict] =
            chance(100) ? [.failTask] : [.skip, .retry, .replaced, .skip]
        return SimulatedStrategy(
            task: task, plan: plans[Int(random.upTo(UInt64(plans.count - 1)))],
            total: 1 + Int(random.upTo(UInt64(options.subtasks - 1))), shapes: shapes,
            verdicts: verdicts)
    }

    /// Whether a worker is there from the beginning to the end, so that broken ones are never alone:
    /// then nothing could be done.
    private func isMate(_ index: Int) -> Bool {
        options.brokenWorkers > 0 && index == options.brokenWorkers
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
        let isBroken = workers.count < options.brokenWorkers
        let stays = isBroken || isMate(workers.count)
        workers.append(
            SimulatedWorker(
                id: id, capacity: capacity, slowness: Double(1 + random.upTo(4)),
                isDeaf: chance(options.deafWorkers) && !stays, isBroken: isBroken))
        let spec = WorkerSpec(id: id, capacity: capacity)
        schedule(.event(.workerRegistered(spec)), after: nanoseconds)
        // A deaf worker keeps for ever what it was told to end, so it must go.
        let isLost = workers[Int(id.index)].isDeaf || chance(options.lostWorkers)
        if stays {
            // It does.
        } else if isLost {
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
        case .cancel(let worker, let attempts, let reason):
            if reason == .preempted { report.preemptions += attempts.count }
            send(effect, to: worker)
        case .takeBack(let worker, _), .start(let worker, _): send(effect, to: worker)
        case .tellResults(let task, let attempts): tell(task, attempts)
        case .tellFailure(let subtask, let failure, _):
            let task = Int(subtask.task.index)
            report.failures.append("\(failure.kind) \(failure.reason)")
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
            if chance(options.failedBegins) {
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
        case .runEnded(let run, let outcome): runEnds[Int(run.rawValue) - 1].append(outcome)
        case .wakeAt(let tick): schedule(.event(.timeElapsed), at: tick)
        case .forget: break
        }
    }

    /// Looks at what must hold of queues and of broken workers after each event.
    mutating func watch() {
        if options.brokenWorkers > 0 {
            for worker in registered where coordinator.quarantine(of: worker) != nil {
                report.quarantined.insert(worker)
            }
        }
        guard !options.queues.isEmpty else { return }
        for queue in coordinator.queueUsage() {
            let quota = queue.spec.quota
            if let (dimension, limit) = quota.ceiling.exceeded(by: queue.use) {
                problem("queue \(queue.spec.name) holds more than \(limit) of \(dimension)")
            }
            report.mostBorrowed = max(report.mostBorrowed, queue.borrowed.milliCores)
            guard let since = queue.waitingSince, !queue.isPaused else { continue }
            report.longestWait = max(
                report.longestWait, now.nanoseconds - min(now.nanoseconds, since.nanoseconds))
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
