/// How much more the runs and queues may hold, while demand is collected: what one shape wants is
/// no longer there for the next.
///
/// Why: a worker that is rented for what a quota keeps back would idle.
struct DemandRoom {
    /// By queue: what its runs hold and what was wanted for them.
    private var held: [ResourceAmount]
    /// By queue: the most that it may ever hold, what is borrowed included.
    private let ceilings: [Quota]
    /// By run: the slots that it holds and that were wanted for it.
    private var slots: [Int: Int] = [:]

    init(_ queues: [QueueState]) {
        held = queues.map(\.use)
        ceilings = queues.map(\.spec.quota.ceiling)
    }

    /// Takes as many of some slots as the run and its queue may hold: how many that are.
    mutating func take(
        _ count: Int, of amount: ResourceAmount, run: (index: Int, record: RunState)
    ) -> Int {
        let (queue, taken) = (run.record.queue, slots[run.index] ?? run.record.slots)
        let allowed = ceilings[queue].count(
            of: amount, beside: held[queue],
            atMost: max(0, min(count, run.record.maximumConcurrency - taken)))
        held[queue] = held[queue] + amount * allowed
        slots[run.index] = taken + allowed
        return allowed
    }
}

extension Quota {
    /// How many of a request fit into the quota beside what is held already.
    func count(of amount: ResourceAmount, beside held: ResourceAmount, atMost most: Int) -> Int {
        func fitting(_ limit: Int64?, _ held: Int64, _ wanted: Int64) -> Int {
            guard let limit, wanted > 0 else { return most }
            let (left, overflow) = limit.subtractingReportingOverflow(held)
            return overflow || left < 0 ? 0 : Int(left / wanted)
        }
        return min(
            most, fitting(milliCores, held.milliCores, amount.milliCores),
            fitting(memoryBytes, held.memoryBytes, amount.memoryBytes),
            fitting(deviceMilli, held.deviceMilli, amount.deviceMilli))
    }
}
