import ArgumentParser

/// `fanfold bench prediction`: the memory of recurring tasks, on a trace.
struct BenchPredictionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prediction",
        abstract: "Measures what predicted memory requests waste on a trace of tasks.",
        discussion: """
            The trace is a CSV file, plain or .gz, or a folder with tasks.csv or tasks.csv.gz. \
            Columns: workflow, row, process, submit_ms, start_ms, complete_ms, runtime_ms, \
            input_bytes, rss, peak_rss, mem_request. `timeline` takes the tasks in the order of \
            time and knows of those that had completed; `paper` takes a random 30 % of each class \
            as history and the rest one by one. Waste: what failed attempts reserved, and what the \
            last one reserved and did not use, in GBh.
            """)

    /// Which protocols are measured.
    enum Protocols: String, ExpressibleByArgument, CaseIterable {
        case timeline, paper, both
    }

    @Argument(help: "The trace.", completion: .file())
    var trace: String

    @Option(name: .customLong("protocol"), help: "timeline, paper or both.")
    var protocols: Protocols = .both

    @Option(help: "When memory is chosen in timeline: submit or start.")
    var decide: SizingProtocol.Decision = .start

    @Option(help: "Which share of its time an attempt runs before it fails, from 0 to 1.")
    var ttf = 1.0

    @Option(parsing: .upToNextOption, help: "Seeds of the histories in paper.")
    var seeds: [UInt32] = [1, 2, 1996]

    func validate() throws {
        guard (0...1).contains(ttf) else { throw ValidationError("--ttf: wanted 0 to 1") }
        guard !seeds.isEmpty else { throw ValidationError("--seeds: wanted one or more") }
    }

    func run() throws {
        #if DEBUG
            Terminal.print("warning: a debug build; its times say nothing")
        #endif
        do {
            let bench = SizingBench(
                trace: try SizingTrace.read(trace), timeToFailure: ttf, decide: decide)
            if protocols != .paper { bench.timeline().forEach { Terminal.print($0) } }
            if protocols != .timeline { bench.paper(seeds: seeds).forEach { Terminal.print($0) } }
            bench.times().forEach { Terminal.print($0) }
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }
}

extension SizingProtocol.Decision: ExpressibleByArgument {}
