import Testing

/// A place in a file that breaks a rule.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// One rule of the house, with the proof that it can fail.
struct Rule: Sendable, CustomTestStringConvertible {
    /// What is asked, as a sentence.
    var name: String
    /// Looks at one file; every file of the project is shown to every rule.
    var check: @Sendable (SourceFile) -> [Finding]
    /// Files that break the rule, each in its own way: one finding or more for each.
    var bad: [Example]
    /// Files that come close and are fine.
    var good: [Example]

    struct Example: Sendable {
        var path: String
        var text: String

        init(_ path: String, _ text: String) {
            self.path = path
            self.text = text
        }
    }

    var testDescription: String { name }

    /// A rule that looks at the code of each line of some files.
    static func lines(
        _ name: String, where applies: @escaping @Sendable (SourceFile) -> Bool,
        bad: [Example], good: [Example], find: @escaping @Sendable (String) -> String?
    ) -> Rule {
        Rule(
            name: name,
            check: { file in
                guard applies(file) else { return [] }
                return file.code.enumerated().compactMap { index, line in
                    find(line).map { Finding(path: file.path, line: index + 1, message: $0) }
                }
            },
            bad: bad, good: good)
    }
}

extension SourceFile {
    /// Ships with the product: everything but tests and the manifest.
    var isProduct: Bool {
        language == .swift && (path.hasPrefix("Sources/") || path.hasPrefix("Plugins/"))
    }

    var isSwift: Bool { language == .swift }
}

extension String {
    /// Whether `word` occurs with no letter, digit or underscore right before it, and, if it ends in
    /// one itself, none right after it.
    func hasWord(_ word: String) -> Bool {
        let text = Array(utf8)
        let wanted = Array(word.utf8)
        guard let last = wanted.last, text.count >= wanted.count else { return false }
        for start in 0...(text.count - wanted.count)
        where text[start..<start + wanted.count].elementsEqual(wanted) {
            let end = start + wanted.count
            let isStart = start == 0 || !isWordByte(wanted[0]) || !isWordByte(text[start - 1])
            let isEnd = end == text.count || !isWordByte(last) || !isWordByte(text[end])
            if isStart && isEnd { return true }
        }
        return false
    }

    /// The words of a line of code, in order.
    var words: [String] {
        utf8.split(whereSeparator: { !isWordByte($0) }).map {
            String(decoding: Array($0), as: UTF8.self)
        }
    }
}
