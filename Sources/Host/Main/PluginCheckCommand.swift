import ArgumentParser
import FanfoldAuthoring
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
            """)

    @Argument(help: "The library, for example demo/libfanfold-demo.so.")
    var file: String

    @Option(help: "Run this check alone.")
    var only: String?

    @Option(help: "What the made-up work follows from: up to 16 hexadecimal digits.")
    var seed: String = "1"

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var output: Format = .text

    @Flag(help: "Run the checks in this process, for a debugger.")
    var inProcess = false

    mutating func run() throws {
        guard let seed = UInt64(seed, radix: 16) else {
            throw ValidationError(
                "wanted a seed of up to 16 hexadecimal digits, found \"\(seed)\"")
        }
        guard access(file, F_OK) == 0 else {
            throw ValidationError("there is no file \(file)")
        }
        let kit = PluginConformance(file: file, seed: seed, inProcess: inProcess)
        if output == .line, let only { return kit.runAsChild(only) }
        if let only, !PluginConformance.names.contains(only) {
            throw ValidationError(
                "there is no check \"\(only)\"; there are: "
                    + PluginConformance.names.joined(separator: ", "))
        }
        let report = kit.report(only: only)
        Terminal.print(output == .json ? report.json.prettyText : report.text)
        if report.isFailed { throw Exit.runFailed }
    }
}
