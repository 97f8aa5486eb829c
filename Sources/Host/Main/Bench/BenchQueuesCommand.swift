import ArgumentParser
import FanfoldCore

/// `fanfold bench queues`: what the coordinator costs, by the number of queues.
struct BenchQueuesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues",
        abstract:
            "Measures what an attempt that ends costs the coordinator, by the number of queues.",
        discussion: """
            The coordinator alone, on workers of 8 cores that are made up and do at once what they are \
            told. Each queue has a run that wants all there is; weights are 1 to 4. Attempts end in a \
            random order; what is counted is the processor time of all turns that this leads to. At \
            the end a worker of 1,000 cores comes and is filled in one turn.
            """)

    @Option(parsing: .upToNextOption, help: "Numbers of queues, 1 to 256.")
    var queues = [1, 10, 100]

    @Option(help: "Workers of 8 cores, 1 to 10,000.")
    var workers = 100

    @Option(help: "Attempts that end, 1 to 10,000,000.")
    var ends = 20_000

    @Option(help: "Rounds, 1 or more.")
    var rounds = 5

    func validate() throws {
        guard !queues.isEmpty, queues.allSatisfy({ (1...Limits.queues).contains($0) }) else {
            throw ValidationError("--queues: wanted 1 to \(Limits.queues)")
        }
        guard (1...10_000).contains(workers) else {
            throw ValidationError("--workers: wanted 1 to 10000")
        }
        guard (1...10_000_000).contains(ends) else {
            throw ValidationError("--ends: wanted 1 to 10000000")
        }
        guard rounds >= 1 else { throw ValidationError("--rounds: wanted 1 or more") }
    }

    func run() throws {
        #if DEBUG
            Terminal.print("warning: a debug build; its times say nothing")
        #endif
        Terminal.print("\(workers) workers, \(ends) ends, \(rounds) rounds, median (least to most)")
        // What is longer than a moment is queued once behind each slot, what is shorter many times.
        for (name, nanoseconds) in [("1 s", UInt64(1_000_000_000)), ("100 µs", 100_000)] {
            for count in queues {
                var (end, slot, spread) = (Figures(), Figures(), Figures())
                for _ in 0..<rounds {
                    let outcome = QueueRate(
                        queues: count, workers: workers, ends: ends, nanoseconds: nanoseconds
                    ).run()
                    end.add(Double(outcome.total) / Double(ends) / 1000)
                    slot.add(outcome.slot / 1000)
                    spread.add(outcome.spread)
                }
                Terminal.print(
                    "\(count) queues, attempts of \(name): \(end.text(1)) µs an end, "
                        + "\(slot.text(1)) µs a slot of the large worker; the largest share over "
                        + "its weight is \(Human.fixed(spread.median, 2)) of the least")
            }
        }
    }
}
