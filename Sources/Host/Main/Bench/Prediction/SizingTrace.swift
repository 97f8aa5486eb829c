import Glibc

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
    /// Why a trace is not read.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A trace larger than this is not read.
    private static let maximumBytes = 1 << 30

    /// The tasks of a file, or of `tasks.csv` or `tasks.csv.gz` in a folder.
    static func read(_ path: String) throws(Failure) -> [SizingTask] {
        let candidates = [path + "/tasks.csv", path + "/tasks.csv.gz", path]
        guard let file = candidates.first(where: isFile) else {
            throw Failure(
                description: "\(path): wanted a trace of tasks, a CSV file or a folder with "
                    + "tasks.csv or tasks.csv.gz, found neither")
        }
        let text = try file.hasSuffix(".gz") ? unpacked(file) : plain(file)
        return try tasks(in: text, of: file)
    }

    private static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    private static func plain(_ path: String) throws(Failure) -> String {
        guard let file = fopen(path, "re") else {
            throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        return try contents(of: file, named: path)
    }

    /// What `gzip -dc` makes of the file, which is its standard input: no name reaches a shell.
    private static func unpacked(_ path: String) throws(Failure) -> String {
        var ends: [Int32] = [0, 0]
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0, pipe(&ends) == 0 else {
            throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, source, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        ends.forEach { posix_spawn_file_actions_addclose(&actions, $0) }
        var words: [UnsafeMutablePointer<CChar>?] = [strdup("gzip"), strdup("-dc"), nil]
        defer { words.forEach { free($0) } }
        var process: pid_t = 0
        let refused = posix_spawnp(&process, "gzip", &actions, nil, &words, environ)
        close(source)
        close(ends[1])
        guard refused == 0, let file = fdopen(ends[0], "r") else {
            close(ends[0])
            throw Failure(description: "\(path): wanted gzip to unpack it, found none; unpack it")
        }
        defer {
            fclose(file)
            waitpid(process, nil, 0)
        }
        return try contents(of: file, named: path)
    }

    private static func contents(
        of file: UnsafeMutablePointer<FILE>, named path: String
    ) throws(Failure) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes += buffer[0..<count]
            guard bytes.count <= maximumBytes else {
                throw Failure(description: "\(path): larger than \(maximumBytes) bytes")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func tasks(in text: String, of path: String) throws(Failure) -> [SizingTask] {
        let lines = text.split(whereSeparator: \.isNewline)
        let names = (lines.first ?? "").split(separator: ",").map(String.init)
        var columns: [String: Int] = [:]
        for (index, name) in names.enumerated() { columns[name] = index }
        let wanted = [
            "row", "submit_ms", "start_ms", "complete_ms", "runtime_ms", "input_bytes", "rss",
            "peak_rss", "mem_request", "workflow", "process",
        ]
        for name in wanted where columns[name] == nil {
            throw Failure(description: "\(path): wanted a column `\(name)`, found \(names)")
        }
        let places = wanted.map { columns[$0] ?? 0 }
        return lines.dropFirst().compactMap { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == names.count else { return nil }
            let numbers = places.prefix(9).compactMap { Double(fields[$0]) }
            // A field that is empty was not measured.
            guard numbers.count == 9, numbers[6] > 0, numbers[7] > 0 else { return nil }
            return SizingTask(
                workflow: String(fields[places[9]]), process: String(fields[places[10]]),
                row: Int(numbers[0]), submit: numbers[1], start: numbers[2],
                complete: numbers[3], runtime: numbers[4], inputBytes: numbers[5],
                peak: numbers[7], request: numbers[8])
        }
    }
}
