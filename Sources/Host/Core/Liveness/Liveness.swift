/// Who is silent: turns heartbeats, and their absence, into events for the coordinator.
///
/// Unknown is not dead.  A worker is lost only if for phi ``Limits/phiLost`` neither a heartbeat
/// nor anything else came from it.  And silence while the coordinator itself did not run (its
/// process was stopped, its machine slept) says nothing: ``turn(at:)`` sees the gap, and that
/// time counts for nobody.
///
/// A value without a clock: the shell calls ``turn(at:)`` in each turn of its loop, at least every
/// ``Limits/loopTurnNanoseconds``, before it hands in what it read; and ``check(at:)`` after that.
package struct Liveness: Sendable {
    /// How far the suspicion of a worker has gone.
    private enum Level: Int, Comparable {
        case trusted
        case suspected
        case doubted

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Watched {
        var worker: WorkerID
        var detector: PhiDetector
        var lastData: Tick
        var level = Level.trusted
    }

    /// In the order of their ids.
    private var watched: [Watched] = []
    private var lastTurn: Tick?
    private var pausedNanoseconds: UInt64 = 0

    /// Nobody is watched.
    package init() {}

    /// How long the coordinator itself did not run, in nanoseconds, as far as it was seen.
    package var paused: UInt64 { pausedNanoseconds }

    /// A turn of the loop begins; a long time since the last one is a pause, which counts for
    /// nobody.
    ///
    /// Returns: The length of the pause in nanoseconds, 0 if there was none.
    @discardableResult
    package mutating func turn(at now: Tick) -> UInt64 {
        let previous = lastTurn ?? now
        lastTurn = max(previous, now)
        guard now > previous else { return 0 }
        let gap = now.nanoseconds - previous.nanoseconds
        guard gap > 2 * Limits.loopTurnNanoseconds else { return 0 }
        let pause = gap - Limits.loopTurnNanoseconds
        pausedNanoseconds += pause
        return pause
    }

    /// Watches a worker from now on; one that is watched already begins anew.
    package mutating func watch(
        _ worker: WorkerID, at now: Tick,
        expectedNanoseconds: UInt64 = Limits.heartbeatNanoseconds
    ) {
        forget(worker)
        let moment = running(now)
        let place = firstPlace(from: worker)
        watched.insert(
            Watched(
                worker: worker,
                detector: PhiDetector(at: moment, expectedNanoseconds: expectedNanoseconds),
                lastData: moment), at: place)
    }

    /// Does not watch a worker any more.
    package mutating func forget(_ worker: WorkerID) { watched.removeAll { $0.worker == worker } }

    /// A heartbeat came from a worker.
    package mutating func heartbeat(from worker: WorkerID, at now: Tick) {
        guard let place = place(of: worker) else { return }
        watched[place].detector.heartbeat(at: running(now))
        watched[place].lastData = max(watched[place].lastData, running(now))
    }

    /// Anything else came from a worker: it is there, if not well.
    package mutating func data(from worker: WorkerID, at now: Tick) {
        guard let place = place(of: worker) else { return }
        watched[place].lastData = max(watched[place].lastData, running(now))
    }

    /// The suspicion of a worker; `nil` if it is not watched.
    package func phi(of worker: WorkerID, at now: Tick) -> Double? {
        place(of: worker).map { watched[$0].detector.phi(at: running(now)) }
    }

    /// What the silence means by now, in the order of the workers; a worker that is lost is not
    /// watched any more.
    ///
    /// - Complexity: O(workers).
    package mutating func check(at now: Tick) -> [Event] {
        let moment = running(now)
        var events: [Event] = []
        var lost: [WorkerID] = []
        for place in watched.indices {
            let each = watched[place]
            if isLost(each, at: moment) {
                let silence =
                    moment.nanoseconds - max(each.detector.last, each.lastData).nanoseconds
                events.append(
                    .workerLost(
                        each.worker,
                        reason: "nothing was heard of it for \(silence / 1_000_000) ms"))
                lost.append(each.worker)
                continue
            }
            let level = level(each.detector.phi(at: moment))
            if level == .trusted, each.level > .trusted {
                events.append(.workerTrusted(each.worker))
            }
            if level >= .suspected, each.level < .suspected {
                events.append(.workerSuspected(each.worker))
            }
            if level == .doubted, each.level < .doubted {
                events.append(.workerDoubted(each.worker))
            }
            // From doubt there is one way back: to trust.
            watched[place].level = level == .trusted ? .trusted : max(level, each.level)
        }
        for worker in lost { forget(worker) }
        return events
    }

    /// The next moment at which ``check(at:)`` says something, if nothing comes until then.
    ///
    /// - Complexity: O(workers).
    package var nextCrossing: Tick? {
        watched.map { each in
            let next: Tick
            switch each.level {
            case .trusted: next = each.detector.nextCrossing(of: Limits.phiSuspected)
            case .suspected: next = each.detector.nextCrossing(of: Limits.phiDoubted)
            case .doubted:
                next = each.detector.crossing(
                    of: Limits.phiLost, since: max(each.detector.last, each.lastData))
            }
            return next.advanced(byNanoseconds: pausedNanoseconds)
        }.min()
    }

    private func level(_ phi: Double) -> Level {
        if phi >= Limits.phiDoubted { return .doubted }
        return phi >= Limits.phiSuspected ? .suspected : .trusted
    }

    private func isLost(_ each: Watched, at moment: Tick) -> Bool {
        each.detector.phi(at: moment, since: max(each.detector.last, each.lastData))
            >= Limits.phiLost
    }

    /// The moment on a clock that stands still while the coordinator does not run.
    private func running(_ now: Tick) -> Tick {
        Tick(now.nanoseconds - min(now.nanoseconds, pausedNanoseconds))
    }

    private func place(of worker: WorkerID) -> Int? {
        let place = firstPlace(from: worker)
        return place < watched.count && watched[place].worker == worker ? place : nil
    }

    /// The place of the first worker that is not before this one.
    private func firstPlace(from worker: WorkerID) -> Int {
        var (low, high) = (0, watched.count)
        while low < high {
            let middle = (low + high) / 2
            if watched[middle].worker < worker { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
