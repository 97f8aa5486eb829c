import ArgumentParser
import CFanfoldSystem
import FanfoldAuthoring
import FanfoldJSON
@preconcurrency import Glibc

/// The command `fanfold plugin check`.
struct PluginCheckCommand: ParsableCommand {
    /// How the outcome is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        /// One line for the parent of a check's own process.
        case line
    }

    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a plugin's library against the contract.",
        discussion: """
            Each check runs in a process of its own: a plugin that crashes fails that check and
            nothing else.  Exit code 0: no check that the host relies on has failed; 1: one has.

            The file fanfold-check.yaml beside the library switches checks off, each with a reason:
            skip: { NAME: "why" }.
            """)

    @Argument(help: "The library, for example demo/libfanfold-demo.so.")
    var file: String?

    @Flag(help: "List the checks, each with one sentence, and run none.")
    var list = false

    @Option(help: "Run this check alone.")
    var only: String?

    @Option(help: "What the made-up work follows from: up to 16 hexadecimal digits.")
    var seed: String = "1"

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var output: Format = .text

    @Option(help: "The library of the version before: what it had must still be there.")
    var since: String?

    @Option(help: "The file that switches checks off. Default: fanfold-check.yaml beside it.")
    var config: String?

    @Option(help: "How many checks run at a time. Default: the cores of this machine.")
    var jobs: Int?

    @Flag(help: "Run the checks in this process, for a debugger.")
    var inProcess = false

    mutating func run() throws {
        guard let seed = UInt64(seed, radix: 16) else {
            throw ValidationError(
                "wanted a seed of up to 16 hexadecimal digits, found \"\(seed)\"")
        }
        if list { return printList() }
        guard let file else {
            throw ValidationError("wanted the file of a library, for example libfanfold-demo.so")
        }
        for path in [file, since, config].compactMap({ $0 }) where access(path, F_OK) != 0 {
            throw ValidationError("there is no file \(path)")
        }
        var options = CheckOptions()
        options.seed = seed
        options.inProcess = inProcess
        options.since = since
        if output == .line, let only {
            return PluginConformance(file: file, options: options).runAsChild(only)
        }
        options.jobs = try jobCount()
        options.switchedOff = try switchedOff(beside: file)
        if let only, !PluginConformance.names.contains(only) {
            throw ValidationError(
                "there is no check \"\(only)\"; there are: "
                    + PluginConformance.names.joined(separator: ", "))
        }
        let report = PluginConformance(file: file, options: options).report(only: only)
        Terminal.print(output == .json ? report.json.prettyText : report.text)
        if report.isFailed { throw Exit.runFailed }
    }

    private func jobCount() throws -> Int {
        let most = 256
        let jobs = jobs ?? Int(fanfold_usable_cores())
        guard (1...most).contains(jobs) else {
            throw ValidationError("wanted 1 to \(most) jobs, found \(jobs)")
        }
        return jobs
    }

    private func switchedOff(beside file: String) throws -> [String: String] {
        guard let path = config ?? CheckSettings.path(beside: file) else { return [:] }
        do throws(CheckSettings.Refusal) {
            return try CheckSettings.switchedOff(in: path, known: PluginConformance.names)
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func printList() {
        let entries = PluginConformance.entries
        guard output != .json else {
            let all: [JSON] = entries.map {
                [
                    "name": .string($0.name), "level": .string($0.level),
                    "summary": .string($0.summary), "consequence": .string($0.consequence),
                ]
            }
            return Terminal.print(JSON.array(all).prettyText)
        }
        let width = entries.map(\.name.count).max() ?? 0
        for entry in entries {
            let name = entry.name + String(repeating: " ", count: width - entry.name.count)
            let level = entry.level + String(repeating: " ", count: 6 - entry.level.count)
            Terminal.print("\(name)  \(level)  \(entry.summary)")
        }
    }
}
