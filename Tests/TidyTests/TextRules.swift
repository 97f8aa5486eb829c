import Foundation

/// Rules about whole files: sizes, leftovers, paths of one machine.
enum TextRules {
    static let all = [fileSize, functionSize, noLeftovers, noMachinePaths, noDeadLinks]

    /// No file of code is longer (lines).
    static let longestFile = 500
    /// No function is longer, from its keyword to its closing brace (lines).
    static let longestFunction = 70

    static let fileSize = Rule(
        name: "A file of code has at most \(longestFile) lines",
        check: { file in
            guard isCode(file), file.lines.count > longestFile else { return [] }
            return [
                Finding(
                    path: file.path, line: longestFile + 1,
                    message: "\(file.lines.count) lines; split by topic")
            ]
        },
        bad: [
            .init("Sources/A/Bad.swift", String(repeating: "\n", count: longestFile + 1)),
            .init("Tests/A/Bad.swift", String(repeating: "a\n", count: longestFile) + "b"),
            .init("Sources/A/bad.h", String(repeating: "\n", count: longestFile + 1)),
        ],
        good: [.init("Sources/A/Good.swift", String(repeating: "\n", count: longestFile))])

    static let functionSize = Rule(
        name: "A function has at most \(longestFunction) lines",
        check: { file in
            FunctionLengths.functions(in: file).filter { $0.lineCount > longestFunction }.map {
                Finding(
                    path: file.path, line: $0.firstLine,
                    message: "a function of \($0.lineCount) lines; give its steps names")
            }
        },
        bad: [
            .init("Sources/A/Bad.swift", function(lines: longestFunction + 1, head: "func a() {")),
            .init("Sources/A/bad.c", function(lines: longestFunction + 1, head: "int a(void) {")),
        ],
        good: [.init("Sources/A/Good.swift", function(lines: longestFunction, head: "func a() {"))])

    static let noLeftovers = words(
        "Nothing is left to do later", ["TO" + "DO", "FIX" + "ME", "XX" + "X:"],
        message: "do it now, or write an issue")

    static let noMachinePaths = words(
        "No file knows the machine it was written on",
        ["/wo" + "rk/", "/tmp" + "/w/", "/ro" + "ot/", "/ho" + "me/"],
        message: "a path of one machine")

    static let noDeadLinks = Rule(
        name: "A link of a page leads to a file that is there",
        check: { file in
            guard file.path.hasSuffix(".md") else { return [] }
            let folder = Repository.root.appending(path: file.path).deletingLastPathComponent()
            return file.lines.enumerated().flatMap { index, line in
                line.matches(of: /\]\(([^)#:]+)(?:#[^)]*)?\)/).map { String($0.output.1) }
                    .filter {
                        !FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
                    }
                    .map { Finding(path: file.path, line: index + 1, message: "no file \($0)") }
            }
        },
        bad: [
            .init("docs/bad.md", "see [figures](nothing-of-that-name.md)"),
            .init("docs/bad.md", "see [figures](nothing-of-that-name.md#noop)"),
        ],
        good: [
            .init("docs/good.md", "see [the map](../README.md#the-map), [YAML](https://yaml.org)")
        ])

    private static func words(_ name: String, _ wanted: [String], message: String) -> Rule {
        Rule(
            name: name,
            check: { file in
                file.lines.enumerated().compactMap { index, line in
                    wanted.first { line.contains($0) }.map {
                        Finding(path: file.path, line: index + 1, message: "'\($0)': \(message)")
                    }
                }
            },
            bad: wanted.map { .init("Sources/A/bad.md", "one\n// \($0) two") },
            good: [.init("Sources/A/good.md", "a framework/ and a home")])
    }

    private static func isCode(_ file: SourceFile) -> Bool {
        file.language != .other || file.path.hasSuffix(".rs") || file.path.hasSuffix(".py")
    }

    private static func function(lines: Int, head: String) -> String {
        head + String(repeating: "\n", count: lines - 1) + "}\n"
    }
}
