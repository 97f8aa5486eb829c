import FanfoldCore
import FanfoldSimulation
import Foundation
import Testing

/// Worlds in which one thing is wrong by design, so that it is known what has to come of it.
@Suite struct HostileWorldTests {
    /// How many worlds; `FANFOLD_SEEDS=1000` is what a release is tried with.
    private static let worlds =
        ProcessInfo.processInfo.environment["FANFOLD_SEEDS"].flatMap { UInt64($0) } ?? 120

    /// Nothing fails but what the world is about.
    private static var healthy: SimulationOptions {
        var options = SimulationOptions()
        options.failures = 0
        options.failedBegins = 0
        options.timeouts = 0
        options.cancelledRuns = 0
        options.attempts = 5
        return options
    }

    @Test(arguments: [false, true])
    func `a worker that fails everything is put aside, and nothing and nobody else suffers`(
        isUnreliable: Bool
    ) {
        var (failed, putAside, worlds) = (0, 0, 0)
        for seed in UInt64(1)...Self.worlds {
            var options = Self.healthy
            options.workers = 7
            options.leastWorkers = 4
            options.brokenWorkers = 1
            if isUnreliable {
                let unreliable = SimulationOptions.unreliable
                options.droppedConnections = unreliable.droppedConnections
                options.silences = unreliable.silences
                options.restarts = unreliable.restarts
                options.lostTakeBacks = 0
                options.attempts = 30
            } else {
                options.lostWorkers = 0
                options.deafWorkers = 0
            }
            var simulation = Simulation(seed: seed, options: options)
            let report = simulation.run()
            #expect(report.problems == [])
            #expect(
                !report.failures.contains { $0.hasSuffix("subtask.poison") },
                "seed \(seed): a subtask was blamed for its worker")
            #expect(report.failures == [], "seed \(seed): a subtask was harmed")
            #expect(
                report.outcome == .completed,
                "seed \(seed): a run was harmed: \(report.outcomes)")
            #expect(report.quarantined.isSubset(of: [WorkerID(0)]), "seed \(seed)")
            failed += report.brokenAttempts
            guard report.brokenAttempts > 0 else { continue }
            worlds += 1
            if report.quarantined.contains(WorkerID(0)) { putAside += 1 }
        }
        #expect(worlds > 80 && putAside > 60 && failed > 800)
    }

    private static func queues(_ random: inout SplitMix64) -> [QueueSpec] {
        (0...(1 + random.upTo(2))).map { place in
            var spec = QueueSpec(name: "q\(place)", weight: 1 + Int(random.upTo(4)))
            guard place > 0 else { return spec }
            spec.quota.milliCores = 1_500 + 500 * Int64(random.upTo(4))
            switch random.upTo(3) {
            case 0: break
            case 1: spec.quota.borrowing = .anything
            default:
                spec.quota.borrowing = .atMost(
                    BorrowingLimit(milliCores: 500 * Int64(1 + random.upTo(3))))
            }
            return spec
        }
    }

    @Test
    func `queues with quotas, weights and urgent runs give under losses what they give without`() {
        var (preempted, borrowed, longest): (Int, Int64, UInt64) = (0, 0, 0)
        for seed in UInt64(1)...80 {
            var random = SplitMix64(seed: seed &+ 900)
            var options = Self.healthy
            options.queues = Self.queues(&random)
            options.runs = 5
            options.tasks = 3
            options.leastWorkers = 2
            options.urgentRuns = 300
            options.plans = [.empty, .partition, .chain, .rounds]
            options.lostWorkers = 0
            options.deafWorkers = 0
            options.lostTakeBacks = 0
            options.doubledReports = 0
            var calm = Simulation(seed: seed, options: options)
            let undisturbed = calm.run()
            #expect(undisturbed.problems == [])
            #expect(undisturbed.outcomes.allSatisfy { $0 == .completed }, "seed \(seed)")

            options.lostWorkers = 400
            options.deafWorkers = 50
            options.doubledReports = 100
            options.droppedConnections = 600
            options.silences = 300
            options.restarts = 300
            options.pausedQueues = 300
            var hostile = Simulation(seed: seed, options: options)
            let report = hostile.run()
            #expect(report.problems == [])
            #expect(report.outcomes.allSatisfy { $0 == .completed }, "seed \(seed)")
            #expect(report.failures == [], "seed \(seed)")
            #expect(report.results == undisturbed.results, "seed \(seed)")
            preempted += report.preemptions
            borrowed = max(borrowed, report.mostBorrowed)
            longest = max(longest, report.longestWait)
        }
        #expect(preempted > 100 && borrowed > 1_000, "these worlds say little of sharing")
        #expect(longest < 10_000_000_000, "something ready got no slot for \(longest) ns")
    }
}
