import FanfoldAPI
import FanfoldCore
import FanfoldRuntime

/// Questions whose answers may be long: only what is on the page is put together.
extension RunBooks {
    /// Runs that the query names, newest first.
    ///
    /// - Complexity: O(runs) to find them; only those on the page are looked at closely.
    func page(_ query: RunQuery, _ view: View) -> RunPage {
        var wanted = view.loop.runs.filter { !$0.isForgotten && lets($0, query, view) }
        wanted.sort { $0.id > $1.id }
        let rest = wanted.drop { run in query.before.map { run.id.rawValue >= $0 } ?? false }
            .dropFirst(query.offset)
        return RunPage(
            runs: rest.prefix(query.limit).map { summary($0, view) }, total: wanted.count,
            hasMore: rest.count > query.limit)
    }

    private func lets(_ run: LiveRun, _ query: RunQuery, _ view: View) -> Bool {
        if !query.statuses.isEmpty, !query.statuses.contains(status(run, view)) { return false }
        guard query.onlyOrchestrated || query.orchestrated != nil else { return true }
        guard label(run.id)?.isOrchestrated == true else { return false }
        guard let state = query.orchestrated else { return true }
        return summary(run, view).orchestrated == state
    }

    /// How many runs there are in each state, and how many of their subtasks succeeded.
    func totals(_ view: View) -> (runs: [RunStatus: Int], succeeded: Int) {
        var runs: [RunStatus: Int] = [:]
        var succeeded = 0
        for run in view.loop.runs where !run.isForgotten {
            runs[status(run, view), default: 0] += 1
            succeeded += view.loop.numbers(of: run).reduce(0) { $0 + $1.succeeded }
        }
        return (runs, succeeded)
    }

    /// Attempts of a task that ended; `nil` if there is no such run or task.
    func attempts(
        _ id: UInt64, _ name: String, _ first: Int, _ limit: Int, _ view: View
    ) -> AttemptPage? {
        guard let run = view.loop.run(RunID(id)),
            let index = view.loop.taskNames(of: run).firstIndex(of: name)
        else { return nil }
        let submitted = label(run.id)?.submitted ?? 0
        let task = TaskID(UInt32(run.tasks.lowerBound + index))
        let found = view.loop.attempts(of: task, from: first, limit: limit)
        return AttemptPage(
            attempts: found.attempts.map { attempt in
                let since =
                    Int64(clamping: attempt.endedAt.nanoseconds)
                    - Int64(clamping: run.submittedAt.nanoseconds)
                let ended = submitted + since / 1_000_000
                return AttemptDetail(
                    subtask: attempt.index, attempt: Int(attempt.attempt), worker: attempt.worker,
                    started: Timestamp(
                        milliseconds: ended - Int64(clamping: attempt.ranNanoseconds / 1_000_000)),
                    ended: Timestamp(milliseconds: ended), failure: attempt.message)
            }, total: found.kept)
    }
}
