import FanfoldJSON

extension Diagnostic {
    /// The diagnostic for programs: `severity`, `file`, `line`, `column`, `message`, and where
    /// there are any `suggestion`, `help` and `notes`.
    package var json: JSON {
        var object = JSONObject([
            ("severity", .string(severity.rawValue)), ("file", .string(file)),
        ])
        object["line"] = place.map { .integer(Int64($0.line)) }
        object["column"] = place.map { .integer(Int64($0.column)) }
        object["message"] = .string(message)
        object["suggestion"] = suggestion.map(JSON.string)
        object["help"] = help.map(JSON.string)
        guard !notes.isEmpty else { return .object(object) }
        object["notes"] = .array(
            notes.map { note in
                var object = JSONObject([("message", .string(note.message))])
                object["line"] = note.place.map { .integer(Int64($0.line)) }
                object["column"] = note.place.map { .integer(Int64($0.column)) }
                return .object(object)
            })
        return .object(object)
    }

    /// How a line is shown when it is longer than this many scalars: the part around the caret.
    static let maximumLineWidth = 160

    /// Sorted by place; those without a place go last, in the order given.
    package static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        diagnostics.enumerated().sorted { left, right in
            switch (left.element.place, right.element.place) {
            case (let leftPlace?, let rightPlace?) where leftPlace != rightPlace:
                leftPlace < rightPlace
            case (.some, .none): true
            case (.none, .some): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }

    /// All of them as text for people, and how many more there are than the maximum.
    ///
    /// At most `DocumentErrors.maximumShown` are shown.  Ends with a new line unless there is
    /// nothing to say.
    package static func render(_ diagnostics: [Diagnostic], color: Bool = false) -> String {
        let shown = diagnostics.prefix(DocumentErrors.maximumShown)
        var text = shown.map { $0.rendered(color: color) }.joined(separator: "\n")
        if diagnostics.count > shown.count {
            text += "\nand \(diagnostics.count - shown.count) more\n"
        }
        return text
    }

    /// The diagnostic as text for people.
    ///
    /// Place and sentence, the line with a caret under what is meant, notes, and the way to the
    /// documentation.  Ends with a new line.
    package func rendered(color: Bool = false) -> String {
        let paint = Paint(enabled: color)
        var text = paint.bold(header(of: place) + ": ")
        text += paint.severity(severity, severity.rawValue + ":") + " "
        text += paint.bold(message + (suggestion.map { "; \($0)" } ?? "")) + "\n"
        if let sourceLine, let range {
            let (line, caret) = Self.excerpt(sourceLine, range)
            text += "    \(line)\n    \(paint.caret(caret))\n"
        }
        for note in notes {
            text += (note.place.map { header(of: $0) + ": " } ?? "") + "note: \(note.message)\n"
        }
        if let help { text += "help: \(help)\n" }
        return text
    }

    private func header(of place: Place?) -> String {
        place.map { "\(file):\($0)" } ?? file
    }

    /// The line, and the carets under the range; of a long line the part around it.
    ///
    /// Every control character becomes a space, so that columns agree.
    private static func excerpt(_ line: String, _ range: PlaceRange) -> (String, String) {
        let scalars = line.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        let start = min(range.start.column - 1, scalars.count)
        var end = range.end.line == range.start.line ? range.end.column - 1 : scalars.count
        end = min(max(end, start + 1), max(scalars.count, start + 1))
        var first = 0
        var last = scalars.count
        if scalars.count > maximumLineWidth {
            first = max(0, min(start - maximumLineWidth / 2, scalars.count - maximumLineWidth))
            last = min(scalars.count, first + maximumLineWidth)
            end = min(end, max(last, start + 1))
        }
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: scalars[first..<last])
        let indent = scalars[first..<max(first, start)].reduce(0) { $0 + width(of: $1) }
        let tail = (start..<min(end, scalars.count)).reduce(0) { $0 + width(of: scalars[$1]) }
        return (
            (first > 0 ? "…" : "") + String(shown) + (last < scalars.count ? "…" : ""),
            String(repeating: " ", count: indent + (first > 0 ? 1 : 0))
                + "^" + String(repeating: "~", count: max(0, tail - 1))
        )
    }

    /// How many cells of a terminal the scalar takes: 0 for a combining mark, 2 for East Asian
    /// wide ranges and emoji, 1 for everything else.
    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// Escape sequences for a terminal; nothing unless enabled.
private struct Paint {
    var enabled: Bool

    func bold(_ text: String) -> String { wrap("1", text) }
    func caret(_ text: String) -> String { wrap("32", text) }
    func severity(_ severity: Diagnostic.Severity, _ text: String) -> String {
        wrap(severity == .error ? "1;31" : "1;33", text)
    }

    private func wrap(_ code: String, _ text: String) -> String {
        enabled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
