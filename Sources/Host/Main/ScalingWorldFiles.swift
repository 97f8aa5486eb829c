import FanfoldCore
import FanfoldRuntime
import FanfoldSimulation

/// What `fanfold simulate WORKLOAD` makes of its files.
struct ScalingWorldFiles {
    /// Bytes of a file that are read.
    static let mostBytes = 64 << 20

    /// A line of a file that makes no sense.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// The rows of a file of numbers and names between commas, without the first line.
    ///
    /// - Parameter columns: what the first line must say; the last ones may be missing.
    static func rows(
        _ path: String, _ columns: [String], optional: Int = 0
    ) throws -> [(line: Int, fields: [String])] {
        let text: String
        do throws(SmallFile.Problem) {
            text = try SmallFile.text(path, mostBytes: mostBytes)
        } catch {
            throw Problem(description: error.description)
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let head = fields(lines.first ?? "")
        guard head.count >= columns.count - optional, columns.starts(with: head) else {
            throw Problem(
                description: "\(path):1: wanted the columns \(columns.joined(separator: ",")), "
                    + "found \(head.joined(separator: ","))")
        }
        return try lines.enumerated().dropFirst().compactMap { index, line in
            let fields = fields(line)
            if fields.allSatisfy(\.isEmpty) { return nil }
            guard fields.count == head.count else {
                throw Problem(
                    description: "\(path):\(index + 1): wanted \(head.count) fields, found "
                        + "\(fields.count)")
            }
            return (index + 1, fields)
        }
    }

    private static func fields(_ line: Substring) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map {
            String($0.filter { $0 != " " && $0 != "\r" && $0 != "\t" })
        }
    }

    static func number(
        _ text: String, _ path: String, _ line: Int, _ what: String
    ) throws -> Double {
        guard let number = Double(text), number >= 0, number <= 1e12 else {
            throw Problem(
                description: "\(path):\(line): wanted a number from 0 for \(what), found "
                    + "\"\(text)\"")
        }
        return number
    }

    /// `at_s,count,cpus,memory_mib,seconds,gpus,deadline_s`: work that comes; a deadline counts from
    /// then, and 0 is none.
    static func workload(_ path: String) throws -> [ScalingSimulation.Arrival] {
        let columns = ["at_s", "count", "cpus", "memory_mib", "seconds", "gpus", "deadline_s"]
        return try rows(path, columns, optional: 2).map { line, fields in
            func number(_ place: Int) throws -> Double {
                try Self.number(fields[place], path, line, columns[place])
            }
            let gpus = fields.count > 5 ? try number(5) : 0
            let deadline = fields.count > 6 ? try number(6) : 0
            return ScalingSimulation.Arrival(
                at: UInt64(try number(0) * 1e9), count: Int(min(try number(1), 1e9)),
                request: ResourceRequest(
                    milliCores: Int64(try number(2) * 1_000),
                    memoryBytes: Int64(try number(3) * 1_048_576), devices: Int(min(gpus, 64))),
                nanoseconds: UInt64(try number(4) * 1e9),
                deadline: deadline > 0 ? UInt64((try number(0) + deadline) * 1e9) : nil)
        }
    }

    /// `offering,from_s,price`: what an offering costs from then on.
    static func prices(_ path: String) throws -> [String: [FakeCloud.Price]] {
        var curves: [String: [FakeCloud.Price]] = [:]
        for (line, fields) in try rows(path, ["offering", "from_s", "price"]) {
            curves[fields[0], default: []].append(
                FakeCloud.Price(
                    from: UInt64(try number(fields[1], path, line, "from_s") * 1e9),
                    microsPerHour: Int64(
                        (try number(fields[2], path, line, "price") * 1e6).rounded())))
        }
        return curves.mapValues { $0.sorted { $0.from < $1.from } }
    }

    /// `offering,from_s,to_s`: all machines of an offering are taken back, and there are none.
    static func interrupts(_ path: String) throws -> [String: [Range<UInt64>]] {
        var times: [String: [Range<UInt64>]] = [:]
        for (line, fields) in try rows(path, ["offering", "from_s", "to_s"]) {
            let start = UInt64(try number(fields[1], path, line, "from_s") * 1e9)
            let end = UInt64(try number(fields[2], path, line, "to_s") * 1e9)
            guard start < end else {
                throw Problem(description: "\(path):\(line): wanted from_s below to_s")
            }
            times[fields[0], default: []].append(start..<end)
        }
        return times.mapValues { $0.sorted { $0.lowerBound < $1.lowerBound } }
    }
}
