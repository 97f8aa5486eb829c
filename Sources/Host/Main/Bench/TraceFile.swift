import Glibc

/// A CSV file of a trace, plain or packed with gzip.
struct TraceFile {
    /// Why a trace is not read.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A trace larger than this is not read.
    private static let maximumBytes = 1 << 30

    /// Where it lies, for messages.
    let path: String
    /// The columns' names.
    let names: [String]
    /// The lines below the first.
    private let lines: ArraySlice<Substring>

    /// Reads a file whose first line names the columns.
    init(_ path: String) throws(Failure) {
        self.path = path
        let all = try Self.lines(of: path)
        names = (all.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
            .map(String.init)
        lines = all.dropFirst()
    }

    /// The fields of each row in these columns; rows with more or fewer fields than names are left
    /// out.
    ///
    /// - Parameters:
    ///   - optional: Columns behind those, whose fields are empty if there is no such column.
    func rows(_ columns: [String], optional: [String] = []) throws(Failure) -> [[Substring]] {
        for column in columns where !names.contains(column) {
            throw Failure(description: "\(path): wanted a column `\(column)`, found \(names)")
        }
        let places = (columns + optional).map { names.firstIndex(of: $0) }
        return lines.compactMap { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == names.count else { return nil }
            return places.map { place in place.map { fields[$0] } ?? "" }
        }
    }

    /// The first of these paths that is a file.
    static func first(of paths: [String]) -> String? {
        paths.first {
            var facts = stat()
            return stat($0, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
        }
    }

    /// The lines of a file, empty ones left out; a name that ends in `.gz` is unpacked.
    static func lines(of path: String) throws(Failure) -> [Substring] {
        let text = try path.hasSuffix(".gz") ? unpacked(path) : plain(path)
        return text.split(whereSeparator: \.isNewline)
    }

    /// Names in a folder, sorted; none where there is no folder.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
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
}
