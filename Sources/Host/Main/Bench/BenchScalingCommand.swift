import ArgumentParser
import FanfoldCluster

/// `fanfold bench scaling`: what deciding how many workers there are costs.
struct BenchScalingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling",
        abstract: "Measures what an evaluation of the scaler costs, by the number of workers.",
        discussion: """
            The tables of a coordinator with workers of 16 cores that are made up, and an evaluation \
            as a coordinator makes it. `loop` is the time for which the coordinator's loop stands \
            still to look; all else is done on another thread. Busy: all workers are full and at \
            least as much waits. Removing: a twentieth of the cores is used, and workers go.
            """)

    @Option(parsing: .upToNextOption, help: "Numbers of workers, 1 to 50,000.")
    var workers = [1_000, 5_000, 10_000]

    @Option(help: "Different shapes of work, 1 to 1,000.")
    var shapes = 20

    @Option(help: "Evaluations, 1 to 10,000.")
    var rounds = 30

    func validate() throws {
        guard !workers.isEmpty, workers.allSatisfy({ (1...50_000).contains($0) }) else {
            throw ValidationError("--workers: wanted 1 to 50000")
        }
        guard (1...1_000).contains(shapes) else {
            throw ValidationError("--shapes: wanted 1 to 1000")
        }
        guard (1...10_000).contains(rounds) else {
            throw ValidationError("--rounds: wanted 1 to 10000")
        }
    }

    func run() throws {
        #if DEBUG
            Terminal.print("warning: a debug build; its times say nothing")
        #endif
        Terminal.print("\(shapes) shapes, \(rounds) evaluations, mean (worst) in ms")
        for count in workers {
            for isBusy in [true, false] {
                var bench = ScalingBench(workers: count, shapes: shapes, isBusy: isBusy)
                let report = bench.run(rounds: rounds)
                Terminal.print(
                    "\(count) workers, \(isBusy ? "busy" : "removing"): loop "
                        + "\(text(report.loop)), evaluation \(text(report.evaluation)); "
                        + "\(report.running) slots, \(report.decisions) decisions")
            }
        }
    }

    private func text(_ times: ScalingBench.Times) -> String {
        "\(Human.fixed(times.mean, 2)) (\(Human.fixed(times.worst, 2)))"
    }
}
