import FanfoldCore
import FanfoldSimulation
import Testing

@Suite struct SimulationTests {
    @Test func `two hundred hostile worlds keep every rule`() {
        var problems: [String] = []
        var completed = 0
        for seed in UInt64(1)...200 {
            var simulation = Simulation(seed: seed)
            let report = simulation.run()
            problems += report.problems
            if report.outcome == .completed { completed += 1 }
        }
        #expect(problems == [])
        #expect(completed > 50, "a world in which nothing completes shows little")
    }

    @Test func `one seed gives one transcript`() {
        for seed in UInt64(1)...20 {
            var first = Simulation(seed: seed)
            var second = Simulation(seed: seed)
            #expect(first.run() == second.run())
        }
    }

    @Test func `another seed gives another transcript`() {
        var first = Simulation(seed: 1)
        var second = Simulation(seed: 2)
        #expect(first.run().transcriptHash != second.run().transcriptHash)
    }

    @Test func `connections that go, silences and a coordinator that is killed change no result`() {
        var problems: [String] = []
        var completed = 0
        for seed in UInt64(1)...200 {
            var simulation = Simulation(seed: seed, options: .unreliable)
            let report = simulation.run()
            problems += report.problems
            if report.outcome == .completed { completed += 1 }
        }
        #expect(problems == [])
        #expect(completed > 50, "a world in which nothing completes shows little")
    }

    @Test func `a coordinator that is replaced by its copy now and then goes on the same`() {
        for seed in UInt64(1)...40 {
            var options = SimulationOptions.unreliable
            options.restarts = 0
            var original = Simulation(seed: seed, options: options)
            options.copies = 50
            var copied = Simulation(seed: seed, options: options)
            #expect(original.run() == copied.run())
        }
    }

    @Test(arguments: PlacementPolicy.forUse)
    func `worlds in which a policy places keep every rule, and a copy goes on the same`(
        _ policy: PlacementPolicy
    ) {
        var completed = 0
        for seed in UInt64(1)...40 {
            var options = seed % 2 == 0 ? SimulationOptions() : .unreliable
            options.placement = PlacementSettings(policy: policy, shadow: .keepUsable)
            options.devices = 500
            var original = Simulation(seed: seed, options: options)
            let report = original.run()
            #expect(report.problems == [])
            if report.outcome == .completed { completed += 1 }
            options.copies = 200
            options.restarts = 0
            var copied = Simulation(seed: seed, options: options)
            options.copies = 0
            var uncopied = Simulation(seed: seed, options: options)
            #expect(copied.run() == uncopied.run())
        }
        #expect(completed > 8, "a world in which nothing completes shows little")
    }

    @Test func `a coordinator that is replaced by its copy after every event goes on the same`() {
        for seed in UInt64(1)...12 {
            var options = SimulationOptions()
            options.tasks = 3
            options.subtasks = 12
            var original = Simulation(seed: seed, options: options)
            options.copies = 1000
            var copied = Simulation(seed: seed, options: options)
            #expect(original.run() == copied.run())
        }
    }
}
