/// How far a task is that `POST /api/v1/tasks` made, in the words of the first system that offered it.
package enum OrchestratedState: String, Hashable, Sendable, CaseIterable {
    case pending, splitting
    case inProgress = "in_progress"
    case merging, completed, failed, cancelled

    /// How far the one task of a run is.
    package init(run: RunStatus, task: TaskDetail?) {
        switch run {
        case .completed: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .pending: self = .pending
        case .running:
            switch task?.status {
            case nil, .waiting: self = .pending
            case .beginning: self = .splitting
            case .running: self = task?.put == 0 ? .splitting : .inProgress
            case .finishing, .completed: self = .merging
            case .failed: self = .failed
            case .cancelled: self = .cancelled
            }
        }
    }
}

extension SubtaskStatus {
    /// The same in the words of `GET /api/v1/tasks/{id}`.
    package var orchestratedName: String {
        switch self {
        case .waiting, .ready: "pending"
        case .queued: "assigned"
        case .running: "running"
        case .succeeded: "completed"
        case .failed: "failed"
        case .withdrawn: "cancelled"
        }
    }

    /// All of those words.
    package static let orchestratedNames = [
        "pending", "assigned", "running", "completed", "failed", "cancelled",
    ]
}
