/// What the graph will make ready: workers are launched for it a boot before, and kept for it.
///
/// A guess may be wrong, and the same task may be expected, not expected, and expected again.  So that
/// workers do not come and go with it, a task is expected until a moment that is set when it is expected
/// for the first time, and a pool grows for what is expected only when nothing was taken from it for a
/// while.
extension Scaler {
    /// A task that has not begun, and until when it is believed that it will soon.
    struct Expectation: Hashable, Sendable {
        /// When it was to begin, by what was known when it was expected first.
        var readyBy: Tick
        /// When it was expected last.
        var seen: Tick
    }

    /// Drops what was to begin long ago, and notes what is expected now.
    mutating func believe(_ turn: inout ScalingTurn) {
        let patience = settings.downCooldownNanoseconds
        var late: Set<TaskID> = []
        for demand in turn.facts.demand {
            guard let task = demand.expected else { continue }
            if expectations[task.id] == nil {
                guard expectations.count < Limits.expectationsKept else {
                    late.insert(task.id)
                    continue
                }
                expectations[task.id] = Expectation(
                    readyBy: clock.advanced(byNanoseconds: task.readyNanoseconds), seen: clock)
            }
            expectations[task.id]?.seen = clock
            if let known = expectations[task.id],
                clock >= known.readyBy.advanced(byNanoseconds: patience)
            {
                late.insert(task.id)
            }
        }
        turn.facts.demand.removeAll { $0.expected.map { late.contains($0.id) } ?? false }
        expectations = expectations.filter {
            clock < $0.value.seen.advanced(byNanoseconds: patience)
        }
    }

    /// Takes what is expected out of what is wanted now; that of runs which are served in a way of their
    /// own has been taken out.
    func setApart(_ turn: inout ScalingTurn) {
        turn.expected = turn.facts.demand.filter { $0.expected != nil }.sorted {
            Self.isLarger($0.request, than: $1.request)
        }
        turn.facts.demand.removeAll { $0.expected != nil }
    }

    /// Plans workers for what is expected and has no room: of the offering that would be taken for the
    /// same if it were ready, once that takes as long to boot.
    mutating func meetExpected(_ turn: inout ScalingTurn) {
        for demand in turn.expected {
            guard let task = demand.expected else { continue }
            let count = demand.slots(within: settings.horizonNanoseconds)
            var left = turn.projection.pack(demand.request, count: count)
            turn.kept.append((demand.request, count - left))
            while left > 0 {
                let best = options(for: demand.request, left, turn).first { $0.problem == nil }
                guard let best, clock >= pools[best.pool].expectsFrom,
                    isDue(task.readyNanoseconds, best)
                else { break }
                plan(
                    min(
                        (left + best.slots - 1) / best.slots,
                        room(in: best.pool, best.offering, turn)),
                    best.pool, best.offering,
                    .expectedDemand(slots: left, run: task.run, task: task.name), [], &turn)
                let after = turn.projection.pack(demand.request, count: left)
                guard after < left else { break }
                left = after
            }
        }
    }

    /// Whether a worker that is launched by the next evaluation would come too late.
    private func isDue(_ nanoseconds: UInt64, _ option: ScalingOption) -> Bool {
        nanoseconds
            <= bootNanoseconds(option.pool, option.offering) + settings.evaluationNanoseconds
    }

    /// Workers are taken from a pool: it does not grow for a while for what is only expected.
    mutating func expectLater(_ pool: Int) {
        pools[pool].expectsFrom = clock.advanced(byNanoseconds: settings.downCooldownNanoseconds)
    }

    static func isLarger(_ left: ResourceRequest, than right: ResourceRequest) -> Bool {
        (left.devices, left.milliCores, left.memoryBytes)
            > (right.devices, right.milliCores, right.memoryBytes)
    }

    // MARK: As bytes

    func encodeExpectations(into writer: inout ByteWriter) {
        for state in pools { writer.put(state.expectsFrom) }
        writer.natural(expectations.count)
        for (task, expectation) in expectations.sorted(by: { $0.key.index < $1.key.index }) {
            writer.put(task)
            writer.put(expectation.readyBy)
            writer.put(expectation.seen)
        }
    }

    mutating func readExpectations(
        _ reader: inout ByteReader, _ names: [String]
    ) throws(CodingError) {
        for name in names {
            let moment: Tick = try reader.get()
            guard let pool = settings.pools.firstIndex(where: { $0.name == name }) else { continue }
            pools[pool].expectsFrom = moment
        }
        for _ in 0..<(try reader.count()) {
            let task: TaskID = try reader.get()
            let expectation = Expectation(readyBy: try reader.get(), seen: try reader.get())
            guard expectation.seen <= clock else {
                throw CodingError(.contradiction("a task was expected before now"), at: 0)
            }
            expectations[task] = expectation
        }
    }
}
