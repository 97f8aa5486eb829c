import ArgumentParser

/// `fanfold bench spot`: jobs with a deadline, on traces of spot.
struct BenchSpotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spot",
        abstract: "Measures what jobs with a deadline cost on traces of spot.",
        discussion: """
            A trace is a file, plain or .gz: a first line with gap_seconds=NUMBER, a line of \
            headers, then lines value,repeat, where a value above 0 says that spot is there. In a \
            folder, the files availability__1-node__*v100* are taken, of which the published \
            figures are. At each look a job waits, runs on spot, or on demand; a start is paid for \
            and does no work; a job that misses its deadline is counted as late.
            """)

    @Argument(help: "The traces.", completion: .file())
    var traces: [String]

    @Option(help: "Hours of work of a job.")
    var work = 48.0

    @Option(parsing: .upToNextOption, help: "Hours until a job must be done.")
    var deadlines: [Double] = [52, 60, 72, 92]

    @Option(help: "Hours that a start takes.")
    var changeover = 0.2

    @Option(help: "Price of spot, as a share of the price on demand.")
    var price = 0.3

    @Option(help: "Jobs of each trace and deadline.")
    var jobs = 20

    @Option(help: "Seed of the moments at which jobs begin.")
    var seed: UInt32 = 7

    func validate() throws {
        guard !deadlines.isEmpty else {
            throw ValidationError("--deadlines: wanted one or more")
        }
        guard jobs >= 1 else { throw ValidationError("--jobs: wanted 1 or more") }
        guard [work, changeover, price].allSatisfy({ $0.isFinite && $0 >= 0 }), work > 0 else {
            throw ValidationError("--work, --changeover, --price: wanted numbers, 0 or more")
        }
    }

    func run() throws {
        do {
            let bench = SpotBench(
                traces: try traces.flatMap { try SpotTrace.read($0) }, workHours: work,
                deadlines: deadlines, changeoverHours: changeover, spotPrice: price, jobs: jobs,
                seed: seed)
            try bench.lines().forEach { Terminal.print($0) }
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }
}
