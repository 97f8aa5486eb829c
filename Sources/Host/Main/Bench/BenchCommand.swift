import ArgumentParser
import FanfoldRuntime
import FanfoldWire

/// `fanfold bench`: the figures of docs/performance.md, on this machine and on real traces.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures what Fanfold costs on this machine, and how it decides on traces.",
        discussion: """
            Measure a release build: swift build -c release. Without a subcommand: what Fanfold \
            itself costs, as `fanfold bench own`; `fanfold bench noop` is `fanfold bench own noop`.
            """,
        subcommands: [
            BenchOwnCommand.self, BenchPredictionCommand.self, BenchPlacementCommand.self,
            BenchPlacementsCommand.self, BenchQueuesCommand.self, BenchSpotCommand.self,
            BenchAutoscaleCommand.self, BenchScalingCommand.self,
        ],
        defaultSubcommand: BenchOwnCommand.self)
}

/// `fanfold bench own`: what Fanfold itself costs.
struct BenchOwnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "own",
        abstract: "Measures what Fanfold itself costs on this machine.",
        discussion: """
            Each figure is the median of the rounds, with the least and the most; figures that are \
            compared are taken in turn.
            """)

    /// What can be measured.
    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case abi, helper, noop, spawn, memory, rows, journal, blobs, wire, cluster, workers
        case restart, all
    }

    @Argument(
        help: """
            abi, helper, noop, spawn, memory, rows, journal, blobs, wire, cluster, workers, restart \
            or all.
            """)
    var subject: Subject = .all

    @Option(help: "Rounds of each measurement, 1 or more.")
    var rounds = 5

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds: wanted 1 or more") }
    }

    func run() throws {
        let context = try HostContext(host)
        let config = host.config.map {
            DocumentFile.absolute($0, in: DocumentFile.workingDirectory)
        }
        Terminal.print("\(LocalMachine.cores) cores, \(rounds) rounds, median (least to most)")
        #if DEBUG
            Terminal.print("warning: a debug build; these figures say nothing")
        #endif
        for (name, measure) in measurements(context, config: config)
        where name == subject || subject == .all {
            do {
                for line in try measure() { Terminal.print(line) }
            } catch let exit as Exit {
                throw exit
            } catch {
                Terminal.complain("error: \(error)")
                throw Exit.runFailed
            }
        }
    }

    private func measurements(
        _ context: HostContext, config: String?
    ) -> [(Subject, () throws -> [String])] {
        [
            (.abi, { try CallBench(context: context, rounds: rounds).measure() }),
            (.helper, { try HelperBench(context: context, rounds: rounds).measure() }),
            (.noop, { try RunBench(context: context, rounds: rounds).noop() }),
            (.spawn, { try RunBench(context: context, rounds: rounds).spawn() }),
            (.memory, { try MemoryBench(rounds: rounds).measure() }),
            (.rows, { try RowsBench(context: context, rounds: rounds).measure() }),
            (.journal, { try JournalBench(context: context, rounds: rounds).measure() }),
            (.blobs, { try BlobBench(context: context, rounds: rounds).measure() }),
            (.wire, { try wire() }),
            (
                .cluster,
                { try ClusterBench(context: context, config: config, rounds: rounds).measure() }
            ),
            (
                .workers,
                { try WorkersBench(context: context, config: config, rounds: rounds).measure() }
            ),
            (
                .restart,
                { try RestartBench(context: context, config: config, rounds: rounds).measure() }
            ),
        ]
    }

    /// The worker protocol with both ends in this process.
    private func wire() throws -> [String] {
        try [false, true].map { usesTLS in
            var trip = Figures()
            var messages = Figures()
            var ends = Figures()
            for _ in 0..<rounds {
                let report = try WireBench.run(usesTLS: usesTLS)
                trip.add(report.roundTripMicroseconds)
                messages.add(report.messagesPerSecond)
                ends.add(report.endsPerSecond)
            }
            return "wire, \(usesTLS ? "TLS" : "plain"): round trip \(trip.text(1)) µs, "
                + "\(messages.text()) messages/s answered with 256 under way, "
                + "\(ends.text()) ends of attempts/s, 100 in a message"
        }
    }
}

/// Figures of several rounds.
struct Figures {
    private var values: [Double] = []

    /// Adds the figure of one round.
    mutating func add(_ value: Double) {
        values.append(value)
    }

    /// The middle one; with an even number the upper of the two.
    var median: Double { values.sorted()[values.count / 2] }

    /// `median (least to most)` with this many digits after the point.
    func text(_ digits: Int = 0) -> String {
        let sorted = values.sorted()
        return "\(Human.fixed(median, digits)) "
            + "(\(Human.fixed(sorted[0], digits)) to \(Human.fixed(sorted[sorted.count - 1], digits)))"
    }
}

/// Seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = monotonicNanoseconds()
    try body()
    return Double(monotonicNanoseconds() - begin) / 1e9
}
