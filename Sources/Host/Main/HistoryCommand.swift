import ArgumentParser
import FanfoldPrediction
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold history`: what attempts used, which is what predictions are made from.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Shows, exports and imports what attempts used.",
        discussion: "See docs/prediction.md for what is kept and how it is used.",
        subcommands: [
            HistoryListCommand.self, HistoryExportCommand.self, HistoryImportCommand.self,
        ])
}

/// Where a history lies.
struct HistoryOptions: ParsableArguments {
    @OptionGroup var state: StateOptions
    @OptionGroup var host: HostOptions

    /// The file.
    func file() throws -> HistoryFile {
        let context = try HostContext(host)
        defer { context.removeScratch() }
        return context.history(in: state.folder(context.settings))
    }

    /// What it holds; lines that are none are counted on standard error.
    func entries() throws -> [HistoryEntry] { try load().entries }

    /// The same, with the path of the file.
    func load() throws -> (entries: [HistoryEntry], path: String) {
        let file = try file()
        do throws(HistoryFileError) {
            let (entries, skipped) = try file.entries()
            if skipped > 0 {
                Terminal.complain("warning: \(skipped) lines of \(file.path) are no attempts")
            }
            return (entries, file.path)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }
}

/// `fanfold history list`: the classes with what they will need.
struct HistoryListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows the task classes with what they will need.")

    @OptionGroup var history: HistoryOptions

    func run() throws {
        let entries = try history.entries()
        var predictor = Predictor()
        for entry in entries { predictor.observe(entry) }
        for (name, rows) in predictor.known {
            var parts = [Human.count(rows, "attempt")]
            if let memory = predictor.predict(.memory, of: name, Features()) {
                parts.append("\(Human.bytes(Int64(memory.value))) of memory")
                parts.append(memory.tier.rawValue)
            }
            if let cores = predictor.predict(.cpu, of: name, Features()) {
                parts.append("\(Human.fixed(cores.value, 2)) cores")
            }
            if let runtime = predictor.predict(.runtime, of: name, Features()) {
                parts.append(Human.time(UInt64(runtime.value * 1e9)))
            }
            Terminal.print("\(name): \(parts.joined(separator: ", "))")
        }
    }
}

/// `fanfold history export`: the attempts as CSV.
struct HistoryExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Prints the attempts as CSV.")

    @Option(name: .customLong("class"), help: "Only those of this task class.")
    var taskClass: String?

    @OptionGroup var history: HistoryOptions

    func run() throws {
        Terminal.print(HistoryText.header)
        for entry in try history.entries()
        where taskClass == nil || entry.row.taskClass == taskClass {
            Terminal.print(HistoryText.line(entry))
        }
    }
}

/// `fanfold history import`: attempts from CSV.
struct HistoryImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Adds attempts from a CSV file.",
        discussion: """
            The header names the columns, in any order; `class` and one of used_runtime_s, \
            used_cores, used_memory_bytes and used_gpu_memory_bytes are enough. An empty field is \
            not known. Nothing is added if any line is wrong.
            """)

    @Argument(help: "The file; - is standard input.", completion: .file(extensions: ["csv"]))
    var source: String

    @OptionGroup var history: HistoryOptions

    /// A file larger than this is refused.
    private static let maximumBytes = 1 << 30

    func run() throws {
        let text = try contents()
        do {
            let entries = try HistoryText.entries(text)
            try history.file().append(entries)
            Terminal.complain(
                Human.count(entries.count, "attempt")
                    + (entries.count == 1 ? " was added" : " were added"))
        } catch let refusal as HistoryText.Refusal {
            Terminal.complain("error: \(source), \(refusal)")
            throw Exit.usage
        } catch let error as HistoryFileError {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }

    private func contents() throws -> String {
        guard let file = source == "-" ? stdin : fopen(source, "re") else {
            Terminal.complain("error: \(source): \(String(cString: strerror(errno)))")
            throw Exit.notFound
        }
        defer { if file != stdin { fclose(file) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes += buffer[..<count]
            guard bytes.count <= Self.maximumBytes else {
                Terminal.complain("error: \(source) is larger than \(Self.maximumBytes) bytes")
                throw Exit.usage
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
