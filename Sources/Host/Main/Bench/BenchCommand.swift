import ArgumentParser
import FanfoldRuntime

/// `fanfold bench`: the figures of docs/performance.md, on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures what Fanfold itself costs on this machine.",
        discussion: """
            Measure a release build: swift build -c release. Each figure is the median of the \
            rounds, with the least and the most; figures that are compared are taken in turn.
            """)

    /// What can be measured.
    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case abi, helper, noop, spawn, memory, rows, journal, blobs, all
    }

    @Argument(help: "abi, helper, noop, spawn, memory, rows, journal, blobs or all.")
    var subject: Subject = .all

    @Option(help: "Rounds of each measurement, 1 or more.")
    var rounds = 5

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds: wanted 1 or more") }
    }

    func run() throws {
        let context = try HostContext(host)
        Terminal.print("\(LocalMachine.cores) cores, \(rounds) rounds, median (least to most)")
        #if DEBUG
            Terminal.print("warning: a debug build; these figures say nothing")
        #endif
        for (name, measure) in measurements(context) where name == subject || subject == .all {
            for line in try measure() { Terminal.print(line) }
        }
    }

    private func measurements(
        _ context: HostContext
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
        ]
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
