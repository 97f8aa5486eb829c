// What is left of runs with a deadline, as the scaler is told.

extension Coordinator {
    /// The run of that place, if it has a deadline.
    func timed(_ run: Int) -> RunID? { runs[run].deadline == nil ? nil : runs[run].id }

    /// What is left of each run that has a deadline and is not paused; deadlines are of the
    /// coordinator's clock.
    ///
    /// Work that has not been put yet counts for nothing.  What no attempt has ended of takes as long as
    /// in earlier runs, or, where nothing is known of them, counts for nothing.  The run is then not
    /// whole.
    ///
    /// - Complexity: O(tasks and shapes of these runs, and what runs of them).
    package func scalingRuns() -> [ScalingRun] {
        runs.indices.compactMap { run in
            guard let deadline = runs[run].deadline, runs[run].outcome == nil,
                !runs[run].isPaused, !sharing.queues[runs[run].queue].isPaused
            else { return nil }
            return work(ofRun: run, deadline)
        }
    }

    private func work(ofRun run: Int, _ deadline: Tick) -> ScalingRun? {
        var sum = ScalingRun(
            run: runs[run].id, deadline: deadline, request: ResourceRequest(milliCores: 0), count: 0
        )
        var most = -1.0
        for task in runs[run].tasks where !tasks[task].hasEnded {
            let isPut = tasks[task].phase == .running && tasks[task].split == .end
            if !isPut, tasks[task].phase != .finishing { sum.isWhole = false }
            sum.count += tasks[task].live
            var (known, unknown) = (0, tasks[task].live)
            for shape in tasks[task].shapes {
                let state = shapes[shape]
                let (running, ran, longest) = runningTime(of: shape)
                let count = state.ready + state.queued + running
                sum.running += running
                sum.ranNanoseconds += ran
                sum.longestNanoseconds = max(sum.longestNanoseconds, longest)
                unknown -= count
                guard count > 0 else { continue }
                if state.bound == nil { sum.isWhole = false }
                guard let bound = state.bound ?? tasks[task].width?.bound else { continue }
                known += count
                sum.workNanoseconds += Double(count) * bound.mean
                sum.longestNanoseconds = max(sum.longestNanoseconds, bound.longest)
                if Double(count) * bound.mean > most {
                    most = Double(count) * bound.mean
                    sum.request = classes[state.resources].request
                }
            }
            // Those that rest, or come after others, take as long as those of which that is known.
            if unknown > 0 {
                if known == 0 { sum.isWhole = false }
                sum.workNanoseconds += Double(unknown) * sum.longestNanoseconds
            }
            if most < 0 { sum.request = tasks[task].spec.needs }
        }
        sum.slots = min(
            runs[run].maximumConcurrency,
            sharing.queues[runs[run].queue].spec.quota.ceiling.slots(
                of: ResourceAmount(sum.request)))
        return sum.count > 0 ? sum : nil
    }

    /// Attempts that run, how long they have run together, and the longest of them.
    private func runningTime(of shape: Int) -> (count: Int, ran: Double, longest: Double) {
        var (count, ran, longest) = (0, 0.0, 0.0)
        for cell in shapes[shape].cells {
            for placement in cellLinks.members(of: cells[Int(cell)].running)
            where placements[placement].fate == .wanted {
                let started = placements[placement].started
                let time = clock > started ? Double(clock.nanoseconds - started.nanoseconds) : 0
                count += 1
                ran += time
                longest = max(longest, time)
            }
        }
        return (count, ran, longest)
    }
}

extension Quota {
    /// How often it holds an amount.
    fileprivate func slots(of amount: ResourceAmount) -> Int {
        var most = Int64(Int32.max)
        for (limit, each) in [
            (milliCores, amount.milliCores), (memoryBytes, amount.memoryBytes),
            (deviceMilli, amount.deviceMilli),
        ] where each > 0 {
            most = min(most, (limit ?? .max) / each)
        }
        return Int(max(0, most))
    }
}

extension ShapeState {
    /// How long one takes on average at most, and nearly each; `nil` before one has ended.
    ///
    /// Source: V. Jacobson, "Congestion Avoidance and Control", 1988: the mean and four deviations.
    var bound: (mean: Double, longest: Double)? {
        meanNanoseconds.map { ($0 + spreadNanoseconds / 2, $0 + 4 * spreadNanoseconds) }
    }

    /// Another one took so long, which is told before the mean is changed by it.
    mutating func spread(_ sample: Double) {
        guard let meanNanoseconds else { return spreadNanoseconds = sample / 4 }
        spreadNanoseconds += (abs(sample - meanNanoseconds) - spreadNanoseconds) / 4
    }
}
