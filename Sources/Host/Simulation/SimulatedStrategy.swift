import FanfoldCore

/// How many subtasks a made-up strategy puts, and how they hang together.
package enum StrategyPlan: Hashable, Sendable, CaseIterable {
    /// Nothing to do.
    case empty
    /// Independent subtasks.
    case partition
    /// Each subtask comes after the one before the last.
    case chain
    /// Says `wait` until half of it is back.
    case rounds
    /// Withdraws what is left as soon as half is in.
    case ensemble
}

/// A strategy with a plan.
struct SimulatedStrategy {
    let task: TaskID
    let plan: StrategyPlan
    let total: Int
    let shapes: [ShapeID]
    var verdicts: [FailureVerdict]
    var put: UInt32 = 0
    var told = 0
    var failed = 0
    var hasWithdrawn = false
    /// Answers come in the order of the calls.
    var lastAnswer = Tick.zero

    /// The answer to `split`.
    mutating func split(want: Int) -> ([SubtaskSpec], SplitState) {
        var limit = total
        if plan == .rounds, told + failed < total / 4 { limit = total / 2 }
        var added: [SubtaskSpec] = []
        while added.count < want, Int(put) < limit { added.append(next()) }
        if Int(put) >= total { return (added, .end) }
        return (added, Int(put) >= limit && plan == .rounds ? .wait : .more)
    }

    private mutating func next() -> SubtaskSpec {
        let index = put
        put += 1
        let shape = shapes[Int(index) % shapes.count]
        let after = plan == .chain && index > 1 ? [index - 2] : []
        return SubtaskSpec(shape: shape, after: after, priority: Float(index % 3))
    }

    /// The answer to results.
    mutating func results(_ count: Int) -> StrategyReply {
        told += count
        guard plan == .ensemble, !hasWithdrawn, told * 2 >= total else {
            return StrategyReply(.results)
        }
        hasWithdrawn = true
        return StrategyReply(.results, withdrawn: Array(0..<put))
    }

    /// The answer to a failure.
    mutating func failure(_ index: UInt32, at moment: UInt64) -> StrategyReply {
        failed += 1
        let verdict = verdicts[Int(moment % UInt64(verdicts.count))]
        let added = verdict == .replaced ? [next()] : []
        return StrategyReply(.failure(index: index, verdict), added: added)
    }
}
