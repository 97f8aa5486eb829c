import Foundation

/// Programs and folders that tests use.
enum Tools {
    /// What a process left behind.
    struct Finished: Sendable {
        var output: String
        var errors: String
        var code: Int32
    }

    /// The folder of Package.swift.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The program under test: it lies beside the tests' binary.
    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("fanfold").path

    /// Whether a program can be found.
    static func has(_ tool: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
        }
    }

    /// An empty folder of its own.
    static func temporaryFolder() throws -> URL {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    /// Runs a program to its end; its streams go to files, so that no pipe can fill up.
    static func run(
        _ command: [String], environment: [String: String] = [:], in directory: URL? = nil,
        seconds: Double = 120
    ) async throws -> Finished {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let (out, err) = (folder.path + "/out", folder.path + "/err")
        for path in [out, err] {
            try Data().write(to: URL(fileURLWithPath: path))
        }
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        try process.run()
        let end = Date(timeIntervalSinceNow: seconds)
        while process.isRunning {
            if Date() > end { kill(process.processIdentifier, SIGKILL) }
            try await Task.sleep(for: .milliseconds(5))
        }
        return Finished(
            output: try String(contentsOfFile: out, encoding: .utf8),
            errors: try String(contentsOfFile: err, encoding: .utf8),
            code: process.terminationStatus)
    }
}
