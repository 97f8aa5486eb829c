/// What is known of a load when its next steps are forecast: differences of logarithms.
///
/// Of the recent steps, of means that forget fast and slowly, of what came next a day, a week and two
/// weeks ago, and of what comes at this time of the day and the week on average.
struct LoadFeatures: Hashable, Sendable {
    /// Numbers in a row.
    static let width = 24
    private static let recent = [1, 2, 3, 5, 8, 12]
    private static let rates = [0.1, 0.02, 0.004]

    private let day: Int
    private let week: Int
    /// Steps that are forecast together.
    private let ahead: Int
    /// The latest logarithms, as many as are looked back at; a ring.
    private var ring: ContiguousArray<Double> = []
    private var count = 0
    private var first = 0.0
    private var means: [Double] = []
    private var daily: Profile
    private var weekly: Profile

    /// What comes at each time of a season, on average.
    private struct Profile: Hashable, Sendable {
        let rate: Double
        var steps: ContiguousArray<Double>
        var levels: ContiguousArray<Double>
        var isSeen: ContiguousArray<Bool>

        init(season: Int, rate: Double) {
            self.rate = rate
            steps = ContiguousArray(repeating: 0, count: season)
            levels = steps
            isSeen = ContiguousArray(repeating: false, count: season)
        }

        mutating func take(_ value: Double, after last: Double?, at count: Int) {
            let slot = count % steps.count
            let rate = isSeen[slot] ? self.rate : 1
            if let last { steps[slot] += rate * (value - last - steps[slot]) }
            levels[slot] += rate * (value - levels[slot])
            isSeen[slot] = true
        }

        /// The largest change, and the highest level, of so many steps to come.
        func next(after count: Int, ahead: Int, _ value: Double) -> [Double] {
            var (rise, most, level) = (0.0, -Double.infinity, -Double.infinity)
            for step in 0..<ahead {
                let slot = (count + step) % steps.count
                guard isSeen[slot] else { return [0, 0] }
                rise += steps[slot]
                most = max(most, rise)
                level = max(level, levels[slot])
            }
            return [most, level - value]
        }
    }

    init(day: Int, ahead: Int) {
        self.day = day
        self.ahead = ahead
        week = 7 * day
        daily = Profile(season: day, rate: 0.15)
        weekly = Profile(season: 7 * day, rate: 0.3)
    }

    /// The logarithm so many steps ago; the first one for steps before it.
    private func lag(_ steps: Int) -> Double {
        guard steps < count else { return first }
        return ring[(count - 1 - steps) % ring.count]
    }

    /// The largest of the steps that came next a season ago.
    private func largest(ofNext steps: Int, _ season: Int) -> Double {
        var largest = lag(season - 1)
        for step in 1..<max(1, min(steps, season)) {
            largest = max(largest, lag(season - 1 - step))
        }
        return largest
    }

    /// Takes in the next logarithm.
    mutating func take(_ value: Double) {
        let last = count > 0 ? lag(0) : nil
        if count == 0 {
            first = value
            means = Array(repeating: value, count: Self.rates.count)
            ring = ContiguousArray(repeating: value, count: 2 * week + 2)
        }
        daily.take(value, after: last, at: count)
        weekly.take(value, after: last, at: count)
        ring[count % ring.count] = value
        count += 1
        for (place, rate) in Self.rates.enumerated() {
            means[place] += rate * (value - means[place])
        }
    }

    /// The row from which the largest load of the next steps is forecast.
    func row() -> ContiguousArray<Double> {
        let now = lag(0)
        var row: ContiguousArray<Double> = [0.1]
        row.reserveCapacity(Self.width)
        for steps in Self.recent { row.append(lag(steps) - now) }
        for mean in means { row.append(mean - now) }
        for season in [day, week, 2 * week] {
            guard count >= season + 2 else {
                row += [0, 0, 0]
                continue
            }
            let then = largest(ofNext: ahead, season)
            row += [then - lag(season), then - now, lag(season - 2) - then]
        }
        row += daily.next(after: count, ahead: ahead, now)
        row += weekly.next(after: count, ahead: ahead, now)
        var largest = now
        for steps in 1..<10 where steps < count { largest = max(largest, lag(steps)) }
        row.append(largest - now)
        return row
    }
}
