extension Coordinator {
    mutating func submit(_ spec: RunSpec) {
        guard runIndices[spec.id] == nil else { return }
        let run = runs.count
        runIndices[spec.id] = run
        let first = tasks.count
        if let failure = Self.problem(in: spec, first: first) ?? queueProblem(in: spec) {
            runs.append(
                RunState(
                    id: spec.id, tasks: first..<first, maximumConcurrency: 0,
                    random: SplitMix64(seed: spec.seed), outcome: .failed(nil, failure)))
            outbox.runs.append(run)
            countLive(run: run, 1)
            return
        }
        var state = RunState(
            id: spec.id, tasks: first..<(first + spec.tasks.count),
            maximumConcurrency: spec.maximumConcurrency ?? .max,
            random: SplitMix64(seed: spec.seed))
        state.liveTasks = spec.tasks.count
        state.queue = spec.queue.flatMap { queue(named: $0) } ?? 0
        state.priority = spec.priority
        runs.append(state)
        countLive(run: run, 1)
        outbox.runs.append(run)
        for task in spec.tasks {
            var state = TaskState(
                spec: task, run: run, resources: internClass(task.needs),
                progress: TaskProgress(task: task.id, phase: .waiting))
            state.unmet = Set(task.dependsOn).count
            tasks.append(state)
        }
        for task in runs[run].tasks where tasks[task].unmet == 0 { begin(task) }
    }

    /// Why the run cannot begin.
    ///
    /// That ids count on is the shell's to keep; what came from a document is refused.
    private static func problem(in spec: RunSpec, first: Int) -> Failure? {
        for (offset, task) in spec.tasks.enumerated() {
            precondition(
                Int(task.id.index) == first + offset, "ids of tasks count on without a gap")
        }
        func refusal(_ place: String, _ message: String) -> Failure {
            Failure(.misconfigured, retry: .never, reason: "run.\(place)", message)
        }
        if let maximum = spec.maximumConcurrency, maximum < 1 {
            return refusal("concurrency", "the most slots of a run must be 1 or more: \(maximum)")
        }
        if !Limits.priorities.contains(spec.priority) {
            return refusal(
                "priority",
                "the priority of a run must be \(Limits.priorities.lowerBound) to "
                    + "\(Limits.priorities.upperBound), and is \(spec.priority)")
        }
        for task in spec.tasks {
            if let problem = task.needs.problem {
                return refusal("needs", "task \(task.name): \(problem)")
            }
            if !(1...Limits.attemptsPerSubtask).contains(task.retry.attempts) {
                return refusal(
                    "attempts",
                    "task \(task.name): attempts must be 1 to \(Limits.attemptsPerSubtask), "
                        + "and are \(task.retry.attempts)")
            }
            if case .minimumSuccess(let share) = task.failurePolicy, !(0...1).contains(share) {
                return refusal(
                    "min-success",
                    "task \(task.name): the share to succeed must be 0 to 1, and is \(share)")
            }
        }
        return graphProblem(in: spec, first: first).map { refusal("graph", $0) }
    }

    /// A dependency that is not in the run, or tasks that wait for each other.
    private static func graphProblem(in spec: RunSpec, first: Int) -> String? {
        var unmet = [Int](repeating: 0, count: spec.tasks.count)
        var dependents = [[Int]](repeating: [], count: spec.tasks.count)
        for (offset, task) in spec.tasks.enumerated() {
            for dependency in task.dependsOn {
                let place = Int(dependency.index) - first
                guard spec.tasks.indices.contains(place) else {
                    return "task \(task.name) depends on a task that is not in the run"
                }
                unmet[offset] += 1
                dependents[place].append(offset)
            }
        }
        var ready = unmet.indices.filter { unmet[$0] == 0 }
        var done = 0
        while let task = ready.popLast() {
            done += 1
            for dependent in dependents[task] {
                unmet[dependent] -= 1
                if unmet[dependent] == 0 { ready.append(dependent) }
            }
        }
        guard done < spec.tasks.count, let stuck = unmet.firstIndex(where: { $0 > 0 }) else {
            return nil
        }
        return "task \(spec.tasks[stuck].name) waits, through others, for itself"
    }

    mutating func cancelRun(_ id: RunID, reason: String) {
        guard let run = runIndices[id], runs[run].outcome == nil else { return }
        runs[run].outcome = .cancelled(reason: reason)
        outbox.runs.append(run)
        for task in runs[run].tasks where !tasks[task].hasEnded {
            end(task, .cancelled, .cancelled(reason: reason))
        }
    }

    /// Decides the outcome of a run that has failed, and cancels its other tasks.
    mutating func failRun(of task: Int, _ failure: Failure) {
        let run = tasks[task].run
        guard runs[run].outcome == nil else { return }
        runs[run].outcome = .failed(tasks[task].spec.id, failure)
        outbox.runs.append(run)
        let reason = "task \(tasks[task].spec.name) failed: \(failure.message)"
        for other in runs[run].tasks where !tasks[other].hasEnded {
            end(other, .cancelled, .cancelled(reason: reason))
        }
    }

    /// Ends those runs of which nothing is left.
    mutating func settleRuns() {
        for run in outbox.runs {
            let state = runs[run]
            guard !state.hasEnded, state.liveTasks == 0, state.placed == 0, state.begins == 0
            else { continue }
            runs[run].hasEnded = true
            runs[run].deadline = nil
            stopServing(run)
            countLive(run: run, -1)
            outbox.runEnds.append((state.id, state.outcome ?? .completed))
        }
    }

    /// Keeps of an ended run no more than its numbers: what is left has a fixed size.
    mutating func forget(_ id: RunID) {
        guard let run = runIndices[id], runs[run].hasEnded, !runs[run].isForgotten else { return }
        runs[run].isForgotten = true
        runs[run].outcome = .completed
        for task in runs[run].tasks {
            for shape in tasks[task].shapes {
                shapes[shape].spec = ShapeSpec(task: tasks[task].spec.id)
                shapes[shape].queue = ReadyQueue()
                shapes[shape].hungry = []
            }
            var kept = TaskState(
                spec: TaskSpec(id: tasks[task].spec.id, name: ""), run: run,
                resources: tasks[task].resources, progress: tasks[task].progress)
            kept.phase = tasks[task].phase
            kept.split = tasks[task].split
            tasks[task] = kept
        }
    }

    mutating func declare(_ id: ShapeID, _ spec: ShapeSpec) {
        guard id.index >= shapes.count else { return }
        precondition(Int(id.index) == shapes.count, "shapes are declared in the order of their ids")
        let task = Int(spec.task.index)
        precondition(tasks.indices.contains(task), "a shape belongs to a task that was submitted")
        let timeout = spec.timeoutNanoseconds ?? tasks[task].spec.timeoutNanoseconds
        let needs = spec.needs ?? tasks[task].spec.needs
        if let problem = needs.problem, !tasks[task].hasEnded {
            fail(task, Failure(.misconfigured, retry: .never, reason: "shape.needs", problem))
        }
        tasks[task].shapes.append(shapes.count)
        shapes.append(
            ShapeState(
                spec: spec, task: task,
                resources: needs.problem == nil
                    ? internClass(needs) : tasks[task].resources,
                timerLane: timeout.map { lane(of: $0) } ?? noIndex))
        if spec.gang != 1 { declareGang(of: shapes.count - 1) }
    }

    private mutating func lane(of nanoseconds: UInt64) -> UInt32 {
        if let lane = lanes.dropFirst().firstIndex(where: { $0.nanoseconds == nanoseconds }) {
            return UInt32(lane)
        }
        lanes.append(TimerLane(nanoseconds: nanoseconds))
        return UInt32(lanes.count - 1)
    }

    private mutating func internClass(_ request: ResourceRequest) -> Int {
        if let known = classes.firstIndex(where: { $0.request == request }) { return known }
        classes.append(ResourceClass(request: request))
        placing.want(classes.count - 1)
        for worker in workers.indices where workers[worker].phase == .active {
            include(worker, in: classes.count - 1)
        }
        return classes.count - 1
    }
}
