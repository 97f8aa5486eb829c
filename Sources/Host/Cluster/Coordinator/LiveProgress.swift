import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// How far running attempts say that they are: the latest of each, never stored, may be lost.
final class LiveProgress: Sendable {
    /// Attempts whose progress is known at a time; what further ones say is dropped.
    static let maximumAttempts = 10_000
    /// Events about it in a second; of the rest only the latest is shown.
    static let eventsPerSecond = 20

    /// What an attempt said last.
    struct Entry: Sendable {
        var attempt: AttemptID
        var worker: WorkerID
        var progress: AttemptProgress
    }

    private struct State {
        var tasks: [TaskID: [UInt32: Entry]] = [:]
        var count = 0
        var second: UInt64 = 0
        var events = 0
    }

    private let state = Mutex(State())
    private let isEmpty = Atomic(true)

    /// Takes a message in.
    ///
    /// - Returns: what to tell as an event now; `nil` if it makes no sense or there were enough.
    func take(_ message: WireProgress, from worker: WorkerID, at now: UInt64) -> Entry? {
        guard message.of > 0 else { return nil }
        let entry = Entry(
            attempt: AttemptID(message.attempt), worker: worker,
            progress: AttemptProgress(
                fraction: Double(message.done) / Double(message.of), note: message.note))
        return state.withLock { state in
            let task = entry.attempt.task
            let isKnown = state.tasks[task]?[entry.attempt.index] != nil
            guard isKnown || state.count < Self.maximumAttempts else { return nil }
            state.tasks[task, default: [:]][entry.attempt.index] = entry
            if !isKnown { state.count += 1 }
            isEmpty.store(false, ordering: .relaxed)
            if state.second != now / 1_000_000_000 {
                state.second = now / 1_000_000_000
                state.events = 0
            }
            state.events += 1
            return state.events <= Self.eventsPerSecond ? entry : nil
        }
    }

    /// Attempts that are not on the worker any more.
    func ended(_ attempts: [AttemptID]) {
        guard !isEmpty.load(ordering: .relaxed) else { return }
        state.withLock { state in
            for attempt in attempts { Self.remove(attempt, &state) }
            if state.count == 0 { isEmpty.store(true, ordering: .relaxed) }
        }
    }

    /// A worker is gone, with what ran on it.
    func lost(_ worker: WorkerID) {
        guard !isEmpty.load(ordering: .relaxed) else { return }
        let gone = state.withLock { state in
            state.tasks.values.flatMap(\.values).filter { $0.worker == worker }.map(\.attempt)
        }
        ended(gone)
    }

    private static func remove(_ attempt: AttemptID, _ state: inout State) {
        // An older attempt of the subtask ends nothing of the one that runs.
        guard state.tasks[attempt.task]?[attempt.index]?.attempt == attempt else { return }
        state.tasks[attempt.task]?[attempt.index] = nil
        state.count -= 1
        if state.tasks[attempt.task]?.isEmpty == true { state.tasks[attempt.task] = nil }
    }

    /// What the attempts of a task said last, by subtask.
    func entries(of task: TaskID) -> [Entry] {
        guard !isEmpty.load(ordering: .relaxed) else { return [] }
        return state.withLock { $0.tasks[task].map { Array($0.values) } ?? [] }
            .sorted { $0.attempt.index < $1.attempt.index }
    }

    /// How many attempts tell how far they are, and the sum of it.
    var totals: (attempts: Int, sum: Double) {
        state.withLock { state in
            (
                state.count,
                state.tasks.values.reduce(0) { sum, task in
                    sum + task.values.reduce(0) { $0 + $1.progress.fraction }
                }
            )
        }
    }
}
