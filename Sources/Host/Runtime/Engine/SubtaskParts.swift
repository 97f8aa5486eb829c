import FanfoldCore

/// What a subtask is given, as the engine keeps it while the subtask waits.
///
/// A slice of one input, which is what nearly every subtask of a large task has, costs no
/// allocation.
enum SubtaskParts: Sendable {
    case none
    case items(input: Int, from: Int, count: Int)
    case many([SubtaskPart])
}

/// One piece of what a subtask is given.
enum SubtaskPart: Sendable {
    /// Items `from ..< from + count` of an input of the task.
    case items(input: Int, from: Int, count: Int)
    /// Bytes that are there already.
    case payload(PayloadSlice, DataFormat)
    /// What another subtask of the task gives: its index and which of its parts.
    case result(of: UInt32, part: Int)
}

/// What a strategy said in one call, or in one batch of calls: values for the loop.
struct StrategyAnswer: Sendable {
    /// A subtask that it handed out; its index follows from the order.
    struct Added: Sendable {
        var spec: UInt32
        var parts: SubtaskParts
        /// Indices it comes after, ascending.
        var after: [UInt32]
    }

    var added: [Added] = []
    /// Specifications seen for the first time; their numbers follow from the order.
    var declared: [DeclaredSpec] = []
    var withdrawn: [UInt32] = []
    var output: OutputPieces = OutputPieces()

    var isEmpty: Bool {
        added.isEmpty && declared.isEmpty && withdrawn.isEmpty && output.pieces.isEmpty
            && output.reports.isEmpty && output.format == nil
    }
}
