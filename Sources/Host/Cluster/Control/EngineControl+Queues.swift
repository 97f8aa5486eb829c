import FanfoldAPI
import FanfoldCore
import FanfoldRuntime

extension EngineControl {
    /// The queues are these from now on; the coordinator is told if it knows of others.
    ///
    /// On the loop's thread.
    func configure(_ book: QueueBook, _ loop: inout EngineLoop, at now: Tick) {
        queueBook.withLock { $0 = book }
        let known = loop.queueUsage().filter(\.isConfigured).map(\.spec)
        guard Set(known) != Set(book.specs) else { return }
        loop.handle(.queuesConfigured(book.specs), at: now)
    }

    func queues() async throws(ControlError) -> [QueueDetail] {
        let book = queueBook.withLock { $0 }
        let all = await ask { (view: RunBooks.View) in
            view.loop.queueUsage().filter { $0.isConfigured || $0.runs > 0 || $0.slots > 0 }
                .map { QueueDetail($0, book, now: view.now) }
        }
        guard let all else { throw silent }
        return all
    }

    func queue(_ name: String) async throws(ControlError) -> QueueDetail {
        let all = try await queues()
        guard let found = all.first(where: { $0.name == name }) else {
            throw ControlError(
                .notFound,
                "there is no queue \(name); there are "
                    + all.map(\.name).joined(separator: ", "))
        }
        return found
    }

    func pause(queue name: String, _ isPaused: Bool) async throws(ControlError) -> QueueDetail {
        _ = try await queue(name)
        let isDone = await settle { loop, now in
            loop.handle(.queuePaused(name, isPaused), at: now)
        }
        guard isDone else { throw silent }
        return try await queue(name)
    }

    func pause(run id: UInt64, _ isPaused: Bool) async throws(ControlError) -> RunDetail {
        let before = try await run(id)
        guard !before.summary.status.hasEnded else { return before }
        let isDone = await settle { loop, now in
            loop.handle(.runPaused(RunID(id), isPaused), at: now)
        }
        guard isDone else { throw silent }
        return try await run(id)
    }

    func pardon(worker id: UInt64) async throws(ControlError) -> WorkerDetail {
        _ = try await worker(id)
        let isDone = await settle { loop, now in
            loop.handle(.workerPardoned(WorkerID(UInt32(clamping: id))), at: now)
        }
        guard isDone else { throw silent }
        return try await worker(id)
    }
}

extension Timestamp {
    /// The moment that a tick of the loop is, by the machine's clock.
    init(_ tick: Tick, now: Tick) {
        let difference = Int64(clamping: tick.nanoseconds) - Int64(clamping: now.nanoseconds)
        self.init(milliseconds: Timestamp.now().milliseconds + difference / 1_000_000)
    }
}

extension QueueQuota {
    fileprivate init(_ quota: Quota) {
        self.init(
            milliCores: quota.milliCores, memoryBytes: quota.memoryBytes,
            milliGPUs: quota.deviceMilli, mayBorrow: quota.borrowing != .nothing)
        guard case .atMost(let limit) = quota.borrowing else { return }
        mostBorrowed = QueueBorrowing(
            milliCores: limit.milliCores, memoryBytes: limit.memoryBytes,
            milliGPUs: limit.deviceMilli)
    }
}

extension QueueDetail {
    fileprivate init(_ usage: QueueUsage, _ book: QueueBook, now: Tick) {
        let quota = usage.spec.quota
        self.init(
            name: usage.spec.name, weight: usage.spec.weight,
            quota: QueueQuota(quota),
            maximumPriority: book.queue(usage.spec.name)?.maximumPriority
                ?? QueueDeclaration.usualMaximumPriority)
        users = book.queue(usage.spec.name)?.users
        isConfigured = usage.isConfigured
        isPaused = usage.isPaused
        used = ResourceAmounts(usage.use)
        share = usage.dominantShare
        borrowed = ResourceAmounts(usage.borrowed)
        runs = usage.runs
        pausedRuns = usage.pausedRuns
        running = usage.slots
        waiting = usage.waiting
        waitingSince = usage.waitingSince.map { Timestamp($0, now: now) }
    }
}

extension ResourceAmounts {
    init(_ amount: ResourceAmount) {
        self.init(
            milliCores: max(0, amount.milliCores), memoryBytes: max(0, amount.memoryBytes),
            milliGPUs: max(0, amount.deviceMilli))
    }
}
