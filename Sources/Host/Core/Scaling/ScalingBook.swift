/// What is kept of scaling: the shell decides with a ``Scaler``, and hands in what outlives it.
package struct ScalingBook: Hashable, Sendable {
    /// What the shell goes on with after a restart, in its own words; empty before the first.
    package internal(set) var state: [UInt8] = []
    /// The latest decisions, the oldest first.
    package internal(set) var decisions: [ScalingDecision] = []

    /// Takes in what was decided.
    mutating func record(_ state: [UInt8], _ made: [ScalingDecision]) {
        self.state = state
        decisions += made
        decisions.removeFirst(max(0, decisions.count - Limits.scalingDecisions))
    }
}
