/// An attempt in a history: what a ``HistoryRow`` needs, and where it comes from.
package struct HistoryEntry: Hashable, Sendable {
    /// How an attempt ended.
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        case succeeded
        case outOfMemory = "out-of-memory"
        case failed
    }

    /// The run that it was part of; empty if that is not known.
    package var run: String
    /// When it ended, in milliseconds since 1970; `nil` if that is not known.
    package var endedMilliseconds: Int64?
    /// How it ended.
    package var outcome: Outcome
    /// What it was given.
    package var given: Quantities
    /// What it was like and used; `requested` is what it would have been given without history.
    package var row: HistoryRow

    /// An attempt.
    package init(
        run: String, endedMilliseconds: Int64?, outcome: Outcome, given: Quantities,
        row: HistoryRow
    ) {
        self.run = run
        self.endedMilliseconds = endedMilliseconds
        self.outcome = outcome
        self.given = given
        self.row = row
    }
}

extension Predictor {
    /// Learns from an attempt; one that failed says nothing of what it would have used.
    package mutating func observe(_ entry: HistoryEntry) {
        if entry.outcome == .succeeded { observe(entry.row) }
    }
}
