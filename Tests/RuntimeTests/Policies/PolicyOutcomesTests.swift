import FanfoldCore
import FanfoldJSON
import Testing

@testable import FanfoldRuntime

@Suite struct PolicyOutcomesTests {
    private func outcome(_ failure: FailureClass? = nil, ran: UInt64 = 1) -> PlacementOutcome {
        PlacementOutcome(
            request: ResourceRequest(milliCores: 500, memoryBytes: 1 << 20, labels: ["zone=a"]),
            total: ResourceVector(milliCores: 8000, memoryBytes: 16 << 30), labels: ["zone=a"],
            load: 2, failure: failure,
            usage: AttemptUsage(ranNanoseconds: ran, cpuNanoseconds: 5, peakMemoryBytes: 9))
    }

    @Test func `what has no room is counted, made by nobody, and told as a number once`() throws {
        let outcomes = PolicyOutcomes(seats: [.placing])
        var made = 0
        for number in 0...Limits.policyOutcomesWaiting {
            outcomes.keep {
                made += 1
                return outcome(ran: UInt64(number))
            }
        }
        #expect(made == Limits.policyOutcomesWaiting)
        #expect(outcomes.count(for: .placing) == Limits.policyOutcomesWaiting)
        #expect(outcomes.dropped(for: .placing) == 1)
        var told: [UInt64] = []
        var dropped: [UInt64] = []
        while let batch = outcomes.take(for: .placing) {
            #expect(batch.outcomes.count == Limits.policyOutcomesTold)
            told += batch.outcomes.map(\.usage.ranNanoseconds)
            dropped.append(batch.dropped)
        }
        #expect(told == (0..<UInt64(Limits.policyOutcomesWaiting)).map { $0 })
        #expect(dropped == [1] + Array(repeating: 0, count: dropped.count - 1))
        #expect(outcomes.dropped(for: .placing) == 1)
    }

    @Test func `each policy is told by itself, and nothing is kept for one that is not there`() {
        let outcomes = PolicyOutcomes(seats: [.placing, .shadow])
        outcomes.keep { outcome() }
        outcomes.keep { nil }
        #expect(outcomes.take(for: .placing)?.outcomes.count == 1)
        #expect(outcomes.take(for: .placing) == nil)
        #expect(outcomes.take(for: .shadow)?.outcomes.count == 1)
        let alone = PolicyOutcomes(seats: [.shadow])
        alone.keep { outcome() }
        #expect(alone.take(for: .placing) == nil)
        #expect(alone.count(for: .placing) == 0)
    }

    @Test func `an outcome has the words of the snapshot, and no figure that was not measured`() {
        let batch = PolicyOutcomes.Batch(outcomes: [outcome(.outOfMemory)], dropped: 3)
        #expect(
            batch.json == [
                "outcomes": [
                    [
                        "request": [
                            "cpus": 0.5, "memory_bytes": 1_048_576, "gpus": 0, "gpu_share": 0.0,
                            "gpu_memory_bytes": 0, "labels": ["zone=a"],
                        ],
                        "worker": [
                            "cpus": 8.0, "memory_bytes": 17_179_869_184, "gpus": 0,
                            "gpu_memory_bytes": 0, "labels": ["zone=a"], "used_up_to": 0.5,
                            "count": 1,
                        ],
                        "ended": "out-of-memory", "ran_ns": 1, "cpu_ns": 5, "peak_memory_bytes": 9,
                    ]
                ], "dropped": 3,
            ])
    }
}
