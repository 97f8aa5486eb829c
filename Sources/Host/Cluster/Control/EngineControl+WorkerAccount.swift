import FanfoldAPI
import FanfoldCore
import FanfoldRuntime

extension EngineControl {
    func describe(worker id: UInt64) async throws(ControlError) -> WorkerAccount {
        let worker = WorkerID(UInt32(clamping: id))
        let found = await ask { [hub, desk] (view: RunBooks.View) -> WorkerAccount? in
            let usage = view.loop.workerUsage().first { $0.worker == worker }
            guard let usage else { return hub.goneDetail(worker).map { WorkerAccount($0) } }
            var account = WorkerAccount(Self.detail(usage, hub, view))
            hub.fill(&account, usage, at: view.now)
            account.rental = desk?.rental(of: account.worker.labels)
            if let seen = view.loop.view(ofWorker: worker, limit: APILimits.workerAttempts) {
                account.take(seen, view, progress: hub.progress)
            }
            return account
        }
        guard let found else { throw silent }
        guard let account = found else {
            throw ControlError(.notFound, "there is no worker \(id)")
        }
        return account
    }

    /// A worker as lists show it; on the loop's thread.
    static func detail(
        _ usage: WorkerUsage, _ hub: WorkerHub, _ view: RunBooks.View
    ) -> WorkerDetail {
        var detail = hub.detail(usage)
        if let quarantine = view.loop.quarantine(of: usage.worker) {
            detail.quarantine = QuarantineDetail(quarantine, now: view.now)
        }
        return detail
    }
}

extension WorkerHub {
    /// Whether the worker is there, as far as anybody can tell.
    fileprivate func fill(_ account: inout WorkerAccount, _ usage: WorkerUsage, at now: Tick) {
        account.isConnected = isConnected(usage.worker)
        account.suspicion = suspicion(of: usage.worker, at: now)
        let isDoubted = (account.suspicion ?? 0) >= Limits.phiDoubted
        account.trust =
            usage.phase == .suspect || isDoubted ? isDoubted ? .doubted : .suspected : .trusted
    }
}

extension WorkerAccount {
    /// Takes over what the coordinator knows of the worker.
    fileprivate mutating func take(
        _ seen: WorkerView, _ view: RunBooks.View, progress: LiveProgress
    ) {
        func place(_ task: TaskID) -> Place {
            let found = view.loop.place(of: task)
            return Place(run: found?.run.rawValue ?? 0, task: found?.name ?? "")
        }
        var told: [TaskID: [AttemptID: Double]] = [:]
        attempts = seen.attempts.map { seen in
            let place = place(seen.attempt.task)
            var attempt = Attempt(
                run: place.run, task: place.task, subtask: seen.attempt.index,
                attempt: Int(seen.attempt.epoch), status: .init(seen.phase))
            attempt.since = seen.started.map { Timestamp($0, now: view.now) }
            attempt.reserved = ResourceAmounts(seen.held)
            attempt.gpus = seen.devices
            let task = seen.attempt.task
            if told[task] == nil {
                told[task] = Dictionary(
                    progress.entries(of: task).map { ($0.attempt, $0.progress.fraction) },
                    uniquingKeysWith: { first, _ in first })
            }
            attempt.fraction = told[task]?[seen.attempt]
            return attempt
        }
        attemptCount = seen.attemptCount
        failuresInARow = seen.failuresInARow
        quarantines = seen.quarantines
        blamedFor = seen.blamedFor.map(place)
        kept = seen.kept.map {
            Kept(
                place: place($0.task), slots: $0.slots, until: Timestamp($0.until, now: view.now),
                isPreemptive: $0.isPreemptive)
        }
    }
}

extension WorkerAccount.Attempt.Status {
    fileprivate init(_ phase: WorkerView.Attempt.Phase) {
        self =
            switch phase {
            case .running: .running
            case .ending: .ending
            case .queued: .queued
            }
    }
}

extension ScalingDesk {
    /// How the worker with these labels is rented; on the loop's thread.
    fileprivate func rental(of labels: [String]) -> WorkerAccount.Rental? {
        for label in labels where label.hasPrefix("instance=") {
            guard let member = books.scaler.member(String(label.dropFirst(9))) else { continue }
            return WorkerAccount.Rental(
                name: member.name, pool: member.pool,
                provider: declaration(ofPool: member.pool)?.provider ?? "",
                offering: member.offering, phase: member.phase,
                since: Timestamp(milliseconds: Int64(member.since.nanoseconds / 1_000_000)),
                perHour: Double(member.microsPerHour) / 1e6)
        }
        return nil
    }
}
