@preconcurrency import Glibc

/// A POSIX extended regular expression, found anywhere in a text.
///
/// The C library's own matcher is used because a regular expression engine is not worth a
/// dependency.  What ECMA expressions have and POSIX ones lack (`\d`, `(?:`) is refused when the
/// schema is compiled, since it would quietly mean something else.
///
/// Source: POSIX.1-2017, Base Definitions, chapter 9.4.
final class PosixPattern: @unchecked Sendable {
    // Unchecked: written in init, freed in deinit, and regexec only reads it (POSIX demands that
    // concurrent calls with one compiled expression are safe).
    private let compiled: UnsafeMutablePointer<regex_t>
    let source: String

    /// `nil` if the expression is malformed, too long, or uses what POSIX does not have.
    init?(_ source: String) {
        guard source.utf8.count <= JSONSchema.maximumPatternBytes, !source.utf8.contains(0),
            !source.contains("(?"), !source.contains("\\d"), !source.contains("\\D")
        else { return nil }
        let expression = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        guard regcomp(expression, source, REG_EXTENDED | REG_NOSUB) == 0 else {
            expression.deallocate()
            return nil
        }
        compiled = expression
        self.source = source
    }

    deinit {
        regfree(compiled)
        compiled.deallocate()
    }

    /// Whether the expression is found in `text`; a zero byte is a character like any other.
    func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(clamping: bytes.count))
            return bytes.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else {
                    return regexec(compiled, "", 1, &range, REG_STARTEND) == 0
                }
                return regexec(compiled, start, 1, &range, REG_STARTEND) == 0
            }
        }
    }
}
