import Foundation
import Testing

/// What a process left behind.
struct Finished: Sendable {
    var output: Data
    var errors: String
    /// The exit code, or 128 + the signal that ended it, as a shell says it.
    var code: Int32

    var text: String { String(bytes: output, encoding: .utf8) ?? "" }
}

/// A process that takes longer than it was given.
struct OverTime: Error, CustomStringConvertible {
    var command: [String]
    var seconds: Double

    var description: String {
        "still running after \(seconds) s: \(command.joined(separator: " "))"
    }
}

/// A child process whose streams go to files, so that no pipe can fill up.
final class Child: @unchecked Sendable {
    // Sendable because everything but the process is set once, and Foundation locks the process.
    private let process = Process()
    private let folder: URL
    private let command: [String]

    /// Starts `command`, found through PATH unless it is a path, in `directory`.
    init(
        _ command: [String], in directory: URL = Fanfold.root, environment: [String: String] = [:]
    ) throws {
        self.command = command
        folder = try Fanfold.temporaryFolder()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment
            .merging(["NO_COLOR": "1"]) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = try Child.file(folder.appendingPathComponent("out"))
        let errors = try Child.file(folder.appendingPathComponent("err"))
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Foundation keeps them open, and a process with more than 1,300 descriptors crashes in run().
        try output.close()
        try errors.close()
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// The number of the process; `env` becomes the command, so it is the command's.
    var identifier: Int32 { process.processIdentifier }

    var isRunning: Bool { process.isRunning }

    /// What it has written on its error output until now.
    var errorsSoFar: String {
        let bytes = (try? Data(contentsOf: folder.appendingPathComponent("err"))) ?? Data()
        return String(bytes: bytes, encoding: .utf8) ?? ""
    }

    /// What it has written on its output until now.
    var outputSoFar: String {
        let bytes = (try? Data(contentsOf: folder.appendingPathComponent("out"))) ?? Data()
        return String(bytes: bytes, encoding: .utf8) ?? ""
    }

    /// Sends a signal.
    func send(_ signal: Int32) {
        kill(identifier, signal)
    }

    /// Waits for the end; a child that is over its time is killed, and that is an error.
    func finish(within seconds: Double) async throws -> Finished {
        let end = Date(timeIntervalSinceNow: seconds)
        while process.isRunning {
            guard Date() < end else {
                send(SIGKILL)
                throw OverTime(command: command, seconds: seconds)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        let errors = try Data(contentsOf: folder.appendingPathComponent("err"))
        let signalled = process.terminationReason == .uncaughtSignal
        return Finished(
            output: try Data(contentsOf: folder.appendingPathComponent("out")),
            errors: String(bytes: errors, encoding: .utf8) ?? "",
            code: process.terminationStatus + (signalled ? 128 : 0))
    }

    private static func file(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }
}

/// Runs a shell command line in the root and expects it to succeed: the independent computations.
func shell(_ script: String, seconds: Double = 120) async throws -> Data {
    let child = try Child(["bash", "-euo", "pipefail", "-c", script])
    let finished = try await child.finish(within: seconds)
    try #require(finished.code == 0, "\(script)\n\(finished.errors)")
    return finished.output
}
