/// What the attempts of one task class in a run were given and used, and what was predicted.
package struct Efficiency: Hashable, Sendable {
    /// The class.
    package var taskClass: String
    /// Attempts of the run that were measured.
    package var attempts = 0
    /// Attempts that ran out of memory.
    package var outOfMemory = 0
    /// The most that an attempt was given.
    package var given = Quantities()
    /// The most that an attempt used.
    package var used = Quantities()
    /// Used beside given, weighed by the time the attempts ran; `nil` if either is not known.
    package var memoryShare: Double?
    /// The same for cores.
    package var cpuShare: Double?
    /// The largest request for memory that was predicted before the attempt it is for had ended.
    package var predictedMemory: Double?
    /// Attempts that ended well and for which memory was predicted from a history.
    package var predicted = 0
    /// Those of them that used no more than that.
    package var covered = 0
    /// What to ask for next time, cores and memory.
    package var suggestion: [Quantity: Estimate] = [:]
    /// Whether the class was seen to change in its last rows.
    package var rowsSinceDrift: Int?

    /// The classes of a run, by name.
    ///
    /// The history is told again from its beginning, so that each prediction is what it was.
    ///
    /// - Parameters:
    ///   - entries: the whole history, the oldest first.
    package static func of(run: String, in entries: [HistoryEntry]) -> [Efficiency] {
        let classes = Set(entries.filter { $0.run == run }.map(\.row.taskClass))
        var sums: [String: Sums] = [:]
        var predictor = Predictor()
        for entry in entries where classes.contains(entry.row.taskClass) {
            if entry.run == run {
                sums[entry.row.taskClass, default: Sums(entry.row.taskClass)]
                    .count(entry, predictor)
            }
            predictor.observe(entry)
        }
        return sums.values.map { $0.finished(predictor) }.sorted { $0.taskClass < $1.taskClass }
    }

    private struct Sums {
        var result: Efficiency
        var given = Quantities()
        var used = Quantities()
        var features = Features()

        init(_ taskClass: String) {
            result = Efficiency(taskClass: taskClass)
        }

        mutating func count(_ entry: HistoryEntry, _ predictor: Predictor) {
            result.attempts += 1
            if entry.outcome == .outOfMemory { result.outOfMemory += 1 }
            features = entry.row.features
            let seconds = entry.row.used[.runtime] ?? 1
            for quantity in [Quantity.cpu, .memory] {
                if let given = entry.given[quantity] {
                    result.given[quantity] = max(result.given[quantity] ?? 0, given)
                }
                guard let used = entry.row.used[quantity] else { continue }
                result.used[quantity] = max(result.used[quantity] ?? 0, used)
                guard let given = entry.given[quantity] else { continue }
                self.given[quantity] = (self.given[quantity] ?? 0) + given * seconds
                self.used[quantity] = (self.used[quantity] ?? 0) + used * seconds
            }
            predict(entry, predictor)
        }

        private mutating func predict(_ entry: HistoryEntry, _ predictor: Predictor) {
            guard entry.outcome == .succeeded, let used = entry.row.used[.memory],
                predictor.rows(of: result.taskClass) > 0,
                let estimate = predictor.predict(
                    .memory, of: result.taskClass, entry.row.features,
                    defaults: entry.row.requested)
            else { return }
            result.predicted += 1
            if used <= estimate.value { result.covered += 1 }
            result.predictedMemory = max(result.predictedMemory ?? 0, estimate.value)
        }

        func finished(_ predictor: Predictor) -> Efficiency {
            var result = result
            if let given = given[.memory], let used = used[.memory] {
                result.memoryShare = used / given
            }
            if let given = given[.cpu], let used = used[.cpu] { result.cpuShare = used / given }
            // As `needs: auto` asks: without knowing the input.
            let keys = Features(
                numbers: features.numbers.filter { $0.key != Features.inputBytes },
                words: features.words)
            for quantity in [Quantity.cpu, .memory] {
                result.suggestion[quantity] = predictor.predict(
                    quantity, of: result.taskClass, keys)
            }
            result.rowsSinceDrift = result.suggestion[.memory]?.rowsSinceDrift
            return result
        }
    }
}
