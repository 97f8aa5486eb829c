import FanfoldCore
import Synchronization

/// An engine that serves until it is stopped: its loop on a thread of its own.
package final class EngineHost: Sendable {
    /// How often the loop turns with nothing to do, in nanoseconds.
    static let idleNanoseconds: UInt64 = 100_000_000

    private let mailbox = Mailbox<EngineMessage>()
    private let options: LoopOptions
    private let isStopping = Atomic(false)
    private let thread = Mutex<PlainThread?>(nil)
    private let questions = Mutex(Questions())

    /// An engine that has not started.
    package init(options: LoopOptions) {
        self.options = options
    }

    /// Starts the loop.
    ///
    /// - Parameters:
    ///   - recover: fills the books before the first turn; on the loop's thread.
    ///   - woke: told the moment of each turn before anything is taken in.
    ///   - turned: called after each turn, when what it decided is durable.
    package func start(
        recover: @escaping @Sendable (inout EngineLoop) -> Void,
        woke: @escaping @Sendable (Tick) -> Void,
        turned: @escaping @Sendable (inout EngineLoop) -> Void
    ) {
        let body: @Sendable () -> Void = { [self] in
            var loop = EngineLoop(options: options, mailbox: mailbox)
            recover(&loop)
            while !isStopping.load(ordering: .acquiring) {
                loop.turn(
                    until: loop.now.advanced(byNanoseconds: Self.idleNanoseconds), woke: woke)
                loop.dropEndedLanes()
                turned(&loop)
            }
            for worker in loop.workers { worker.port.stop(reason: "the coordinator has stopped") }
            loop.closeLanes()
            mailbox.close()
        }
        thread.withLock { $0 = PlainThread(name: "coordinator", body) }
    }

    /// Has something done on the loop's thread, after what was posted before.
    package func perform(_ body: @escaping @Sendable (inout EngineLoop, Tick) -> Void) {
        mailbox.post(.work(body))
    }

    /// Asks the loop something and waits for the answer without blocking a thread.
    ///
    /// - Returns: `nil` if the engine has stopped, or stands still and cannot answer.
    package func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (inout EngineLoop, Tick) -> Answer
    ) async -> Answer? {
        await withCheckedContinuation { continuation in
            let pending = PendingAnswer<Answer>(continuation)
            guard let number = questions.withLock({ $0.enter { pending.giveUp() } }) else {
                return pending.giveUp()
            }
            mailbox.post(
                .work { [self] loop, now in
                    questions.withLock { $0.leave(number) }
                    pending.give(question(&loop, now))
                })
        }
    }

    /// Has every question answered with nothing, those to come included: the loop waits for its log.
    package func stall() {
        for giveUp in questions.withLock({ $0.stall() }) { giveUp() }
    }

    /// Takes questions again after ``stall()``.
    package func goOn() { questions.withLock { $0.isStalled = false } }

    /// Hands the loop what a worker tells.
    package func tell(_ worker: WorkerID, _ notice: WorkerNotice) {
        mailbox.post(.worker(worker, notice))
    }

    /// Ends the loop after the turn it is in, and waits for it.
    ///
    /// What runs on workers goes on; what was decided is in the log.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        mailbox.post(.work { _, _ in })
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}

/// Questions that the loop has not come to yet.
private struct Questions {
    var isStalled = false
    private var waiting: [UInt64: @Sendable () -> Void] = [:]
    private var next: UInt64 = 0

    /// - Returns: `nil` while nothing can be answered.
    mutating func enter(_ giveUp: @escaping @Sendable () -> Void) -> UInt64? {
        guard !isStalled else { return nil }
        defer { next += 1 }
        waiting[next] = giveUp
        return next
    }

    mutating func leave(_ number: UInt64) { waiting[number] = nil }

    /// - Returns: what ends those that wait.
    mutating func stall() -> [@Sendable () -> Void] {
        isStalled = true
        defer { waiting = [:] }
        return waiting.keys.sorted().compactMap { waiting[$0] }
    }
}

/// A continuation that is resumed once: with the answer, or with nothing when nobody can give it.
private final class PendingAnswer<Answer: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Answer?, Never>?>

    init(_ continuation: CheckedContinuation<Answer?, Never>) {
        self.continuation = Mutex(continuation)
    }

    func give(_ answer: Answer) { take()?.resume(returning: answer) }

    func giveUp() { take()?.resume(returning: nil) }

    deinit { take()?.resume(returning: nil) }

    private func take() -> CheckedContinuation<Answer?, Never>? {
        continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
    }
}
