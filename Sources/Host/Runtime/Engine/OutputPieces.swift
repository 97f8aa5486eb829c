import FanfoldJSON

/// What a strategy has put out so far, by reference.
struct OutputPieces: Sendable {
    /// Stated by the first output that states one.
    var format: DataFormat?
    var pieces: [PayloadSlice] = []
    var reports: [JSON] = []
    /// What `explain` answered.
    var explanation: JSON?

    /// Moves everything from `other` behind what is here.
    mutating func append(_ other: inout OutputPieces) {
        format = format ?? other.format
        pieces += other.pieces
        reports += other.reports
        other = OutputPieces()
    }
}
