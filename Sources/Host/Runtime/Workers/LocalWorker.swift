import DequeModule
import FanfoldCore
@preconcurrency import Glibc
import Synchronization

/// A worker inside this process: a thread for each slot that is in use, a queue for each shape.
///
/// A thread whose attempt ended hands its slot to the next attempt queued for the same shape
/// without asking anybody; the reports go to the loop in batches.
package final class LocalWorker: WorkerPort {
    /// Threads of one worker: past this many, attempts wait for a thread.
    static let maximumThreads = 1024
    /// Ends that are reported together at most.
    static let maximumBatch = 256
    /// Nanoseconds that an end may wait for others to be reported with.
    static let maximumBatchAge: UInt64 = 100_000
    /// An attempt that ran longer than this many nanoseconds, or failed, is reported before the
    /// next begins: the next may run for hours.
    static let longestUnreported: UInt64 = 20_000

    /// Its id in what it tells.
    package let id: WorkerID
    /// What it is called in reports.
    package let name: String
    /// This machine.
    package var host: String { "127.0.0.1" }
    private let executor: ExecutorHost
    private let notify: @Sendable (WorkerID, WorkerNotice) -> Void
    private let witness: (any AttemptWitness)?
    private let state = Mutex(State())
    private let wakeUp: Semaphore = Semaphore()

    fileprivate struct State {
        /// Orders with a slot that no thread has taken yet.
        var due: Deque<WorkOrder> = []
        /// Orders without a slot, by shape.
        var queues: [ShapeID: Deque<WorkOrder>] = [:]
        var cancellations: [AttemptID: Cancellation] = [:]
        /// Of the attempts that run.
        var slots: [AttemptID: SlotID] = [:]
        var threads: [PlainThread] = []
        var idle = 0
        var isStopping = false
    }

    /// A worker that waits for orders.
    ///
    /// - Parameter witness: is told what attempts say before their end.
    package init(
        id: WorkerID, name: String, executor: ExecutorHost,
        witness: (any AttemptWitness)? = nil,
        notify: @escaping @Sendable (WorkerID, WorkerNotice) -> Void
    ) {
        self.id = id
        self.name = name
        self.executor = executor
        self.witness = witness
        self.notify = notify
    }

    /// Takes orders, in order.
    package func accept(_ orders: [WorkOrder]) {
        var returned: [SlotID] = []
        let wanted = state.withLock { state -> Int in
            var wanted = 0
            for order in orders {
                switch order.assignment.order {
                case .start:
                    state.due.append(order)
                    wanted += 1
                case .queue:
                    state.queues[order.assignment.shape, default: []].append(order)
                case .promote(let slot):
                    if let queued = state.removeQueued(order.assignment.attempt) {
                        var promoted = queued
                        promoted.assignment.order = .start(slot)
                        promoted.assignment.devices = order.assignment.devices
                        state.due.append(promoted)
                        wanted += 1
                    } else {
                        returned.append(slot)
                    }
                }
            }
            growThreads(&state, for: wanted)
            return wanted
        }
        wakeUp.signal(wanted)
        if !returned.isEmpty { notify(id, .slotsReturned(returned)) }
    }

    /// Gives back what has not begun.
    package func takeBack(_ attempts: [AttemptID]) {
        let taken = state.withLock { state in
            attempts.filter { state.removeQueued($0) != nil }
        }
        notify(id, .takenBack(taken))
    }

    /// Ends attempts, queued or running; each is reported.
    package func cancel(_ attempts: [AttemptID], reason: String) {
        var ended: [EndedAttempt] = []
        var running: [Cancellation] = []
        state.withLock { state in
            for attempt in attempts {
                if let cancellation = state.cancellations[attempt] {
                    running.append(cancellation)
                } else if state.removeQueued(attempt) != nil {
                    ended.append(cancelled(attempt, slot: nil, reason: reason))
                } else if let order = state.removeDue(attempt) {
                    ended.append(cancelled(attempt, slot: order.assignment.slot, reason: reason))
                }
            }
        }
        for cancellation in running { cancellation.cancel(reason: reason) }
        if !ended.isEmpty { notify(id, .ended(ended)) }
    }

    /// Ends everything and waits until the last thread is gone.
    package func stop(reason: String) {
        let (threads, running) = state.withLock { state in
            state.isStopping = true
            state.due.removeAll()
            state.queues.removeAll()
            return (state.threads, Array(state.cancellations.values))
        }
        for cancellation in running { cancellation.cancel(reason: reason) }
        wakeUp.signal(threads.count)
        for thread in threads { thread.join() }
    }

    /// What is here: queued attempts, each queue in order, and running ones with their slots.
    package func inventory() -> (queued: [AttemptID], running: [(AttemptID, SlotID)]) {
        state.withLock { state in
            var queued: [AttemptID] = []
            for shape in state.queues.keys.sorted() {
                queued += state.queues[shape]?.map(\.assignment.attempt) ?? []
            }
            var running = state.due.compactMap { order in
                order.assignment.slot.map { (order.assignment.attempt, $0) }
            }
            running += state.slots.map { ($0.key, $0.value) }
            return (queued, running.sorted { $0.0 < $1.0 })
        }
    }

    private func cancelled(_ attempt: AttemptID, slot: SlotID?, reason: String) -> EndedAttempt {
        EndedAttempt(
            attempt: attempt, slot: slot, successor: nil,
            result: WorkResult(.failure(WorkFailure(.cancelled, reason))))
    }

    private func growThreads(_ state: inout State, for wanted: Int) {
        let missing = min(
            state.due.count - state.idle, wanted, Self.maximumThreads - state.threads.count)
        guard missing > 0, !state.isStopping else { return }
        for _ in 0..<missing {
            state.idle += 1
            state.threads.append(
                PlainThread(name: "worker-\(name)") { [self] in runThread() })
        }
    }

    private func runThread() {
        while true {
            wakeUp.wait()
            var batch = Batch()
            var (order, isStopping) = state.withLock { state -> (WorkOrder?, Bool) in
                if state.isStopping { return (nil, true) }
                return (begin(&state, state.due.popFirst(), fromIdle: true), false)
            }
            if isStopping { return }
            while let current = order {
                order = run(current, &batch)
            }
            flush(&batch)
        }
    }

    private func begin(_ state: inout State, _ order: WorkOrder?, fromIdle: Bool) -> WorkOrder? {
        guard let order else { return nil }
        if fromIdle { state.idle -= 1 }
        state.cancellations[order.assignment.attempt] = Cancellation()
        if let slot = order.assignment.slot { state.slots[order.assignment.attempt] = slot }
        return order
    }

    /// Runs one attempt; returns the one that has its slot now, or another that is due.
    private func run(_ order: WorkOrder, _ batch: inout Batch) -> WorkOrder? {
        let attempt = order.assignment.attempt
        let slot = order.assignment.slot
        let cancellation = state.withLock { $0.cancellations[attempt] } ?? Cancellation()
        let result: WorkResult =
            switch order.work {
            case .run(let item):
                executor.run(
                    item.given(order.assignment.devices), cancellation: cancellation,
                    voice: witness.map { AttemptVoice(attempt, witness: $0) })
            case .refuse(let why): WorkResult(.failure(WorkFailure(.inputInvalid, why)))
            }
        let (successor, next) = state.withLock { state -> (AttemptID?, WorkOrder?) in
            state.cancellations[attempt] = nil
            state.slots[attempt] = nil
            guard !state.isStopping else {
                state.idle += 1
                return (nil, nil)
            }
            if let slot, var queued = state.popQueued(order.assignment.shape) {
                queued.assignment.order = .start(slot)
                queued.assignment.devices = order.assignment.devices
                return (
                    queued.assignment.attempt, begin(&state, queued, fromIdle: false)
                )
            }
            state.idle += 1
            return (nil, nil)
        }
        batch.append(
            EndedAttempt(attempt: attempt, slot: slot, successor: successor, result: result))
        if next == nil || batch.isDue { flush(&batch) }
        return next
    }

    private func flush(_ batch: inout Batch) {
        guard !batch.ended.isEmpty else { return }
        notify(id, .ended(batch.ended))
        batch = Batch()
    }

    /// Ends of one thread that have not been reported yet.
    private struct Batch {
        var ended: [EndedAttempt] = []
        private var oldest: UInt64 = 0
        private var hasFailure = false

        mutating func append(_ attempt: EndedAttempt) {
            if ended.isEmpty { oldest = monotonicNanoseconds() }
            if case .failure = attempt.result.outcome { hasFailure = true }
            ended.append(attempt)
        }

        var isDue: Bool {
            hasFailure || ended.count >= LocalWorker.maximumBatch
                || (ended.last?.result.ranNanoseconds ?? 0) > LocalWorker.longestUnreported
                || monotonicNanoseconds() - oldest > LocalWorker.maximumBatchAge
        }
    }
}

extension WorkItem {
    fileprivate func given(_ devices: [Int]) -> WorkItem {
        var item = self
        item.devices = devices
        return item
    }
}

extension LocalWorker.State {
    fileprivate mutating func popQueued(_ shape: ShapeID) -> WorkOrder? {
        queues[shape]?.popFirst()
    }

    fileprivate mutating func removeQueued(_ attempt: AttemptID) -> WorkOrder? {
        for shape in queues.keys {
            guard
                let position = queues[shape]?.firstIndex(where: {
                    $0.assignment.attempt == attempt
                })
            else { continue }
            return queues[shape]?.remove(at: position)
        }
        return nil
    }

    fileprivate mutating func removeDue(_ attempt: AttemptID) -> WorkOrder? {
        guard let position = due.firstIndex(where: { $0.assignment.attempt == attempt }) else {
            return nil
        }
        return due.remove(at: position)
    }
}
