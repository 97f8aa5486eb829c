/// Blanks everything in a source text that is not code, so that a rule can look for words without
/// meeting them in a comment or a string.
///
/// Line breaks stay, and everything else stays at its place.  Copes with nested comments, string
/// interpolation, multi-line and raw strings, extended regular expressions, names in backticks and
/// C's character constants.  A bare regular expression literal (`/…/`) is taken for code.
struct CodeMask {
    private let source: [UInt8]
    private let language: SourceFile.Language
    private var result: [UInt8]
    private var position = 0

    /// Blanks the comments, strings and quoted names of `text`.
    static func masked(_ text: String, language: SourceFile.Language) -> String {
        var mask = CodeMask(text, language: language)
        mask.skipCode(until: nil)
        return String(decoding: mask.result, as: UTF8.self)
    }

    private init(_ text: String, language: SourceFile.Language) {
        source = Array(text.utf8)
        result = source
        self.language = language
    }

    /// Walks over code; `until` a closing parenthesis when inside an interpolation.
    private mutating func skipCode(until closing: UInt8?) {
        var depth = 0
        while position < source.count {
            let byte = source[position]
            if byte == closing && depth == 0 { return }
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            default: break
            }
            if starts(with: "//") {
                blank(while: { $0 != UInt8(ascii: "\n") })
            } else if starts(with: "/*") {
                skipBlockComment()
            } else if byte == UInt8(ascii: "\"") {
                skipString(hashes: 0)
            } else if byte == UInt8(ascii: "#") && language == .swift {
                skipAfterHash()
            } else if byte == UInt8(ascii: "`") && language == .swift {
                skipQuoted(by: byte, escapes: false)
            } else if byte == UInt8(ascii: "'") && language == .c {
                skipQuoted(by: byte, escapes: true)
            } else {
                position += 1
            }
        }
    }

    private func starts(with text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= source.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount
        where source[position + offset] != text.utf8Start[offset] { return false }
        return true
    }

    private mutating func blankOne() {
        if source[position] != UInt8(ascii: "\n") { result[position] = UInt8(ascii: " ") }
        position += 1
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where position < source.count { blankOne() }
    }

    private mutating func blank(while isInside: (UInt8) -> Bool) {
        while position < source.count && isInside(source[position]) { blankOne() }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") && (depth == 0 || language == .swift) {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < source.count
    }

    /// A name in backticks or a character constant: the quotes stay, the inside becomes `_`.
    private mutating func skipQuoted(by quote: UInt8, escapes: Bool) {
        position += 1
        while position < source.count && source[position] != quote
            && source[position] != UInt8(ascii: "\n")
        {
            if escapes && source[position] == UInt8(ascii: "\\") {
                result[position] = UInt8(ascii: "_")
                position += 1
            }
            guard position < source.count else { return }
            result[position] = UInt8(ascii: "_")
            position += 1
        }
        position = min(position + 1, source.count)
    }

    /// `#"…"#` is a raw string, `#/…/#` a regular expression, anything else a directive or macro.
    private mutating func skipAfterHash() {
        var hashes = 0
        while position + hashes < source.count && source[position + hashes] == UInt8(ascii: "#") {
            hashes += 1
        }
        guard position + hashes < source.count else {
            position += hashes
            return
        }
        switch source[position + hashes] {
        case UInt8(ascii: "\""):
            blank(hashes)
            skipString(hashes: hashes)
        case UInt8(ascii: "/"):
            blank(hashes + 1)
            while position < source.count && !starts(with: "/#") { blank(1) }
            blank(1 + hashes)
        default: position += hashes
        }
    }

    private mutating func skipString(hashes: Int) {
        let isMultiline = starts(with: "\"\"\"")
        let quotes = isMultiline ? 3 : 1
        blank(quotes)
        while position < source.count {
            if isAtEnd(quotes: quotes, hashes: hashes) {
                blank(quotes + hashes)
                return
            }
            if source[position] == UInt8(ascii: "\n") && !isMultiline { return }
            if source[position] == UInt8(ascii: "\\") && hasHashes(hashes, after: position) {
                skipEscape(hashes: hashes)
            } else {
                blank(1)
            }
        }
    }

    private mutating func skipEscape(hashes: Int) {
        blank(1 + hashes)
        guard position < source.count else { return }
        guard source[position] == UInt8(ascii: "("), language == .swift else {
            blank(1)
            return
        }
        blank(1)
        skipCode(until: UInt8(ascii: ")"))
        blank(1)
    }

    private func isAtEnd(quotes: Int, hashes: Int) -> Bool {
        guard position + quotes + hashes <= source.count else { return false }
        for offset in 0..<quotes where source[position + offset] != UInt8(ascii: "\"") {
            return false
        }
        return hasHashes(hashes, after: position + quotes - 1)
    }

    private func hasHashes(_ count: Int, after index: Int) -> Bool {
        guard index + count < source.count else { return false }
        for offset in 0..<count where source[index + 1 + offset] != UInt8(ascii: "#") {
            return false
        }
        return true
    }
}
