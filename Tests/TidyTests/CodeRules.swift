/// Rules about single lines of code.
enum CodeRules {
    static let all = [
        coreIsPure, coreImports, importDirections, noForceTry, fatalErrorHasWords,
        catchIsNotEmpty, typeNames,
    ]

    /// What Core may not say: a clock, randomness, threads of its own, or I/O.
    private static let impureWords = [
        "Date(", "ContinuousClock", "SuspendingClock", "SystemClock", "clock_gettime",
        "gettimeofday",
        "time(nil", "UUID(", ".random(", ".randomElement", ".shuffled()", ".shuffle()",
        "SystemRandomNumberGenerator", "getrandom", "arc4random", "Task {", "Task.", "Task(",
        "Thread", "pthread_create", "print(", "debugPrint(", "dump(", "readLine(", "fopen(",
        "getenv(",
        "FileHandle", "FileManager", "ProcessInfo", "Hasher()", ".hashValue",
    ]

    static let coreIsPure = Rule.lines(
        "Core has no clock, no randomness and no I/O of its own",
        where: { $0.isSwift && $0.path.hasPrefix("Sources/Host/Core/") },
        bad: impureWords.map { .init("Sources/Host/Core/Bad.swift", "let x = \($0)") },
        good: [
            .init("Sources/Host/Core/Good.swift", "let text = \"Date(\" // print("),
            .init("Sources/Host/Core/Good.swift", "let blueprint = reprint(order)"),
            .init("Sources/Host/Runtime/Good.swift", "let now = ContinuousClock.now"),
        ]
    ) { line in
        impureWords.first { line.hasWord($0) }.map {
            "Core may not use '\($0)'; let it come in with an event, or go out as an effect"
        }
    }

    static let coreImports = Rule.lines(
        "Core imports nothing but collections",
        where: { $0.isSwift && $0.path.hasPrefix("Sources/Host/Core/") },
        bad: ["Foundation", "Glibc", "Dispatch", "Synchronization", "FanfoldRuntime"].map {
            .init("Sources/Host/Core/Bad.swift", "@preconcurrency import \($0)")
        },
        good: [
            .init(
                "Sources/Host/Core/Good.swift", "import DequeModule\nimport struct HeapModule.Heap")
        ]
    ) { line in
        guard let module = importedModule(in: line),
            !["Swift", "DequeModule", "HeapModule", "FanfoldCore"].contains(module)
        else { return nil }
        return "Core imports only DequeModule and HeapModule, found '\(module)'"
    }

    static let importDirections = Rule(
        name: "A folder imports only what architecture.md lets it import",
        check: { file in
            guard let allowed = Imports.allowed(in: file.path) else { return [] }
            return file.code.enumerated().compactMap { index, line in
                guard let module = importedModule(in: line), !allowed.contains(module)
                else { return nil }
                return Finding(
                    path: file.path, line: index + 1,
                    message: "'\(module)' may not be imported here; allowed: "
                        + allowed.sorted().joined(separator: ", "))
            }
        },
        bad: [
            .init("Sources/PluginABI/Kit/Bad.swift", "import FanfoldCore"),
            .init("Sources/Host/Simulation/Bad.swift", "import FanfoldRuntime"),
            .init("Sources/Host/Plugins/Bad.swift", "import FanfoldCore"),
            .init("Sources/Host/Runtime/Bad.swift", "import Foundation"),
            .init("Plugins/Ensemble/Logic/Bad.swift", "import CPluginABI"),
            .init("Plugins/Ensemble/Entry/Bad.swift", "import DataParallelLogic"),
            .init("Sources/Unknown/Bad.swift", "import Swift"),
        ],
        good: [
            .init("Plugins/Ensemble/Entry/Good.swift", "import EnsembleLogic\nimport PluginKit"),
            .init("Sources/Host/Main/Good.swift", "import ArgumentParser\n// import Foundation"),
            .init("Tests/EndToEndTests/Good.swift", "import Foundation"),
        ])

    static let noForceTry = Rule.lines(
        "Nothing that ships says 'try!'", where: \.isProduct,
        bad: [.init("Sources/A/Bad.swift", "let a = try! b()")],
        good: [.init("Sources/A/Good.swift", "let a = try? b() // not try!")]
    ) { $0.contains("try!") ? "throw on, or catch and say what was wanted" : nil }

    static let fatalErrorHasWords = Rule.lines(
        "A fatalError says why", where: \.isProduct,
        bad: [.init("Sources/A/Bad.swift", "default: fatalError( )")],
        good: [.init("Sources/A/Good.swift", "fatalError(\"the ledger lost a worker\")")]
    ) { line in
        // A message in quotes is blank in the masked code, but leaves its place behind.
        guard let start = line.range(of: "fatalError(") else { return nil }
        let inside = line[start.upperBound...].prefix { $0 != ")" }
        return inside.count <= 1 && line[start.upperBound...].contains(")")
            ? "say which rule was broken" : nil
    }

    static let catchIsNotEmpty = Rule(
        name: "A catch does something, or says why there is nothing to do",
        check: { file in
            guard file.isProduct else { return [] }
            let code = file.code.joined(separator: "\n")
            var findings: [Finding] = []
            var line = 1
            var rest = code[...]
            while let found = rest.range(of: "catch") {
                line += rest[..<found.lowerBound].count { $0 == "\n" }
                rest = rest[found.upperBound...]
                guard let open = rest.firstIndex(of: "{"), !rest[..<open].contains("\n") else {
                    continue
                }
                let inside = rest[rest.index(after: open)...].prefix { $0 != "}" }
                let last = line - 1 + inside.count { $0 == "\n" }
                guard inside.allSatisfy(\.isWhitespace), file.lines.indices.contains(last),
                    !file.lines[(line - 1)...last].contains(where: { $0.contains("// ") })
                else { continue }
                findings.append(
                    Finding(path: file.path, line: line, message: "an error is dropped silently"))
            }
            return findings
        },
        bad: [
            .init("Sources/A/Bad.swift", "do { try a() } catch {}"),
            .init("Sources/A/Bad.swift", "do {\n} catch let e as B {\n\n}"),
        ],
        good: [
            .init("Sources/A/Good.swift", "do { try a() } catch { note(error) }"),
            .init(
                "Sources/A/Good.swift", "do { try a() } catch {\n    // Gone is what was wanted.\n}"
            ),
        ])

    static let typeNames = Rule.lines(
        "No type is named after one of Swift's own", where: \.isSwift,
        bad: [
            .init("Sources/A/Bad.swift", "public struct Task {"),
            .init("Sources/A/Bad.swift", "enum Error: Swift.Error {"),
            .init("Sources/A/Bad.swift", "typealias Result = Int"),
            .init("Sources/A/Bad.swift", "final class Duration {"),
            .init("Sources/A/Bad.swift", "protocol Actor {}"),
        ],
        good: [
            .init("Sources/A/Good.swift", "struct TaskSpec {"),
            .init("Sources/A/Good.swift", "actor Store {"),
            .init("Sources/A/Good.swift", "enum LoadError: Error {"),
        ]
    ) { line in
        let words = line.words
        for (kind, name) in zip(words, words.dropFirst())
        where ["struct", "class", "enum", "protocol", "typealias", "actor"].contains(kind)
            && ["Task", "Actor", "Result", "Error", "Duration"].contains(name)
        {
            return "'\(name)' hides Swift's own; say which kind it is, such as 'TaskSpec'"
        }
        return nil
    }

    /// The module that a line imports, if it is an import.
    static func importedModule(in line: String) -> String? {
        let words = line.words
        guard let keyword = words.firstIndex(of: "import"),
            words[..<keyword].allSatisfy({ importModifiers.contains($0) })
        else { return nil }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return words[(keyword + 1)...].first { !kinds.contains($0) }
    }

    private static let importModifiers: Set = [
        "preconcurrency", "testable", "public", "package", "internal", "_exported",
        "_implementationOnly",
    ]
}

extension StringProtocol {
    /// The first place of `text`, without Foundation.
    func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
