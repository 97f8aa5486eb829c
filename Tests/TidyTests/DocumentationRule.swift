/// Every declaration that another module can see says what it promises.
///
/// Exempt, because their protocol says it: the members of `Equatable`, `Comparable`, `Hashable`,
/// `Codable`, `CustomStringConvertible` and the literal protocols by their names, and every member
/// of an extension that adds a conformance (`extension A: B { … }`).  The requirements of a
/// protocol and the cases of an enum carry no access level and are left to the formatter.
struct DocumentationRule {
    static let rule = Rule(
        name: "A public or package declaration is documented",
        check: { file in
            guard file.isProduct else { return [] }
            return DocumentationRule(file: file).findings()
        },
        bad: [
            .init("Sources/A/Bad.swift", "public struct A {\n}"),
            .init("Sources/A/Bad.swift", "// not a doc comment\npackage static func a() {}"),
            .init("Sources/A/Bad.swift", "/// A.\n\npublic private(set) var a = 1"),
            .init("Sources/A/Bad.swift", "@frozen\npublic final class A {}"),
            .init("Sources/A/Bad.swift", "extension A {\n    package init() {}\n}"),
            .init("Sources/A/Bad.swift", "extension A where B: C {\n    package init() {}\n}"),
        ],
        good: [
            .init(
                "Sources/A/Good.swift", "/// Keeps rows.\n@frozen\n@unchecked\npublic struct A {}"),
            .init("Sources/A/Good.swift", "/** Keeps rows. */ \npackage let a = \"public var\""),
            .init("Sources/A/Good.swift", "extension A: B {\n    public func c() { if d {} }\n}"),
            .init("Sources/A/Good.swift", "public static func == (a: A, b: A) -> Bool { true }"),
            .init("Sources/A/Good.swift", "public init(integerLiteral value: Int) {}"),
            .init("Sources/A/Good.swift", "public import B\nlet package = Package()"),
            .init("Tests/A/Good.swift", "public struct A {}"),
        ])

    var file: SourceFile

    func findings() -> [Finding] {
        let exempt = linesOfConformances()
        return file.code.indices.compactMap { index in
            guard let name = declaredName(in: file.code[index]), !exempt.contains(index),
                !isWitness(name, line: file.code[index]), !isDocumented(index)
            else { return nil }
            return Finding(
                path: file.path, line: index + 1, message: "'\(name)' has no doc comment")
        }
    }

    private static let kinds: Set = [
        "func", "var", "let", "struct", "class", "enum", "protocol", "actor", "typealias", "init",
        "subscript", "associatedtype", "macro",
    ]

    private static let modifiers: Set = [
        "public", "package", "open", "private", "fileprivate", "internal", "set", "static", "final",
        "mutating", "nonmutating", "nonisolated", "unsafe", "override", "convenience", "required",
        "indirect", "borrowing", "consuming", "lazy", "weak", "unowned", "prefix", "postfix",
        "infix",
        "isolated", "distributed", "inlinable", "frozen", "discardableResult", "usableFromInline",
        "concurrent",
    ]

    /// The name of the visible declaration that starts on a line; `init` for an initializer.
    private func declaredName(in line: String) -> String? {
        let words = line.words
        guard let kind = words.firstIndex(where: { !Self.modifiers.contains($0) }),
            words[..<kind].contains(where: { ["public", "package", "open"].contains($0) })
        else { return nil }
        // `class func` and `class var`: the first word is a modifier.
        if words[kind] == "class", kind + 1 < words.count, Self.kinds.contains(words[kind + 1]) {
            return kind + 2 < words.count ? words[kind + 2] : nil
        }
        guard Self.kinds.contains(words[kind]) else { return nil }
        if words[kind] == "init" || words[kind] == "subscript" { return words[kind] }
        if words[kind] == "func", line.contains("func =") || line.contains("func <") { return "==" }
        return kind + 1 < words.count ? words[kind + 1] : "operator"
    }

    private func isWitness(_ name: String, line: String) -> Bool {
        switch name {
        case "description", "debugDescription", "hashValue", "==", "errorDescription": true
        case "hash": line.contains("(into")
        case "encode": line.contains("(to")
        case "init": line.contains("(from decoder") || line.contains("Literal ")
        default: false
        }
    }

    /// Whether the lines right above, attributes left out, end in a doc comment.
    private func isDocumented(_ index: Int) -> Bool {
        for line in file.lines[..<index].reversed() {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.hasPrefix("///") { return true }
            if text.reversed().drop(while: { $0 == " " }).starts(with: "/*") { return true }
            let isAttribute = text.hasPrefix("@") || text.hasPrefix("#if") || text.hasPrefix(")")
            if !isAttribute && !text.hasPrefix("// swift-format") { return false }
        }
        return false
    }

    /// The lines inside extensions that add a conformance.
    private func linesOfConformances() -> Set<Int> {
        var lines: Set<Int> = []
        var depth = 0
        var openedAt: Int?
        var header: String?
        for (index, line) in file.code.enumerated() {
            if depth == 0, line.words.prefix(3).contains("extension") { header = "" }
            if openedAt != nil { lines.insert(index) }
            for character in line {
                if header != nil, character != "{" { header?.append(character) }
                if character == "{" {
                    if depth == 0, let text = header, addsConformance(text) { openedAt = index }
                    header = nil
                    depth += 1
                } else if character == "}" {
                    depth -= 1
                    if depth == 0 { openedAt = nil }
                }
            }
        }
        return lines
    }

    private func addsConformance(_ header: String) -> Bool {
        let end = header.range(of: " where ")?.lowerBound ?? header.endIndex
        return header[..<end].contains(":")
    }
}
