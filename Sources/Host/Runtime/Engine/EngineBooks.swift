import FanfoldCore

/// What a snapshot of a loop holds, for whoever looks at it without going on from it.
package struct EngineBooks {
    /// The coordinator.
    package var coordinator: Coordinator
    /// What the shell knew of each worker there was, by its number.
    package var workerLabels: [[UInt8]]
    /// Each run, with what the shell prepared it from and the names of its tasks.
    package var runs: [(id: RunID, label: [UInt8], firstTask: Int, tasks: [String])]

    /// Reads what ``EngineLoop/encodedState()`` wrote.
    package init(decoding state: [UInt8]) throws(CodingError) {
        var loop = EngineLoop(
            options: LoopOptions(strategyCallNanoseconds: 0), mailbox: Mailbox())
        _ = try loop.restore(state) { label in
            WorkerEntry(port: NoPort(), milliCores: 0, memoryBytes: 0, label: label)
        }
        coordinator = loop.coordinator
        workerLabels = loop.workers.map(\.label)
        runs = loop.runs.map { run in
            (run.id, run.label, run.tasks.lowerBound, run.tasks.map { loop.tasks[$0].name })
        }
    }
}

/// Where nothing goes: the worker is only looked at.
private struct NoPort: WorkerPort {
    var name: String { "" }
    var host: String { "" }

    func accept(_ orders: [WorkOrder]) {}
    func takeBack(_ attempts: [AttemptID]) {}
    func cancel(_ attempts: [AttemptID], reason: String) {}
    func stop(reason: String) {}
}
