// What the graph will make ready: tasks that begin as soon as those before them have ended.

/// A task that has not begun, of which a demand is expected.
package struct ExpectedTask: Hashable, Sendable {
    /// Its run.
    package var run: RunID
    /// The task.
    package var id: TaskID
    /// Its name in the pipeline.
    package var name: String
    /// Until it begins, in nanoseconds, as far as those before it go on as they did.
    package var readyNanoseconds: UInt64

    /// A task that begins in so many nanoseconds.
    package init(run: RunID, id: TaskID, name: String, readyNanoseconds: UInt64) {
        self.run = run
        self.id = id
        self.name = name
        self.readyNanoseconds = readyNanoseconds
    }
}

extension Coordinator {
    /// Adds what tasks will want that have not begun and will within so many nanoseconds.
    ///
    /// Of each no more than its strategy is asked for first, and only what the slots of the tasks before
    /// it do not hold: those are free by then.  What is freed is given to one task only.
    ///
    /// Complexity: O(waiting tasks, those before them, and the shapes of these).
    func expect(
        _ waiting: [Int], within nanoseconds: UInt64, _ room: inout DemandRoom,
        _ demand: inout [ScalingDemand]
    ) {
        var freed: [Int: ResourceAmount] = [:]
        var ends: [Int: Double?] = [:]
        var left = Limits.expectedTasks
        for task in waiting where left > 0 {
            guard let ready = beginning(of: task, &ends), ready <= Double(nanoseconds) else {
                continue
            }
            left -= 1
            let state = tasks[task]
            let (request, run) = (state.spec.needs, state.run)
            let amount = ResourceAmount(request)
            var count = min(expectedSubtasks(task) ?? 1, Limits.expectedSubtasks)
            for before in state.spec.dependsOn where count > 0 {
                count -= takeFreed(by: Int(before.index), request, amount, count, &freed)
            }
            guard count > 0,
                sharing.queues[runs[run].queue].spec.quota.exceeded(by: amount) == nil
            else { continue }
            let allowed = room.take(count, of: amount, run: (run, runs[run]))
            guard allowed > 0 else { continue }
            var expected = ScalingDemand(
                request: request, count: allowed, nanoseconds: state.width?.nanoseconds,
                run: timed(run))
            expected.expected = ExpectedTask(
                run: runs[run].id, id: state.spec.id, name: state.spec.name,
                readyNanoseconds: UInt64(ready))
            demand.append(expected)
        }
    }

    /// Slots of a request for which a task leaves room when it has ended, at most so many.
    private func takeFreed(
        by task: Int, _ request: ResourceRequest, _ amount: ResourceAmount, _ most: Int,
        _ freed: inout [Int: ResourceAmount]
    ) -> Int {
        guard !tasks[task].hasEnded else { return 0 }
        var taken = 0
        for shape in tasks[task].shapes where taken < most {
            let labels = classes[shapes[shape].resources].request.labels
            guard request.labels.allSatisfy(labels.contains) else { continue }
            let state = shapes[shape]
            let held =
                freed[shape]
                ?? self.amount(of: shape) * (state.slots + state.ready + state.queued)
            let count = held.count(of: amount, atMost: most - taken)
            freed[shape] = held - amount * count
            taken += count
        }
        return taken
    }

    /// Until the tasks before one have ended, in nanoseconds; `nil` where nothing says it.
    ///
    /// - Parameter ends: what was found of such tasks already.
    private func beginning(of task: Int, _ ends: inout [Int: Double?]) -> Double? {
        var longest = 0.0
        for before in tasks[task].spec.dependsOn {
            let place = Int(before.index)
            if tasks[place].phase == .completed { continue }
            let end = ends[place] ?? remaining(place)
            ends[place] = .some(end)
            guard let left = end else { return nil }
            longest = max(longest, left)
        }
        return longest
    }

    /// How long a task is expected to run, in nanoseconds; `nil` where nothing is known.
    ///
    /// What runs counts as if it had just begun.
    private func remaining(_ task: Int) -> Double? {
        if tasks[task].phase == .finishing { return 0 }
        guard tasks[task].phase == .running, let total = expectedSubtasks(task) else { return nil }
        var (longest, slots, counted, mean) = (0.0, 0, 0, 0.0)
        for shape in tasks[task].shapes {
            let state = shapes[shape]
            let count = state.ready + state.queued + state.slots
            guard count > 0 else { continue }
            guard let each = state.meanNanoseconds, state.slots > 0 else { return nil }
            longest = max(longest, each * (Double(count) / Double(state.slots)).rounded(.up))
            (slots, counted, mean) = (slots + state.slots, counted + count, max(mean, each))
        }
        // What rests, comes after others, or has not been put runs where the others do.
        let put = tasks[task].progress.put
        let others = max(0, tasks[task].live - counted) + max(0, total - put)
        guard others > 0 else { return longest }
        guard slots > 0 else { return nil }
        return max(longest, mean * (Double(counted + others) / Double(slots)).rounded(.up))
    }
}

extension ResourceAmount {
    /// How many of a request it holds.
    fileprivate func count(of amount: ResourceAmount, atMost most: Int) -> Int {
        var count = Int64(most)
        for (have, each) in [
            (milliCores, amount.milliCores), (memoryBytes, amount.memoryBytes),
            (deviceMilli, amount.deviceMilli),
        ] where each > 0 {
            count = min(count, max(0, have) / each)
        }
        return Int(max(0, count))
    }
}
