import FanfoldCore

/// What became of a simulated world.
package struct ScalingReport: Hashable, Sendable {
    /// How long it went, in seconds.
    package var seconds: UInt64 = 0
    /// Jobs that ended.
    package var done = 0
    /// Jobs that never began, at the end.
    package var waitingAtEnd = 0
    /// Jobs that began again since their machine was taken back.
    package var begunAgain = 0
    /// Work that was lost so, in nanoseconds.
    package var lostNanoseconds: UInt64 = 0
    /// What the machines cost, in millionths.
    package var spentMicros: Int64 = 0
    /// The most machines at a time.
    package var mostWorkers = 0
    /// Machines that were there at the end.
    package var aliveAtEnd = 0
    /// Launches that were refused.
    package var refused = 0
    /// Decisions by what they did.
    package var launches = 0
    /// Workers that were launched by them.
    package var launched = 0
    /// Workers that were drained.
    package var drains = 0
    /// Drains that were taken back.
    package var cancelledDrains = 0
    /// Workers that were ended.
    package var ends = 0
    /// Time that all jobs together waited before they began, in nanoseconds.
    package var waitedNanoseconds = 0.0
    /// The longest that one of them waited, in nanoseconds.
    package var longestWaitNanoseconds: UInt64 = 0
    /// Jobs that began.
    package var begun = 0
    /// When the last job ended, in nanoseconds.
    package var lastEnd: UInt64 = 0
    /// Arrivals that have a deadline.
    package var deadlines = 0
    /// Those of them that were not done in time.
    package var late = 0
    /// What machines cost that may be taken back, in millionths.
    package var spotMicros: Int64 = 0
    /// Rules that did not hold.
    package var problems: [String] = []
    /// How many workers each launch was to make.
    var asked: [String: Int] = [:]

    mutating func note(_ made: [ScalingDecision]) {
        for decision in made {
            switch decision.action {
            case .launch(_, _, let count):
                guard decision.reason != .answerMissing else { continue }
                launches += 1
                launched += count
            case .drain: drains += 1
            case .cancelDrain: cancelledDrains += 1
            case .terminate: if decision.reason != .endMissing { ends += 1 }
            case .adopt, .recommend, .keep: break
            }
        }
    }

    mutating func began(_ came: UInt64, at moment: UInt64) {
        let waited = moment - min(moment, came)
        begun += 1
        waitedNanoseconds += Double(waited)
        longestWaitNanoseconds = max(longestWaitNanoseconds, waited)
    }

    mutating func ended(_ came: UInt64, at moment: UInt64) { lastEnd = max(lastEnd, moment) }
}
