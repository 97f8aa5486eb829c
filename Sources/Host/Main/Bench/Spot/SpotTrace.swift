/// Whether spot was there, look after look.
struct SpotTrace {
    var name: String
    /// Hours between two looks.
    var gapHours: Double
    var isThere: [Bool]

    /// Looks of a trace, more than which are not read.
    private static let maximumLooks = 10_000_000

    /// The traces of a file, or those of a folder that the published figures are of.
    static func read(_ path: String) throws(TraceFile.Failure) -> [SpotTrace] {
        if TraceFile.first(of: [path]) != nil { return [try one(path)] }
        let names = TraceFile.names(in: path).filter {
            $0.hasPrefix("availability__1-node__") && $0.contains("v100")
        }
        guard !names.isEmpty else {
            throw TraceFile.Failure(
                description: "\(path): wanted a trace of spot, or a folder with traces named "
                    + "availability__1-node__*v100*, found neither")
        }
        var traces: [SpotTrace] = []
        for name in names { traces.append(try one(path + "/" + name)) }
        return traces
    }

    private static func one(_ path: String) throws(TraceFile.Failure) -> SpotTrace {
        let lines = try TraceFile.lines(of: path)
        let gap = (lines.first ?? "").split(separator: " ").lazy.compactMap { word -> Double? in
            word.hasPrefix("gap_seconds=") ? Double(word.dropFirst(12)) : nil
        }.first
        guard let gap, gap > 0, gap.isFinite else {
            throw TraceFile.Failure(
                description: "\(path): wanted a first line with gap_seconds=NUMBER, found "
                    + "'\(lines.first ?? "")'")
        }
        var isThere: [Bool] = []
        for line in lines.dropFirst(2) {
            let fields = line.split(separator: ",")
            guard fields.count == 2, let value = Int(fields[0]), let count = Int(fields[1]),
                (0...maximumLooks - isThere.count).contains(count)
            else {
                throw TraceFile.Failure(
                    description: "\(path): wanted a line 'value,repeat' of whole numbers, "
                        + "\(maximumLooks) looks at most, found '\(line)'")
            }
            isThere += repeatElement(value > 0, count: count)
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return SpotTrace(name: short(file), gapHours: gap / 3600, isThere: isThere)
    }

    private static func short(_ file: String) -> String {
        var name = file
        for ending in [".gz", ".csv"] where name.hasSuffix(ending) {
            name.removeLast(ending.count)
        }
        return name.split(separator: "_", omittingEmptySubsequences: true).suffix(4)
            .joined(separator: "_")
    }
}
