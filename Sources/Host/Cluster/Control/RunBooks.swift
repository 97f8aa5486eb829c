import FanfoldAPI
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime

/// What the control plane knows of runs beside the loop; belongs to the loop's thread.
final class RunBooks: @unchecked Sendable {
    // Unchecked: touched by the loop's thread only.
    private struct Book {
        var label: RunLabel
        var ended: Int64?
    }

    /// The loop between two messages.
    struct View {
        var loop: EngineLoop
        var now: Tick
    }

    private let progress: LiveProgress
    private var books: [RunID: Book] = [:]
    private var keys: [String: RunID] = [:]

    init(progress: LiveProgress) { self.progress = progress }

    func enter(_ id: RunID, _ label: RunLabel, ended: Int64? = nil) {
        books[id] = Book(label: label, ended: ended)
        if let key = label.idempotencyKey { keys[label.submitter + "\u{0}" + key] = id }
    }

    func run(submitter: String, key: String) -> RunID? { keys[submitter + "\u{0}" + key] }

    func label(_ id: RunID) -> RunLabel? { books[id]?.label }

    func forget(_ id: RunID) {
        guard let book = books.removeValue(forKey: id), let key = book.label.idempotencyKey else {
            return
        }
        keys[book.label.submitter + "\u{0}" + key] = nil
    }

    func end(_ id: RunID, at milliseconds: Int64) { books[id]?.ended = milliseconds }

    /// When a run ended, in milliseconds since 1970.
    func ended(_ id: RunID) -> Int64? { books[id]?.ended }

    /// A run for the table of runs.
    func entry(_ id: RunID, _ label: RunLabel, _ status: RunStatus, ended: Int64?) -> RunEntry {
        RunEntry(
            id: "\(id.rawValue)", name: label.name, state: status.rawValue,
            submitted: label.submitted, ended: ended)
    }

    func summary(_ run: LiveRun, _ view: View) -> RunSummary {
        summary(run, view.loop.tasks(of: run), view)
    }

    private func summary(_ run: LiveRun, _ tasks: [TaskView], _ view: View) -> RunSummary {
        let book = books[run.id]
        var summary = RunSummary(
            id: run.id.rawValue, name: book?.label.name ?? "", status: status(run, view),
            submitter: book?.label.submitter ?? "",
            submitted: Timestamp(milliseconds: book?.label.submitted ?? 0))
        if let sharing = view.loop.sharing(of: run.id) {
            summary.queue = sharing.queue
            summary.priority = sharing.priority
            summary.isPaused = sharing.isPaused && run.outcome == nil
        }
        summary.ended = book?.ended.map { Timestamp(milliseconds: $0) }
        for task in tasks {
            summary.subtasks += task.numbers.put
            summary.succeeded += task.numbers.succeeded
            summary.failed += task.numbers.failed
            guard task.numbers.running > 0 else { continue }
            for entry in progress.entries(of: task.id) {
                summary.begun = (summary.begun ?? 0) + entry.progress.fraction
            }
        }
        if let begun = tasks.compactMap(\.begunAt).min() {
            summary.started = summary.submitted.advanced(
                bySeconds: Int64(
                    (begun.nanoseconds - min(begun.nanoseconds, run.submittedAt.nanoseconds))
                        / 1_000_000_000))
        }
        if book?.label.isOrchestrated == true {
            summary.orchestrated = OrchestratedState(
                run: summary.status, task: tasks.first.map { detail($0, strategy: "") })
        }
        return summary
    }

    func status(_ run: LiveRun, _ view: View) -> RunStatus {
        switch run.outcome {
        case .completed: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        case nil: view.loop.hasBegun(run) ? .running : .pending
        }
    }

    func detail(_ run: LiveRun, _ view: View) -> RunDetail {
        let tasks = view.loop.tasks(of: run)
        let strategies = books[run.id]?.label.strategies ?? []
        var detail = RunDetail(
            summary: summary(run, tasks, view),
            tasks: tasks.enumerated().map { index, task in
                self.detail(
                    task, strategy: strategies.indices.contains(index) ? strategies[index] : "")
            })
        if run.outcome == .completed {
            detail.outputs = (books[run.id]?.label.outputs ?? []).map {
                OutputSummary(name: $0, bytes: nil, mediaType: "application/octet-stream")
            }
        }
        switch run.outcome {
        case .failed(_, let failure): detail.failure = FailureSummary(failure)
        case .cancelled(let reason):
            let isLate = reason == EngineLoop.deadlineReason
            detail.failure = FailureSummary(
                kind: "cancelled", reason: isLate ? "deadline" : "cancelled", message: reason)
        case .completed, nil: break
        }
        return detail
    }

    private func detail(_ task: TaskView, strategy: String) -> TaskDetail {
        let numbers = task.numbers
        var detail = TaskDetail(name: task.name, strategy: strategy, status: .init(numbers.phase))
        detail.waiting = numbers.waiting
        detail.ready = numbers.ready
        detail.queued = numbers.queued
        detail.running = numbers.running
        detail.succeeded = numbers.succeeded
        detail.failed = numbers.failed
        detail.withdrawn = numbers.withdrawn
        detail.put = numbers.put
        detail.allPut = numbers.allPut
        detail.failedAttempts = numbers.failedAttempts
        if numbers.running > 0 {
            detail.progress = progress.entries(of: task.id).prefix(APILimits.listedProgress)
                .map { ProgressDetail($0) }
        }
        if case .failed(let failure) = task.outcome { detail.failure = FailureSummary(failure) }
        return detail
    }

    /// Why something waits; `nil` if there is no such thing.
    func explain(_ subject: RunSubject, _ view: View) -> Explanation? {
        guard let run = view.loop.run(RunID(subject.run)) else { return nil }
        var reasons: [Explanation.Reason] = []
        var isFound = subject.task == nil
        var placement: PlacementAccount?
        for task in view.loop.tasks(of: run) where subject.task.map({ $0 == task.name }) ?? true {
            isFound = true
            let reason: WaitingReason?
            var waiting: UInt32?
            if let index = subject.subtask {
                let id = SubtaskID(task: task.id, index: index)
                guard index < task.numbers.put else { return nil }
                reason = view.loop.whyWaiting(id)
                placement = PlacementAccount(of: id, in: view.loop)
            } else {
                reason = view.loop.whyWaiting(task.id)
                waiting = task.numbers.ready > 0 ? UInt32(task.numbers.ready) : nil
            }
            guard let reason else { continue }
            reasons.append(
                .init(
                    task: task.name, subtask: subject.subtask, waiting: waiting, code: reason.code,
                    sentence: reason.sentence, wouldRunIf: reason.remedy))
        }
        guard isFound else { return nil }
        return Explanation(status: status(run, view), reasons: reasons, placement: placement)
    }

    func subtasks(
        _ id: UInt64, _ name: String, _ first: UInt32, _ limit: Int, _ view: View
    ) -> SubtaskPage? {
        guard let run = view.loop.run(RunID(id)),
            let task = view.loop.tasks(of: run).first(where: { $0.name == name })
        else { return nil }
        let total = task.numbers.put
        let end = min(UInt64(total), UInt64(first) + UInt64(max(0, limit)))
        let subtasks = (UInt64(first)..<max(UInt64(first), end)).compactMap { index in
            let index = UInt32(index)
            return view.loop.subtask(SubtaskID(task: task.id, index: index)).map {
                SubtaskDetail(index, $0)
            }
        }
        guard subtasks.isEmpty, task.outcome != nil else {
            return SubtaskPage(subtasks: subtasks, total: total)
        }
        let ended = view.loop.endedSubtasks(of: task.id, from: first, limit: limit)
        return SubtaskPage(
            subtasks: ended.map {
                SubtaskDetail(index: $0.index, status: .succeeded, attempts: $0.tries)
            }, total: total)
    }
}

extension SubtaskDetail {
    fileprivate init(_ index: UInt32, _ subtask: SubtaskView) {
        var worker: WorkerID?
        let status: SubtaskStatus
        switch subtask.phase {
        case .waiting: status = .waiting
        case .ready: status = .ready
        case .queued(let on): (status, worker) = (.queued, on)
        case .running(let on): (status, worker) = (.running, on)
        case .succeeded: status = .succeeded
        case .failed: status = .failed
        case .withdrawn: status = .withdrawn
        }
        self.init(
            index: index, status: status, worker: worker.map { UInt64($0.index) },
            attempts: subtask.placements)
    }
}

extension FailureSummary {
    fileprivate init(_ failure: Failure) {
        self.init(kind: "\(failure.kind)", reason: failure.reason, message: failure.message)
    }
}

extension TaskStatus {
    fileprivate init(_ phase: TaskPhase) {
        self =
            switch phase {
            case .waiting: .waiting
            case .beginning: .beginning
            case .running: .running
            case .finishing: .finishing
            case .completed: .completed
            case .failed: .failed
            case .cancelled: .cancelled
            }
    }
}
