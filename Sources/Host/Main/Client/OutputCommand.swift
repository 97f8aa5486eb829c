import ArgumentParser
import FanfoldClient
import FanfoldJSON
@preconcurrency import Glibc

/// `fanfold output`: what a run gave.
struct OutputCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "output",
        abstract: "Writes an output of a completed run to standard output.")

    @Argument(help: ArgumentHelp("last, or the run's number.", valueName: "run"))
    var selector = "last"

    @Argument(help: ArgumentHelp("Which output; the only one unless said.", valueName: "name"))
    var name: String?

    @OptionGroup var client: ClientOptions

    func run() throws {
        let (selector, name) = (selector, name)
        try client.ask { session in
            let id = try await session.run(selector)
            let listed = try await session.client.ask(.GET, "/runs/\(id)/outputs")
            let names = (listed["outputs"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            guard let name = name ?? (names.count == 1 ? names[0] : nil) else {
                Terminal.complain(
                    "error: name one of the outputs of run \(id): \(names.joined(separator: ", "))")
                throw Exit.usage
            }
            let path = name.utf8.map { byte -> String in
                let isPlain =
                    (48...57).contains(byte) || (65...90).contains(byte)
                    || (97...122).contains(byte) || [45, 46, 95, 126].contains(byte)
                return isPlain
                    ? String(UnicodeScalar(byte))
                    : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }.joined()
            try await session.client.download("/runs/\(id)/outputs/\(path)") { piece in
                _ = piece.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stdout) }
            }
        }
    }
}
