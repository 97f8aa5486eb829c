/// What became of launches of one offering; old news counts for less and less.
struct OfferingRecord: Hashable, Sendable {
    private(set) var successes = 0.0
    private(set) var failures = 0.0
    private(set) var interruptions = 0.0
    private(set) var hours = 0.0
    private(set) var at = Tick.zero
    /// How long its workers took to boot; `nil` before one did.
    private(set) var boot: BootTime?
    /// When a launch failed last, if none has succeeded since.
    var missing: Tick?

    init() {}

    init(
        successes: Double, failures: Double, interruptions: Double, hours: Double, at: Tick,
        boot: BootTime? = nil
    ) {
        self.boot = boot
        self.successes = successes
        self.failures = failures
        self.interruptions = interruptions
        self.hours = hours
        self.at = at
    }

    /// A half after each ``Limits/offeringHalfLifeNanoseconds``, and straight lines between: Core
    /// has no `exp`.
    static func decay(_ nanoseconds: UInt64) -> Double {
        let (whole, rest) = nanoseconds.quotientAndRemainder(
            dividingBy: Limits.offeringHalfLifeNanoseconds)
        guard whole < 64 else { return 0 }
        let part = Double(rest) / Double(Limits.offeringHalfLifeNanoseconds)
        return (1 - part / 2) / Double(UInt64(1) << whole)
    }

    private func factor(at moment: Tick) -> Double {
        moment > at ? Self.decay(moment.nanoseconds - at.nanoseconds) : 1
    }

    private mutating func age(to moment: Tick) {
        guard moment > at else { return }
        let factor = factor(at: moment)
        successes *= factor
        failures *= factor
        interruptions *= factor
        hours *= factor
        at = moment
    }

    mutating func succeeded(at moment: Tick) {
        age(to: moment)
        missing = nil
        successes += 1
    }

    mutating func failed(at moment: Tick) {
        age(to: moment)
        missing = moment
        failures += 1
    }

    mutating func interrupted(at moment: Tick) {
        age(to: moment)
        interruptions += 1
    }

    mutating func ran(hours more: Double, at moment: Tick) {
        age(to: moment)
        hours += more
    }

    mutating func booted(nanoseconds: UInt64) {
        if boot == nil {
            boot = BootTime(nanoseconds: nanoseconds)
        } else {
            boot?.take(nanoseconds)
        }
    }

    /// The probability that a launch succeeds: one success more than was seen, so that an offering
    /// that nobody tried is tried.
    func availability(at moment: Tick) -> Double {
        let factor = factor(at: moment)
        return (successes * factor + 1) / ((successes + 2 * failures) * factor + 1)
    }

    /// Interruptions an hour: what was expected counts as ten hours of seeing.
    func interruptionsPerHour(expected: Double, at moment: Tick) -> Double {
        let factor = factor(at: moment)
        return (interruptions * factor + 10 * expected) / (hours * factor + 10)
    }

    /// What an hour of useful work costs, in millionths.
    ///
    /// `p / P(available)` and, for spot, `p * (1 + C/tau + lambda * (tau/2 + R))` with the cost C
    /// of a checkpoint, tau between two, and R until there is another worker.
    func effectivePrice(
        of offering: ScalingOffering, _ settings: ScalingSettings, at moment: Tick
    ) -> Double {
        var price = Double(offering.microsPerHour)
        if offering.isSpot {
            let hour = 3.6e12
            let tau = max(Double(settings.checkpointNanoseconds), 1) / hour
            let cost = Double(settings.checkpointCostNanoseconds) / hour
            let lambda = interruptionsPerHour(
                expected: offering.interruptionsPerHour, at: moment)
            let replace = Double(settings.replacementNanoseconds) / hour
            price *= 1 + cost / tau + lambda * (tau / 2 + replace)
        }
        return price / availability(at: moment)
    }
}

/// How long workers of an offering take to boot, and how much that varies.
///
/// Source: the timer of retransmissions of V. Jacobson, "Congestion Avoidance and Control", 1988.
struct BootTime: Hashable, Sendable {
    private(set) var mean: Double
    private(set) var deviation: Double

    /// The first one that was seen.
    init(nanoseconds: UInt64) {
        mean = Double(nanoseconds)
        deviation = mean / 2
    }

    init(mean: Double, deviation: Double) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Another one took so long.
    mutating func take(_ nanoseconds: UInt64) {
        let error = Double(nanoseconds) - mean
        mean += error / 8
        deviation += (abs(error) - deviation) / 4
    }

    /// What nearly all take at most: the mean and two deviations.
    var expectedNanoseconds: UInt64 { UInt64(min(max(0, mean + 2 * deviation), 1e15)) }
}
