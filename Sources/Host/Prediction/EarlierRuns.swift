/// What the tasks of a class were like in the newest runs that a history holds.
package struct EarlierRuns: Hashable, Sendable {
    /// Attempts that succeeded and are known.
    package var attempts: Int
    /// Subtasks that succeeded in a run: the median, of several equally good ones the lower; `nil` where
    /// no run is named.
    package var subtasks: Int?
    /// How long an attempt took on average, in seconds.
    package var meanSeconds: Double
    /// How long nearly each took at most, in seconds.
    package var longestSeconds: Double

    /// What was seen.
    package init(
        attempts: Int, subtasks: Int?, meanSeconds: Double, longestSeconds: Double
    ) {
        self.attempts = attempts
        self.subtasks = subtasks
        self.meanSeconds = meanSeconds
        self.longestSeconds = longestSeconds
    }

    /// The share of the attempts that ``longestSeconds`` is no less than.
    static let longestShare = 0.99

    /// What the entries say of these classes; classes without an attempt that succeeded are left out.
    ///
    /// - Complexity: O(entries), and O(n log n) in those of a class.
    package static func of(
        _ classes: Set<String>, in entries: [HistoryEntry]
    ) -> [String: EarlierRuns] {
        var rows: [String: [(run: String, seconds: Double)]] = [:]
        for entry in entries.reversed()
        where entry.outcome == .succeeded && classes.contains(entry.row.taskClass) {
            guard let seconds = entry.row.used[.runtime], seconds > 0,
                rows[entry.row.taskClass, default: []].count < PredictionLimits.earlierAttempts
            else { continue }
            rows[entry.row.taskClass, default: []].append((entry.run, seconds))
        }
        return rows.mapValues { rows in
            let seconds = rows.map(\.seconds).sorted()
            let place = Int((longestShare * Double(seconds.count)).rounded(.up)) - 1
            return EarlierRuns(
                attempts: seconds.count, subtasks: median(of: rows.map(\.run)),
                meanSeconds: seconds.reduce(0, +) / Double(seconds.count),
                longestSeconds: seconds[max(0, place)])
        }
    }

    /// How often the runs are named, newest first; the last may not be there whole.
    private static func median(of names: [String]) -> Int? {
        var counts: [String: Int] = [:]
        var order: [String] = []
        for name in names where !name.isEmpty {
            if counts[name] == nil { order.append(name) }
            counts[name, default: 0] += 1
        }
        let newest = order.prefix(PredictionLimits.earlierRuns).compactMap { counts[$0] }.sorted()
        return newest.isEmpty ? nil : newest[(newest.count - 1) / 2]
    }
}
