import FanfoldCore
import FanfoldJSON

/// Attempts that ended, until policies that are plugins are told of them.
///
/// Bounded by ``Limits/policyOutcomesWaiting`` for each policy: more are counted and dropped, so a
/// policy that is slow costs a number and never a placement.
package final class PolicyOutcomes: @unchecked Sendable {
    // Unchecked: touched by the loop's thread only.
    private var waiting: [Waiting]

    /// What one policy has not been told.
    private struct Waiting {
        let seat: PolicySeat
        var outcomes: [PlacementOutcome] = []
        var dropped: UInt64 = 0
        var droppedInAll: UInt64 = 0
        var isFull: Bool { outcomes.count >= Limits.policyOutcomesWaiting }
    }

    /// What a policy is told at a time.
    package struct Batch: Sendable {
        /// The earliest that it has not been told, at most ``Limits/policyOutcomesTold``.
        package var outcomes: [PlacementOutcome]
        /// How many more ended since the batch before, of which it is never told.
        package var dropped: UInt64
    }

    /// For the policies in these seats.
    package init(seats: [PolicySeat]) {
        waiting = seats.map { Waiting(seat: $0) }
    }

    /// Takes an outcome in; where there is no room, it is not even made.
    package func keep(_ make: () -> PlacementOutcome?) {
        if waiting.allSatisfy(\.isFull) {
            return drop(where: \.isFull)
        }
        guard let outcome = make() else { return }
        drop(where: \.isFull)
        for index in waiting.indices where !waiting[index].isFull {
            waiting[index].outcomes.append(outcome)
        }
    }

    private func drop(where isDropped: (Waiting) -> Bool) {
        for index in waiting.indices where isDropped(waiting[index]) {
            waiting[index].dropped += 1
            waiting[index].droppedInAll += 1
        }
    }

    /// How many a policy has not been told.
    package func count(for seat: PolicySeat) -> Int {
        waiting.first { $0.seat == seat }?.outcomes.count ?? 0
    }

    /// How many a policy is never told, for want of room.
    package func dropped(for seat: PolicySeat) -> UInt64 {
        waiting.first { $0.seat == seat }?.droppedInAll ?? 0
    }

    /// What a policy is told next; `nil` if nothing waits.
    package func take(for seat: PolicySeat) -> Batch? {
        guard let index = waiting.firstIndex(where: { $0.seat == seat }),
            !waiting[index].outcomes.isEmpty
        else { return nil }
        let outcomes = Array(waiting[index].outcomes.prefix(Limits.policyOutcomesTold))
        waiting[index].outcomes.removeFirst(outcomes.count)
        defer { waiting[index].dropped = 0 }
        return Batch(outcomes: outcomes, dropped: waiting[index].dropped)
    }
}

extension PolicyOutcomes.Batch {
    /// What `observe` of `fanfold.policy/1` is told, as the header of the contract has it.
    package var json: JSON {
        [
            "outcomes": .array(outcomes.map(\.json)),
            "dropped": .integer(Int64(clamping: dropped)),
        ]
    }
}

extension PlacementOutcome {
    /// One of what `observe` is told; a figure that was not measured is not there.
    fileprivate var json: JSON {
        var json = JSONObject()
        json["request"] = PolicySnapshot.request(request)
        json["worker"] = PolicySnapshot.worker(kind, 1, load: load)
        json["ended"] = .string(failure?.ending ?? "succeeded")
        json["ran_ns"] = .integer(Int64(clamping: usage.ranNanoseconds))
        func add(_ key: String, _ value: UInt64) {
            if value > 0 { json[key] = .integer(Int64(clamping: value)) }
        }
        add("cpu_ns", usage.cpuNanoseconds)
        add("peak_memory_bytes", usage.peakMemoryBytes)
        add("peak_gpu_memory_bytes", usage.peakDeviceMemoryBytes)
        add("bytes_in", usage.bytesIn)
        add("bytes_out", usage.bytesOut)
        add("items", usage.items)
        return .object(json)
    }
}

extension FailureClass {
    /// As the header of the contract has it.
    fileprivate var ending: String {
        switch self {
        case .preempted: "preempted"
        case .workerLost: "worker-lost"
        case .outOfMemory: "out-of-memory"
        case .timeout: "timeout"
        case .exitCode: "exit-code"
        case .pluginCrash: "plugin-crash"
        case .inputMissing: "input-missing"
        case .cancelled: "cancelled"
        case .misconfigured: "misconfigured"
        case .unavailable: "unavailable"
        case .dependencyFailed, .strategyFailed, .tooFewSucceeded, .other: "other"
        }
    }
}
