extension Coordinator {
    /// The task's place in the table, if there is such a task.
    func known(_ task: TaskID) -> Int? {
        tasks.indices.contains(Int(task.index)) ? Int(task.index) : nil
    }

    mutating func strategyBegan(_ id: TaskID) {
        guard let task = known(id), tasks[task].isBeginning else { return }
        tasks[task].isBeginning = false
        let run = tasks[task].run
        runs[run].begins -= 1
        outbox.runs.append(run)
        guard tasks[task].phase == .beginning else {
            outbox.ends.append(id)
            return
        }
        tasks[task].hasBegun = true
        tasks[task].phase = .running
        touch(task: task)
    }

    mutating func strategyFailed(_ id: TaskID, _ failure: Failure) {
        guard let task = known(id) else { return }
        if tasks[task].isBeginning {
            tasks[task].isBeginning = false
            runs[tasks[task].run].begins -= 1
            outbox.runs.append(tasks[task].run)
        }
        guard !tasks[task].hasEnded, tasks[task].phase != .waiting else { return }
        fail(task, failure)
    }

    mutating func strategyFinished(_ id: TaskID) {
        guard let task = known(id), tasks[task].phase == .finishing else { return }
        end(task, .completed, .completed)
    }

    mutating func strategySplit(_ id: TaskID, _ added: [SubtaskSpec], _ state: SplitState) {
        guard let task = known(id), tasks[task].phase == .running, tasks[task].isSplitting else {
            return
        }
        tasks[task].isSplitting = false
        tasks[task].split = state
        // Answers come in the order of calls: what is not answered now it has been told since.
        let knowsMore = tasks[task].outstanding > 0
        let isEmpty = added.isEmpty && state == .more
        tasks[task].emptySplits = isEmpty ? tasks[task].emptySplits + 1 : 0
        if isEmpty, tasks[task].live > 0 || knowsMore {
            // It has nothing to put before it learns more, which is what `wait` says.
            tasks[task].split = .wait
            tasks[task].emptySplits = 0
        }
        if tasks[task].split == .wait, knowsMore { tasks[task].split = .more }
        touch(task: task)
        add(added, to: task)
        closeGangs(task)
    }

    mutating func strategyReplied(_ id: TaskID, _ reply: StrategyReply) {
        guard let task = known(id), tasks[task].phase == .running, tasks[task].outstanding > 0
        else { return }
        tasks[task].outstanding -= 1
        touch(task: task)
        guard add(reply.added, to: task) else { return }
        for index in reply.withdrawn where index < tasks[task].subtasks.count {
            withdraw(task, index)
        }
        for index in reply.withdrawn where index < tasks[task].subtasks.count {
            failDependents(task, index)
        }
        switch reply.answer {
        case .results: break
        case .capacity: tasks[task].isTellingCapacity = false
        case .failure(let index, let verdict): judge(task, index, verdict)
        }
        closeGangs(task)
    }

    /// Takes on what a strategy put; a subtask that goes against the contract fails the task.
    ///
    /// Returns: Whether the task goes on.
    @discardableResult
    private mutating func add(_ added: [SubtaskSpec], to task: Int) -> Bool {
        for spec in added {
            if let problem = self.problem(in: spec, of: task) {
                fail(
                    task,
                    Failure(
                        .strategyFailed, retry: .never, reason: "strategy.subtask",
                        "subtask \(tasks[task].subtasks.count): \(problem)"))
                return false
            }
            addOne(spec, to: task)
        }
        return true
    }

    private func problem(in spec: SubtaskSpec, of task: Int) -> String? {
        let index = tasks[task].subtasks.count
        if index >= Limits.subtasksPerTask {
            return "a task has at most \(Limits.subtasksPerTask) subtasks: make them larger"
        }
        let shape = Int(spec.shape.index)
        guard shapes.indices.contains(shape), shapes[shape].task == task else {
            return "its shape was not declared for this task"
        }
        if let late = spec.after.first(where: { $0 >= index }) {
            return "it must come after subtasks put before it, and comes after \(late)"
        }
        return nil
    }

    private mutating func addOne(_ spec: SubtaskSpec, to task: Int) {
        let index = UInt32(tasks[task].subtasks.count)
        var record = SubtaskRecord(
            shape: spec.shape.index, priority: spec.priority.isNaN ? 0 : spec.priority,
            state: .blocked)
        var isHopeless = false
        for dependency in spec.after {
            switch tasks[task].subtasks[Int(dependency)].state {
            case .succeeded: continue
            case .failed, .withdrawn: isHopeless = true
            default:
                record.link += 1
                let edge = DependencyEdge(
                    dependent: index,
                    next: tasks[task].subtasks[Int(dependency)].dependents)
                tasks[task].subtasks[Int(dependency)].dependents =
                    UInt32(tasks[task].edges.count)
                tasks[task].edges.append(edge)
            }
        }
        let isReady = record.link == 0
        tasks[task].subtasks.append(record)
        tasks[task].progress.put += 1
        tasks[task].progress.waiting += 1
        if placing.isOn { noteArrival(of: Int(spec.shape.index)) }
        if shapes[Int(spec.shape.index)].gang > 1 { join(task, index) }
        if isHopeless {
            failForGood(task, index, Self.dependencyFailed)
        } else if isReady {
            makeReady(task, index)
        }
    }

    static let dependencyFailed = Failure(
        .dependencyFailed, retry: .never, reason: "subtask.dependency-failed",
        "a subtask that this one comes after failed for good or was withdrawn")

    private mutating func withdraw(_ task: Int, _ index: UInt32) {
        switch tasks[task].subtasks[Int(index)].state {
        case .succeeded, .failed, .withdrawn: return
        case .placed:
            doom(tasks[task].subtasks[Int(index)].link, .withdrawn)
        case .ready:
            tasks[task].progress.ready -= 1
            tasks[task].progress.withdrawn += 1
            shapes[Int(tasks[task].subtasks[Int(index)].shape)].ready -= 1
        case .blocked, .resting, .judged, .gathering:
            tasks[task].progress.waiting -= 1
            tasks[task].progress.withdrawn += 1
        }
        tasks[task].subtasks[Int(index)].state = .withdrawn
        formGang(of: index, task)
        outbox.forgotten.append(SubtaskID(task: tasks[task].spec.id, index: index))
    }

    /// What the strategy says about a subtask that failed for good.
    private mutating func judge(_ task: Int, _ index: UInt32, _ verdict: FailureVerdict) {
        guard let place = tasks[task].verdicts.firstIndex(where: { $0.index == index }) else {
            return
        }
        let failure = tasks[task].verdicts.remove(at: place).failure
        guard tasks[task].subtasks[Int(index)].state == .judged else { return }
        let retries = tasks[task].subtasks[Int(index)].verdictRetries
        if verdict == .retry, failure.kind != .dependencyFailed,
            retries < Limits.verdictRetriesPerSubtask
        {
            tasks[task].subtasks[Int(index)].verdictRetries += 1
            return makeReady(task, index)
        }
        tasks[task].progress.waiting -= 1
        outbox.forgotten.append(SubtaskID(task: tasks[task].spec.id, index: index))
        if verdict == .replaced {
            tasks[task].progress.withdrawn += 1
            tasks[task].subtasks[Int(index)].state = .withdrawn
        } else {
            tasks[task].progress.failed += 1
            tasks[task].subtasks[Int(index)].state = .failed
            if tasks[task].firstFailure == nil { tasks[task].firstFailure = failure }
            if verdict == .failTask || tasks[task].spec.failurePolicy == .failFast {
                return fail(task, failure)
            }
        }
        formGang(of: index, task)
        failDependents(task, index)
    }

    /// Subtasks that come after one that never succeeds.
    private mutating func failDependents(_ task: Int, _ index: UInt32) {
        let state = tasks[task].subtasks[Int(index)].state
        guard state == .withdrawn || state == .failed else { return }
        var edge = tasks[task].subtasks[Int(index)].dependents
        while edge != noIndex {
            let (dependent, next) = (
                tasks[task].edges[Int(edge)].dependent, tasks[task].edges[Int(edge)].next
            )
            if tasks[task].subtasks[Int(dependent)].state == .blocked {
                failForGood(task, dependent, Self.dependencyFailed)
            }
            edge = next
        }
    }
}
