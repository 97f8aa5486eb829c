import FanfoldCore

extension Simulation {
    /// An order goes to a worker, and overtakes none before it.
    mutating func send(_ effect: Effect, to worker: WorkerID) {
        guard workers.indices.contains(Int(worker.index)), !lostWorkers.contains(worker) else {
            return problem("an order goes to worker \(worker.index), which is not there")
        }
        let index = Int(worker.index)
        if case .start(_, let assignments) = effect, suspects.contains(worker) {
            for each in assignments where !each.isPromotion {
                problem("something new is placed on worker \(index), which is silent")
            }
        }
        checkOrder(effect, on: index)
        guard workers[index].isOpen else { return }
        let due = now.advanced(byNanoseconds: random.upTo(1_000_000))
        workers[index].lastArrival = max(workers[index].lastArrival, due)
        schedule(
            .order(index, effect, session: workers[index].session),
            at: workers[index].lastArrival)
    }

    /// Nothing is asked of a worker about an attempt that it was not given before.
    private mutating func checkOrder(_ effect: Effect, on worker: Int) {
        switch effect {
        case .start(_, let assignments):
            workers[worker].given.formUnion(assignments.lazy.map(\.attempt))
        case .cancel(_, let attempts, _), .takeBack(_, let attempts):
            for attempt in attempts where !workers[worker].given.contains(attempt) {
                problem("worker \(worker) is told to end an attempt that it was not given")
            }
        default: break
        }
    }

    /// A worker does what it is told.
    mutating func obey(_ worker: Int, _ effect: Effect) {
        guard workers[worker].isAlive else { return }
        switch effect {
        case .start(_, let assignments): for each in assignments { begin(worker, each) }
        case .takeBack(_, let attempts):
            guard !chance(options.lostTakeBacks) else { return }
            let taken = attempts.filter { unqueue(worker, $0) }
            report(worker, .attemptsTakenBack(workers[worker].id, taken))
        case .cancel(_, let attempts, _): for each in attempts { cancel(worker, each) }
        default: problem("this is no order for a worker")
        }
    }

    private mutating func unqueue(_ worker: Int, _ attempt: AttemptID) -> Bool {
        guard let place = workers[worker].queued.firstIndex(where: { $0.attempt == attempt })
        else { return false }
        workers[worker].queued.remove(at: place)
        return true
    }

    private mutating func begin(_ worker: Int, _ assignment: Assignment) {
        switch assignment.order {
        case .queue: workers[worker].queued.append((assignment.attempt, assignment.shape))
        case .start(let slot): occupy(worker, slot, assignment)
        case .promote(let slot):
            if unqueue(worker, assignment.attempt) {
                occupy(worker, slot, assignment)
            } else {
                report(worker, .slotsReturned(workers[worker].id, [slot]))
            }
        }
    }

    private mutating func occupy(_ worker: Int, _ slot: SlotID, _ assignment: Assignment) {
        workers[worker].usedMilliCores += shapeNeeds[Int(assignment.shape.index)].milliCores
        if workers[worker].usedMilliCores > workers[worker].capacity.milliCores {
            problem("worker \(worker) runs more than it has")
        }
        run(worker, assignment.attempt, assignment.shape, slot)
    }

    private mutating func run(
        _ worker: Int, _ attempt: AttemptID, _ shape: ShapeID, _ slot: SlotID
    ) {
        workers[worker].running.append((slot, attempt, shape))
        var duration = Double(100_000 + random.upTo(8_000_000)) * workers[worker].slowness
        if chance(20) { duration *= 50 }
        var failure: Failure?
        if chance(options.failures) {
            let kind = FailureClass.allCases[Int(random.upTo(6))]
            let kinds: [FailureClass] = [kind == .workerLost ? .exitCode : kind]
            failure = Failure(kinds[0], reason: "simulated", "it failed")
        }
        if workers[worker].isBroken {
            duration = 100_000
            failure = Failure(.exitCode, reason: "broken", "nothing works here")
            report.brokenAttempts += 1
        }
        schedule(
            .ends(worker: worker, attempt: attempt, failure: failure),
            after: UInt64(duration))
    }

    private mutating func cancel(_ worker: Int, _ attempt: AttemptID) {
        let failure = Failure(.cancelled, retry: .never, reason: "cancelled", "it was cancelled")
        if unqueue(worker, attempt) {
            let ended = AttemptReport(attempt: attempt, outcome: .failed(failure), slot: nil)
            report(worker, .attemptsEnded(workers[worker].id, [ended]))
        } else if !workers[worker].isDeaf {
            finish(worker, attempt, failure)
        }
    }

    /// An attempt ends: its slot goes to the next of the same shape, and the worker says so.
    mutating func finish(_ worker: Int, _ attempt: AttemptID, _ failure: Failure?) {
        guard workers[worker].isAlive,
            let place = workers[worker].running.firstIndex(where: { $0.attempt == attempt })
        else { return }
        let (slot, _, shape) = workers[worker].running.remove(at: place)
        let successor = workers[worker].next(of: shape)
        if let successor {
            run(worker, successor, shape, slot)
        } else {
            workers[worker].usedMilliCores -= shapeNeeds[Int(shape.index)].milliCores
        }
        let usage = AttemptUsage(ranNanoseconds: 100_000 + random.upTo(8_000_000))
        let ended = AttemptReport(
            attempt: attempt, outcome: failure.map { .failed($0) } ?? .succeeded, slot: slot,
            successor: successor, usage: usage)
        report(worker, .attemptsEnded(workers[worker].id, [ended]))
    }

    /// What a worker says arrives late, out of order, and sometimes twice; or, on a connection
    /// that is gone, never.
    private mutating func report(_ worker: Int, _ event: Event) {
        if case .attemptsEnded(_, let reports) = event {
            workers[worker].unacknowledged += reports
        }
        let delays: [UInt64] = [3_000_000, chance(options.doubledReports) ? 30_000_000 : 0]
        for delay in delays where delay > 0 && workers[worker].isLinked {
            let due = now.advanced(byNanoseconds: random.upTo(delay))
            schedule(
                .report(worker, event, session: workers[worker].session),
                at: max(due, workers[worker].notBefore))
        }
    }
}
