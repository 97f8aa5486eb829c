/// What programs wrote, made harmless for a terminal.
enum PlainText {
    /// Lines, each without its end; a carriage return ends a line as well.
    ///
    /// What would move the cursor, change colours or turn the direction of text is written as `\u{1b}`.
    static func lines(_ text: some StringProtocol) -> [String] {
        var lines: [String] = []
        var line = ""
        var last: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where last == "\r": break
            case "\n", "\r":
                lines.append(line)
                line = ""
            default: append(scalar, to: &line)
            }
            last = scalar
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    /// All in one line.
    static func line(_ text: some StringProtocol) -> String {
        lines(text).joined(separator: " ")
    }

    private static func append(_ scalar: Unicode.Scalar, to line: inout String) {
        switch scalar.value {
        case 9, 0x20..<0x7F: line.unicodeScalars.append(scalar)
        case ..<0x20, 0x7F..<0xA0,
            // Marks that turn the direction of what follows, and separators of lines.
            0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0x061C:
            line += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: line.unicodeScalars.append(scalar)
        }
    }
}
