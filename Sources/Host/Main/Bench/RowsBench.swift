import FanfoldRuntime
@preconcurrency import Glibc

/// Ten million rows, opened and split without making one of them.
struct RowsBench {
    static let rows = 10_000_000
    static let rowsPerSubtask = 1_000

    let context: HostContext
    let rounds: Int

    func measure() throws -> [String] {
        let path = context.scratchDirectory + "/rows.txt"
        try write(path)
        defer { unlink(path) }
        var time = Figures()
        var memory = Figures()
        for _ in 0..<rounds {
            let before = ProcessMemory.anonymousBytes()
            var dataset = Dataset.empty
            do throws(DataError) {
                let begin = monotonicNanoseconds()
                dataset = try Dataset.open(path: path, format: .lines)
                time.add(Double(monotonicNanoseconds() - begin) / 1e6)
            } catch {
                Terminal.complain("error: \(error.message)")
                throw Exit.runFailed
            }
            memory.add(Double(ProcessMemory.anonymousBytes() - before) / 1024)
            guard dataset.count == Self.rows else { throw Exit.runFailed }
        }
        return [
            "rows: \(Self.rows) rows opened for slicing in \(time.text()) ms, "
                + "\(memory.text()) KiB of memory",
            try split(path),
        ]
    }

    /// The same rows through a whole run of no-ops.
    private func split(_ path: String) throws -> String {
        let bench = RunBench(context: context, rounds: rounds)
        let run = try bench.prepare(
            run: "{ use: noop }", input: "{ file: \"\(path)\", format: lines }",
            size: "{ items: \(Self.rowsPerSubtask) }")
        var time = Figures()
        var memory = Figures()
        for _ in 0..<rounds {
            let peak = MemoryPeak()
            time.add(try bench.time(of: run) * 1e3)
            memory.add(Double(peak.end()) / 1024)
        }
        return "rows: split in \(Self.rows / Self.rowsPerSubtask) subtasks and counted in "
            + "\(time.text()) ms, at most \(memory.text()) KiB more than before"
    }

    private func write(_ path: String) throws {
        guard let file = fopen(path, "w") else {
            Terminal.complain("error: \(path) could not be written")
            throw Exit.runFailed
        }
        for row in 0..<Self.rows { fputs("\(row)\n", file) }
        fclose(file)
    }
}
