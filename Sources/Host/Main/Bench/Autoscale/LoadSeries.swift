/// Requests in each step of time.
struct LoadSeries {
    var name: String
    var loads: [Double]
    /// Seconds of a step.
    var stepSeconds: Int

    /// Steps of a season: a week where that is at most a thousand steps, a day otherwise.
    var season: Int { 7 * stepsPerDay <= 1000 ? 7 * stepsPerDay : stepsPerDay }

    var stepsPerDay: Int { 86_400 / stepSeconds }

    /// The series of a file, or those of a folder that the published figures are of.
    static func read(_ path: String) throws(TraceFile.Failure) -> [LoadSeries] {
        if TraceFile.first(of: [path]) != nil { return [try one(path)] }
        let names = TraceFile.names(in: path).filter { $0.hasPrefix("nab_") }
        guard !names.isEmpty else {
            throw TraceFile.Failure(
                description: "\(path): wanted a series of loads, a CSV file with the columns "
                    + "timestamp and value, or a folder with files named nab_*, found neither")
        }
        var series: [LoadSeries] = []
        for name in names { series.append(try one(path + "/" + name)) }
        return series
    }

    private static func one(_ path: String) throws(TraceFile.Failure) -> LoadSeries {
        let rows = try TraceFile(path).rows(["timestamp", "value"])
        let loads = rows.compactMap { Double($0[1]) }.filter { $0.isFinite && $0 >= 0 }
        guard loads.count == rows.count, loads.max() ?? 0 > 0 else {
            throw TraceFile.Failure(
                description: "\(path): wanted values that are numbers, 0 or more and not all 0")
        }
        let seconds = rows.prefix(2).compactMap { second(of: $0[0]) }
        guard seconds.count == 2, seconds[0] != seconds[1] else {
            throw TraceFile.Failure(
                description: "\(path): wanted timestamps YYYY-MM-DD HH:MM:SS at equal distances")
        }
        let step = (seconds[1] - seconds[0] + 86_400) % 86_400
        var name = path.split(separator: "/").last.map(String.init) ?? path
        for ending in [".gz", ".csv"] where name.hasSuffix(ending) {
            name.removeLast(ending.count)
        }
        let series = LoadSeries(name: name, loads: loads, stepSeconds: step)
        guard loads.count > 2 * series.season + 2 else {
            throw TraceFile.Failure(
                description: "\(path): wanted more than two seasons of \(series.season) steps, "
                    + "found \(loads.count) steps")
        }
        return series
    }

    /// The second of the day that a timestamp names.
    private static func second(of timestamp: Substring) -> Int? {
        let fields = timestamp.split(separator: " ").last?.split(separator: ":") ?? []
        let numbers = fields.compactMap { Int($0) }
        guard numbers.count == 3, fields.count == 3 else { return nil }
        return numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    }
}
