import Foundation
import Testing

/// The built program and the checkout it came from.
enum Fanfold {
    /// The folder of Package.swift.
    static let root: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of the tests' binary: everything that is built lies there.
    static let products: URL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// The program under test.
    static let program = products.appendingPathComponent("fanfold").path

    /// False as long as the program is the placeholder of the skeleton, which was one `main.swift`.
    static let hasCommands = !FileManager.default.fileExists(
        atPath: root.appendingPathComponent("Sources/Host/Main/main.swift").path)

    /// The example pipelines, by name.
    static let examples = [
        "wordcount", "text-pipeline", "ensemble", "native", "model", "chain",
    ]

    /// The path of an example, from the root.
    static func example(_ name: String) -> String { "config/pipelines/\(name).yaml" }

    /// Runs the program to its end.
    static func run(
        _ arguments: [String], seconds: Double = 180, in directory: URL = root
    ) async throws -> Finished {
        try await Child([program] + arguments, in: directory).finish(within: seconds)
    }

    /// Runs the program, expects it to succeed, and returns what it printed.
    static func output(_ arguments: [String], seconds: Double = 180) async throws -> Data {
        let finished = try await run(arguments, seconds: seconds)
        try #require(
            finished.code == 0, "fanfold \(arguments.joined(separator: " "))\n\(finished.errors)")
        return finished.output
    }

    /// An empty folder of its own.
    static func temporaryFolder() throws -> URL {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    /// Writes a pipeline into a folder of its own and returns its path.
    static func pipeline(_ text: String) throws -> String {
        let file = try temporaryFolder().appendingPathComponent("pipeline.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// The path of a program that only tests use.
    static func tool(_ name: String) -> String {
        root.appendingPathComponent("Tests/EndToEndTests/Tools/\(name)").path
    }

    /// Whether a command can be found.
    static func has(_ tool: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
        }
    }

    /// Whether python3 has numpy.
    static let hasNumpy: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import numpy"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
