/// A finished task of a trace: what was asked for and what it used.
struct SizingTask {
    var workflow: String
    var process: String
    /// Its place in the trace.
    var row: Int
    var submit: Double
    var start: Double
    var complete: Double
    /// Milliseconds.
    var runtime: Double
    var inputBytes: Double
    /// Bytes.
    var peak: Double
    /// Bytes that the workflow itself asked for.
    var request: Double
}

/// The tasks of a trace: a CSV file with a header, plain or packed with gzip.
///
/// Columns wanted: `workflow`, `row`, `process`, `submit_ms`, `start_ms`, `complete_ms`,
/// `runtime_ms`, `input_bytes`, `rss`, `peak_rss`, `mem_request`.  Rows without a measured memory
/// are left out, as the protocols say.
enum SizingTrace {
    /// The tasks of a file, or of `tasks.csv` or `tasks.csv.gz` in a folder.
    static func read(_ path: String) throws(TraceFile.Failure) -> [SizingTask] {
        let candidates = [path + "/tasks.csv", path + "/tasks.csv.gz", path]
        guard let file = TraceFile.first(of: candidates) else {
            throw TraceFile.Failure(
                description: "\(path): wanted a trace of tasks, a CSV file or a folder with "
                    + "tasks.csv or tasks.csv.gz, found neither")
        }
        return try tasks(in: TraceFile(file))
    }

    private static func tasks(in file: TraceFile) throws(TraceFile.Failure) -> [SizingTask] {
        let columns = [
            "row", "submit_ms", "start_ms", "complete_ms", "runtime_ms", "input_bytes", "rss",
            "peak_rss", "mem_request", "workflow", "process",
        ]
        return try file.rows(columns).compactMap { fields in
            let numbers = fields.prefix(9).compactMap { Double($0) }
            // A field that is empty was not measured.
            guard numbers.count == 9, numbers[6] > 0, numbers[7] > 0 else { return nil }
            return SizingTask(
                workflow: String(fields[9]), process: String(fields[10]), row: Int(numbers[0]),
                submit: numbers[1], start: numbers[2], complete: numbers[3], runtime: numbers[4],
                inputBytes: numbers[5], peak: numbers[7], request: numbers[8])
        }
    }
}
