import DequeModule

/// How far the silence of one worker is from what is usual for it.
///
/// `phi(at:)` is `-log10` of the probability that a heartbeat comes later than now, if the times
/// between heartbeats are normally distributed with the mean and the deviation of the last ones:
/// at phi 1 one suspicion in ten is wrong, at phi 8 one in a hundred million.
///
/// Why the normal distribution, as in the paper, and not the exponential one that Cassandra takes:
/// heartbeats are sent at a fixed interval, so that what varies is the way they take.  With the
/// exponential distribution phi 8 is 18 intervals on the quietest network; here it is as far as
/// the network's own unrest, of which ``Limits/heartbeatDeviationNanoseconds`` is always granted.
/// Source: N. Hayashibara, X. Défago, R. Yared, T. Katayama, "The φ accrual failure detector",
/// SRDS 2004.
package struct PhiDetector: Hashable, Sendable {
    private var intervals: Deque<UInt64> = []
    /// The mean of the intervals, in nanoseconds.
    package private(set) var mean: Double
    /// Their standard deviation, in nanoseconds, and never less than what is granted.
    package private(set) var deviation: Double
    /// When the last heartbeat came.
    package private(set) var last: Tick

    /// The worker was heard of at this moment, and is expected to send at this interval.
    package init(
        at now: Tick, expectedNanoseconds: UInt64 = Limits.heartbeatNanoseconds
    ) {
        last = now
        mean = Double(expectedNanoseconds)
        deviation = Double(Limits.heartbeatDeviationNanoseconds)
    }

    /// A heartbeat came.
    ///
    /// - Complexity: O(``Limits/heartbeatWindow``).
    package mutating func heartbeat(at now: Tick) {
        guard now > last else { return }
        let interval = now.nanoseconds - last.nanoseconds
        last = now
        intervals.append(min(interval, Limits.heartbeatIntervalNanoseconds))
        if intervals.count > Limits.heartbeatWindow { intervals.removeFirst() }
        let count = Double(intervals.count)
        mean = intervals.reduce(0.0) { $0 + Double($1) } / count
        let squares = intervals.reduce(0.0) {
            $0 + (Double($1) - mean) * (Double($1) - mean)
        }
        deviation = max(
            (squares / count).squareRoot(), Double(Limits.heartbeatDeviationNanoseconds))
    }

    /// The suspicion at a moment: never negative, and never less for a later moment.
    package func phi(at now: Tick) -> Double { phi(at: now, since: last) }

    /// The suspicion if what was heard of last had come at `since`.
    func phi(at now: Tick, since: Tick) -> Double {
        guard now > since else { return 0 }
        let silence = Double(now.nanoseconds - since.nanoseconds)
        return NormalTail.digits(beyond: (silence - mean) / deviation)
    }

    /// The first moment at which ``phi(at:)`` is at least `phi`, if nothing comes until then.
    package func nextCrossing(of phi: Double) -> Tick { crossing(of: phi, since: last) }

    func crossing(of phi: Double, since: Tick) -> Tick {
        let silence = mean + deviation * NormalTail.deviations(forDigits: phi)
        // One more, so that rounding does not wake anybody a moment too early.
        return since.advanced(byNanoseconds: UInt64(min(silence, 1e18)) + 1)
    }
}
