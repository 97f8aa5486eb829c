import Foundation
import Testing

/// A back end that a test starts on this machine: a folder, a process, a file that says it listens.
///
/// It is stopped by its process id when the test lets go of it.
final class Backend {
    let folder: URL
    private let child: Child

    /// Starts a program that writes `ready` into its folder once it listens.
    init(_ command: (URL) -> [String], ready: String, seconds: Double = 180) async throws {
        // Short: the path of a socket holds 107 bytes, and some engines want less.
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("ff-\(UInt32.random(in: .min ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = folder
        child = try Child(command(folder), in: folder)
        let end = Date(timeIntervalSinceNow: seconds)
        let file = folder.appendingPathComponent(ready).path
        while !FileManager.default.fileExists(atPath: file) {
            guard child.isRunning, Date() < end else {
                child.send(SIGKILL)
                throw NotStarted(said: child.errorsSoFar)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    deinit {
        child.send(SIGTERM)
        let end = Date(timeIntervalSinceNow: 10)
        while child.isRunning, Date() < end { usleep(10_000) }
        if child.isRunning { child.send(SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    struct NotStarted: Error {
        var said: String
    }

    /// A file of its folder as text, without white space around it.
    func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Writes settings into its folder, and returns the options that name them.
    func settings(_ text: String) throws -> [String] {
        let file = folder.appendingPathComponent("fanfold.yaml")
        let whole = "plugins: { cache: \(folder.path)/cache }\nstate: \(folder.path)/state\n" + text
        try whole.write(to: file, atomically: true, encoding: .utf8)
        return ["--config", file.path]
    }

    /// The Python whose modules tests use: FANFOLD_TEST_PYTHON, or else python3.
    static let python =
        ProcessInfo.processInfo.environment["FANFOLD_TEST_PYTHON"] ?? "python3"

    /// Whether that Python has all of these modules.
    static func pythonHas(_ modules: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, "-c", "import " + modules.joined(separator: ", ")]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
