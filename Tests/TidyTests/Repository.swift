import Foundation

/// The checkout that the tests were built from: its files, found from `#filePath`.
enum Repository {
    /// The folder of Package.swift.
    static let root: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Folders that hold no source of ours.
    private static let skippedFolders: Set<String> = [
        ".build", ".git", "target", "__pycache__", "out",
        // Written by scripts/generate-protocol.
        "Generated",
    ]

    /// Endings of the files that are read as text.
    private static let textEndings: Set<String> = [
        "swift", "c", "h", "rs", "md", "yaml", "yml", "json", "py", "sh", "map", "toml",
        "modulemap",
        "awk", "txt", "golden",
    ]

    /// Every text file of the project with its path from the root, sorted by path.
    static let files: [SourceFile] = {
        guard
            let walker = FileManager.default.enumerator(
                at: root, includingPropertiesForKeys: [.isRegularFileKey])
        else { return [] }
        var found: [SourceFile] = []
        for case let url as URL in walker {
            if skippedFolders.contains(url.lastPathComponent) {
                walker.skipDescendants()
                continue
            }
            let path = String(url.path.dropFirst(root.path.count + 1))
            guard isText(url, path: path), let text = try? String(contentsOf: url, encoding: .utf8)
            else { continue }
            found.append(SourceFile(path: path, text: text))
        }
        return found.sorted { $0.path < $1.path }
    }()

    private static func isText(_ url: URL, path: String) -> Bool {
        guard (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
        else { return false }
        if textEndings.contains(url.pathExtension) { return true }
        // Scripts and make files have no ending.
        return url.pathExtension.isEmpty
            && ["scripts/", ".ci/", "examples/"].contains { path.hasPrefix($0) }
    }

    /// Runs a tool in the root and returns what it wrote (both streams) and its exit code;
    /// `nil` when there is no such tool.
    static func output(of arguments: [String]) -> (text: String, code: Int32)? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = root
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // `env` answers 127 when it cannot find the tool.
        guard process.terminationStatus != 127 else { return nil }
        return (String(bytes: data, encoding: .utf8) ?? "", process.terminationStatus)
    }
}

/// One text file, with its code set apart from its comments and strings.
struct SourceFile: Sendable {
    enum Language: Sendable { case swift, c, other }

    var path: String
    var language: Language
    var lines: [String]
    /// The code of each line: comments, strings and quoted names replaced by blanks.
    ///
    /// The same number of lines; empty for a language other than Swift and C.
    var code: [String]

    init(path: String, text: String) {
        self.path = path
        language =
            if path.hasSuffix(".swift") {
                .swift
            } else if path.hasSuffix(".c") || path.hasSuffix(".h") {
                .c
            } else { .other }
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        code =
            language == .other
            ? []
            : CodeMask.masked(text, language: language)
                .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while code.count > lines.count { code.removeLast() }
    }
}
