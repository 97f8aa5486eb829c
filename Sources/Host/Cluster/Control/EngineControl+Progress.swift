import FanfoldCore
import FanfoldJSON
import FanfoldRuntime

/// What is told of a run that goes on.
struct RunNumbers: Hashable, Sendable {
    var put = 0
    var allPut = true
    var succeeded = 0
    var failed = 0
    var withdrawn = 0
    var running = 0
    /// The place of the task that runs now.
    var task: Int?

    init(_ tasks: [TaskProgress]) {
        for (index, task) in tasks.enumerated() {
            put += task.put
            allPut = allPut && (task.allPut || task.phase.rawValue >= TaskPhase.completed.rawValue)
            succeeded += task.succeeded
            failed += task.failed
            withdrawn += task.withdrawn
            running += task.running
            if self.task == nil, task.phase == .running || task.phase == .finishing {
                self.task = index
            }
        }
    }
}

extension EngineControl {
    /// The time between two events of a run's progress at least, in nanoseconds.
    static let progressNanoseconds: UInt64 = 500_000_000
    /// Runs whose progress is looked at together at most; the others take turns.
    static let progressRuns = 256

    /// Tells how far the runs are that go on, if that has changed; on the loop's thread.
    func noteProgress(_ loop: EngineLoop) {
        let now = loop.now
        guard now >= seen.progressDue else { return }
        seen.progressDue = now.advanced(byNanoseconds: Self.progressNanoseconds)
        let open = loop.runs.filter { $0.outcome == nil }.map(\.id).sorted()
        let next = open.firstIndex { $0 > seen.progressLast } ?? 0
        let turn = (open[next...] + open[..<next]).prefix(Self.progressRuns)
        seen.progressLast = turn.last ?? RunID(0)
        var workers: Int?
        for id in turn {
            guard let run = loop.run(id) else { continue }
            let numbers = RunNumbers(loop.numbers(of: run))
            guard seen.progress.updateValue(numbers, forKey: id) != numbers else { continue }
            workers = workers ?? loop.workerUsage().count
            tell(numbers, of: run, workers ?? 0, loop, now)
        }
    }

    private func tell(
        _ numbers: RunNumbers, of run: LiveRun, _ workers: Int, _ loop: EngineLoop, _ now: Tick
    ) {
        var data = JSONObject()
        if let task = numbers.task { data["task"] = .string(loop.taskNames(of: run)[task]) }
        for (name, number) in [
            ("subtasks", numbers.put), ("succeeded", numbers.succeeded),
            ("failed", numbers.failed), ("withdrawn", numbers.withdrawn),
            ("running", numbers.running), ("workers", workers),
        ] { data[name] = .integer(Int64(number)) }
        data["all_put"] = .bool(numbers.allPut)
        let nanoseconds = now.nanoseconds - min(now.nanoseconds, run.submittedAt.nanoseconds)
        data["elapsed_milliseconds"] = .integer(Int64(clamping: nanoseconds / 1_000_000))
        note("run.progressed", run: run.id, data: .object(data))
    }
}
