import FanfoldCore

/// What people call what a journal holds by number.
struct ReplayNames {
    private var workers: [String] = []
    /// By task: its run and its name.
    private var tasks: [(run: RunID, name: String)] = []
    /// Looked up only, never walked through.
    private var runs: [RunID: String] = [:]

    mutating func enter(worker label: [UInt8]) {
        workers.append((try? WorkerLabel(label))?.name ?? "worker \(workers.count)")
    }

    mutating func enter(run: RunID, label: [UInt8], tasks names: [String]) {
        if let label = try? RunLabel(label) { runs[run] = label.name }
        tasks += names.map { (run, $0) }
    }

    func worker(_ id: WorkerID) -> String {
        workers.indices.contains(Int(id.index)) ? workers[Int(id.index)] : "worker \(id.index)"
    }

    func run(_ id: RunID) -> String {
        runs[id].map { "run \(id.rawValue) (\($0))" } ?? "run \(id.rawValue)"
    }

    func run(of task: TaskID) -> RunID? {
        tasks.indices.contains(Int(task.index)) ? tasks[Int(task.index)].run : nil
    }

    func task(_ id: TaskID) -> String {
        guard tasks.indices.contains(Int(id.index)) else { return "task \(id.index)" }
        return "\(tasks[Int(id.index)].run.rawValue)/\(tasks[Int(id.index)].name)"
    }

    func subtask(_ id: SubtaskID) -> String { "\(task(id.task))/\(id.index)" }

    func attempt(_ id: AttemptID) -> String {
        "\(task(id.task))/\(id.index) (placement \(id.epoch))"
    }

    func list(_ ids: [AttemptID]) -> String { ids.map(attempt).joined(separator: ", ") }
}
