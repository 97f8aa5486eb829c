import FanfoldCore

/// Connections that go and come back, and a coordinator that is killed: the shell's part of the
/// rules of ``WorkerInventory``.
extension Simulation {
    /// What will go wrong between the coordinator and one worker.
    mutating func disturb(_ worker: Int, after nanoseconds: UInt64) {
        while chance(options.droppedConnections) {
            schedule(.linkGoes(worker), after: nanoseconds + random.upTo(200_000_000))
        }
        guard chance(options.silences) else { return }
        let id = workers[worker].id
        let start = nanoseconds + random.upTo(100_000_000)
        schedule(.event(.workerSuspected(id)), after: start)
        if chance(500) { schedule(.event(.workerDoubted(id)), after: start + 10_000_000) }
        schedule(.event(.workerTrusted(id)), after: start + random.upTo(40_000_000))
        schedule(.event(.workerTrusted(id)), after: start + 50_000_000)
    }

    /// Whether what was sent on a connection of a worker gets to the other side.
    func arrives(_ worker: Int, _ session: UInt64) -> Bool {
        workers[worker].session == session
            && (workers[worker].isLinked || now <= workers[worker].cut)
    }

    /// A connection goes; what arrives within `cut` nanoseconds still does.
    mutating func dropLink(_ worker: Int, cut: UInt64) {
        guard workers[worker].isAlive, workers[worker].isLinked,
            registered.contains(workers[worker].id)
        else { return }
        workers[worker].isLinked = false
        workers[worker].cut = now.advanced(byNanoseconds: cut)
        schedule(
            .linkIsMissed(worker, session: workers[worker].session), after: random.upTo(5_000_000))
        schedule(.linkReturns(worker), after: 1_000_000 + random.upTo(60_000_000))
    }

    /// The coordinator sees that a connection is gone.
    mutating func missLink(_ worker: Int, _ session: UInt64) {
        guard workers[worker].session == session, !lostWorkers.contains(workers[worker].id) else {
            return
        }
        workers[worker].isOpen = false
        if chance(500) { deliver(.workerSuspected(workers[worker].id)) }
        if chance(300) { deliver(.workerDoubted(workers[worker].id)) }
    }

    /// The worker connects again: its ends first, then its inventory, then whatever comes.
    mutating func returnLink(_ worker: Int) {
        guard workers[worker].isAlive, !workers[worker].isLinked else { return }
        workers[worker].session += 1
        workers[worker].isLinked = true
        workers[worker].isOpen = false
        let (id, session) = (workers[worker].id, workers[worker].session)
        var due = now
        for report in workers[worker].unacknowledged {
            due = due.advanced(byNanoseconds: random.upTo(500_000))
            schedule(.report(worker, .attemptsEnded(id, [report]), session: session), at: due)
        }
        let inventory = WorkerInventory(
            session: session, queued: workers[worker].queued.map(\.attempt),
            running: workers[worker].running.map {
                RunningAttempt(attempt: $0.attempt, slot: $0.slot)
            })
        due = due.advanced(byNanoseconds: random.upTo(500_000))
        schedule(.report(worker, .workerReattached(id, inventory), session: session), at: due)
        workers[worker].notBefore = due
        // It may come twice: the session makes the second one nothing.
        if chance(options.doubledReports) {
            schedule(
                .report(worker, .workerReattached(id, inventory), session: session),
                at: due.advanced(byNanoseconds: random.upTo(20_000_000)))
        }
    }

    /// Something that a worker said has arrived.
    mutating func hear(_ worker: Int, _ event: Event, _ session: UInt64) {
        guard !lostWorkers.contains(workers[worker].id) else { return deliver(event) }
        if case .workerReattached = event, session > workers[worker].heardSession {
            workers[worker].heardSession = session
            workers[worker].isOpen = true
        }
        deliver(event)
        if case .attemptsEnded(_, let reports) = event {
            schedule(
                .acknowledged(worker, reports.map(\.attempt), session: session),
                after: random.upTo(1_000_000))
        }
    }

    mutating func forgetEnds(_ worker: Int, _ attempts: [AttemptID]) {
        workers[worker].unacknowledged.removeAll { attempts.contains($0.attempt) }
    }

    /// Puts an event on the disk, and now and then a snapshot in place of all before it.
    mutating func record(_ event: Event) {
        guard options.restarts > 0 else { return }
        if copying.upTo(99) == 0 {
            snapshot = coordinator.encoded()
            journal = []
        }
        journal.append((event.encoded(), now))
    }

    /// The coordinator is killed and comes back from its disk: all connections are gone, and so is
    /// every order that was on its way.
    mutating func restart() {
        do {
            var restored = try Coordinator(decoding: snapshot)
            for entry in journal {
                _ = restored.handle(try Event(decoding: entry.event), at: entry.tick)
            }
            if restored.encoded() != coordinator.encoded() {
                problem("what comes back from the disk is not what there was")
            }
            coordinator = restored
        } catch {
            problem("the disk could not be read: \(error)")
        }
        for worker in workers.indices
        where registered.contains(workers[worker].id)
            && !lostWorkers.contains(workers[worker].id)
        {
            workers[worker].isOpen = false
            workers[worker].cut = min(workers[worker].cut, now)
            dropLink(worker, cut: 0)
        }
        if let wake = coordinator.wakes { schedule(.event(.timeElapsed), at: wake) }
    }

    /// Now and then goes on with what the bytes of the coordinator say.
    mutating func copyCoordinator() {
        guard options.copies > 0, copying.upTo(999) < options.copies else { return }
        let bytes = coordinator.encoded()
        do {
            let copy = try Coordinator(decoding: bytes)
            if copy.encoded() != bytes { problem("a copy has other bytes") }
            coordinator = copy
        } catch {
            problem("the bytes of the coordinator could not be read: \(error)")
        }
    }
}
