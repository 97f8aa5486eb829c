import Foundation

/// What a version of `fanfold_plugin.h` promises, one fact a line of a dictionary.
///
/// Types, names and order of fields and functions are read from the text; sizes, offsets and values
/// come from the compiler.  A fact of a released header must be the same in every later one.
struct ContractFacts {
    /// A fact that holds no more.
    struct Broken: Hashable, CustomStringConvertible {
        var fact: String
        var released: String
        var current: String?

        var description: String {
            "\(fact): released as \(released), now \(current ?? "gone")"
        }
    }

    private(set) var facts: [String: String] = [:]

    /// Reads the header in a folder.
    init(header folder: String) throws {
        let text = try String(contentsOfFile: folder + "/fanfold_plugin.h", encoding: .utf8)
        let code = Self.withoutComments(text)
        let structs = Self.structs(in: code)
        let constants = Self.constants(in: code)
        for (name, fields) in structs {
            facts["fields of \(name)"] = fields.map(\.text).joined(separator: "; ")
        }
        for match in code.matches(of: /typedef ([^{};]+);/) {
            let text = Self.words(match.output.1)
            facts["typedef \(text)"] = text
        }
        for (name, value) in try Self.compiled(structs, constants, folder) {
            facts[name] = value
        }
        precondition(structs.count >= 18 && constants.count >= 45, "the header was read")
    }

    /// The facts of a released header that are other ones in this one.
    func broken(since released: ContractFacts) -> [Broken] {
        released.facts.filter { facts[$0.key] != $0.value }
            .map { Broken(fact: $0.key, released: $0.value, current: facts[$0.key]) }
            .sorted { $0.fact < $1.fact }
    }

    private struct Field {
        var name: String
        var text: String
    }

    private static func withoutComments(_ text: String) -> String {
        let code = text.replacing(/\/\*(?s:.*?)\*\//, with: " ")
        return code.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
    }

    private static func words(_ text: some StringProtocol) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func structs(in code: String) -> [(name: String, fields: [Field])] {
        code.matches(of: /typedef struct (\w+) \{([^{}]*)\}/).map { match in
            let fields = match.output.2.split(separator: ";").map(words).filter { !$0.isEmpty }
            return (String(match.output.1), fields.flatMap(Self.fields))
        }
    }

    /// The fields of one declaration: a function pointer, or names with commas between.
    private static func fields(_ declaration: String) -> [Field] {
        if let function = declaration.firstMatch(of: /\(\*[^()]*?(\w+)\)\s*\(/) {
            return [Field(name: String(function.output.1), text: declaration)]
        }
        return declaration.split(separator: ",").compactMap { part in
            let bare = part.replacing(/\[.*/, with: "")
            guard let name = bare.matches(of: /\w+/).last?.output else { return nil }
            return Field(name: String(name), text: declaration)
        }
    }

    private static func constants(in code: String) -> [String] {
        code.matches(of: /enum \{([^{}]*)\}/).flatMap { match in
            match.output.1.split(separator: ",").compactMap { part in
                part.firstMatch(of: /\w+/).map { String($0.output) }
            }
        }
    }

    /// What the compiler makes of it.
    private static func compiled(
        _ structs: [(name: String, fields: [Field])], _ constants: [String], _ folder: String
    ) throws -> [(String, String)] {
        // Of its own: a compiler looks for a header beside the source first.
        let scratch = TemporaryFolder()
        var lines = ["#include \"fanfold_plugin.h\"", "#include <stdio.h>", "int main(void) {"]
        for (name, fields) in structs {
            lines.append("printf(\"size of \(name)=%zu\\n\", sizeof(\(name)));")
            for field in fields {
                let place = "\(name).\(field.name)"
                lines.append(
                    "printf(\"place of \(place)=%zu+%zu\\n\", offsetof(\(name), \(field.name)), "
                        + "sizeof(((\(name) *)0)->\(field.name)));")
            }
        }
        for name in constants {
            lines.append("printf(\"value of \(name)=%lld\\n\", (long long)\(name));")
        }
        lines.append("return 0; }")
        let source = scratch.write("facts.c", lines.joined(separator: "\n").utf8)
        let program = scratch.path + "/facts"
        guard run(["cc", "-std=gnu11", "-w", "-I", folder, source, "-o", program]) == 0,
            run(["sh", "-c", "'\(program)' > '\(program).txt'"]) == 0
        else { throw CocoaError(.executableNotLoadable) }
        return try String(contentsOfFile: program + ".txt", encoding: .utf8)
            .split(separator: "\n").map { line in
                let parts = line.split(separator: "=")
                return (String(parts[0]), String(parts[1]))
            }
    }
}
