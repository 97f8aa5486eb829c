import FanfoldCore

extension WaitingReason {
    /// The reason, for people: a sentence that goes on from "it waits".
    package var sentence: String {
        switch self {
        case .dependencyWaiting(let tasks): "for \(count(tasks.count, "task")) before it"
        case .subtasksWaiting(let count): "for \(self.count(count, "subtask")) before it"
        case .backingOff: "before its next try"
        case .strategyAnswering: "for its strategy"
        case .noWorker: "for a worker: there is none"
        case .noWorkerType(let labels):
            "for a worker labelled \(labels.joined(separator: ", ")); no worker is"
        case .exceedsMaximumWorker(let dimension, let wanted, let largest):
            "it needs \(amount(wanted, dimension)) and the largest worker has "
                + "\(amount(largest, dimension)); ask for less in `needs:`, or start fewer and "
                + "larger workers (--workers)"
        case .concurrencyLimit(let limit): "because the run may hold \(limit) slots"
        case .suspect(let worker):
            "for worker \(worker.index), which has been silent for longer than usual"
        case .waitingForCapacity: "for something else to end"
        case .suspect(let worker):
            "for worker \(worker.index), which has been silent for longer than usual"
        case .queued: "behind others of its shape"
        }
    }

    /// The reason for programs.
    package var code: String {
        switch self {
        case .dependencyWaiting: "dependency-waiting"
        case .subtasksWaiting: "subtasks-waiting"
        case .backingOff: "backing-off"
        case .strategyAnswering: "strategy-answering"
        case .noWorker: "no-worker"
        case .noWorkerType: "no-worker-type"
        case .exceedsMaximumWorker: "exceeds-max-worker"
        case .concurrencyLimit: "concurrency-limit"
        case .waitingForCapacity: "waiting-for-capacity"
        case .suspect: "suspect"
        case .queued: "queued"
        }
    }

    private func count(_ number: Int, _ word: String) -> String {
        "\(number) \(word)\(number == 1 ? "" : "s")"
    }

    private func amount(_ value: Int64, _ dimension: ResourceDimension) -> String {
        switch dimension {
        case .cpu: "\(Double(value) / 1000) cores"
        case .memory: "\(value >> 20) MiB of memory"
        case .gpu: "\(value) GPUs"
        case .label: "\(value) labels"
        }
    }
}
