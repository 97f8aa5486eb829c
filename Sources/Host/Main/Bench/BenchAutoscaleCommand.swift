import ArgumentParser

/// `fanfold bench autoscale`: replicas for series of requests.
struct BenchAutoscaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autoscale",
        abstract: "Measures what forecasts of load miss and cost on series of requests.",
        discussion: """
            A series is a CSV file, plain or .gz, with the columns timestamp and value, at equal \
            distances. In a folder, the files nab_* are taken. A replica serves a hundredth of the \
            largest load; more of them are there a step after they were desired. A step is in order \
            where its load is at most 0.8 of what its replicas serve. The head-room of each method \
            is the smallest at which at most 1 % of the first half's requests come in other steps; \
            what counts is the second half. `fanfold` chooses it with the first half forecast by \
            what was learned in it, `as made` with the forecasts of the time.
            """)

    @Argument(help: "The series.", completion: .file())
    var series: [String]

    func run() throws {
        do {
            let bench = AutoscaleBench(series: try series.flatMap { try LoadSeries.read($0) })
            bench.lines().forEach { Terminal.print($0) }
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }
}
