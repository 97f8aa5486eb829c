import ArgumentParser
import FanfoldCore

/// `fanfold bench placements`: what choosing a worker costs, by the number of workers.
struct BenchPlacementsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "placements",
        abstract: "Measures how many subtasks a second are placed, by the number of workers.",
        discussion: """
            The production placer alone, on one core. Workers with 8 to 64 cores, one in ten with \
            8 GPUs, are made up, and shapes of up to 4 cores and 4 GiB, one in twenty with a part \
            of a GPU. Subtasks of all shapes come in a random order; once nine tenths of the cores \
            are taken, the first ends before the next comes, and its end is counted in. The rate \
            is in processor time, so that other processes do not matter; a placement's own time \
            is not.
            """)

    @Option(parsing: .upToNextOption, help: "Numbers of workers, 1 to 1,000,000.")
    var workers = [1000, 10_000]

    @Option(help: "Subtasks to place, 1 to 100,000,000.")
    var subtasks = 1_000_000

    @Option(help: "Different shapes, 1 to 10,000.")
    var shapes = 200

    @Option(help: "The policy.")
    var policy = PlacementPolicy.fitness

    func validate() throws {
        guard !workers.isEmpty, workers.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw ValidationError("--workers: wanted 1 to 1000000")
        }
        guard (1...100_000_000).contains(subtasks) else {
            throw ValidationError("--subtasks: wanted 1 to 100000000")
        }
        guard (1...10_000).contains(shapes) else {
            throw ValidationError("--shapes: wanted 1 to 10000")
        }
        guard policy != .random else {
            throw ValidationError("--policy: random looks at every worker; wanted another")
        }
    }

    func run() throws {
        #if DEBUG
            Terminal.print("warning: a debug build; its times say nothing")
        #endif
        Terminal.print("\(policy.rawValue), \(subtasks) subtasks of \(shapes) shapes")
        let bench = PlacementRate(policy: policy, subtasks: subtasks, shapes: shapes)
        var rates: [Double] = []
        for count in workers {
            let outcome = bench.run(workers: count)
            rates.append(outcome.rate)
            Terminal.print(
                "\(count) workers: \(Human.fixed(outcome.rate, 0)) placements/s of processor time; "
                    + "one takes \(Human.fixed(outcome.quantile(0.5), 1)) µs, p99 "
                    + "\(Human.fixed(outcome.quantile(0.99), 1)) µs; \(outcome.refused) had no "
                    + "room; \(outcome.states) different states at the end")
        }
        if rates.count > 1, let first = rates.first, let last = rates.last, last > 0 {
            Terminal.print(
                "time for \(workers[workers.count - 1]) workers over that for \(workers[0]): "
                    + Human.fixed(first / last, 2))
        }
    }
}
