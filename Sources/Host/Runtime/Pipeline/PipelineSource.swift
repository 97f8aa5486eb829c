import FanfoldJSON

/// The text of a document and the places of its values: makes diagnostics.
struct PipelineSource: Sendable {
    /// The path as the user wrote it.
    let file: String
    /// The lines of the text, without their ends.
    let lines: [Substring]
    /// Where the values stand.
    var map: SourceMap

    /// The source of a document that was read.
    init(file: String, document: YAMLDocument) {
        self.file = file
        map = document.root.json().1
        lines = SourceText.lines(of: document.text)
    }

    /// What the reading found wrong.
    func diagnostic(_ problem: YAMLProblem) -> Diagnostic {
        Diagnostic(
            file: file, range: problem.range, message: problem.message, notes: problem.notes,
            help: "docs/pipelines.md#yaml", sourceLine: line(problem.range.start.line))
    }

    /// A diagnostic about the value at `pointer`, its key with `atKey`; a value that is not
    /// there is reported at the key of the innermost value around it.
    func diagnostic(
        _ pointer: JSONPointer, atKey: Bool = false, severity: Diagnostic.Severity = .error,
        _ message: String, suggestion: String? = nil, notes: [Diagnostic.Note] = [],
        help: String? = nil
    ) -> Diagnostic {
        var diagnostic = Diagnostic(
            severity: severity, file: file, message: message, suggestion: suggestion,
            notes: notes, help: help)
        guard let (found, entry) = map.nearest(pointer) else { return diagnostic }
        if let argument = entry.argument {
            diagnostic.file = argument
            return diagnostic
        }
        let useKey = atKey || found != pointer
        let range = useKey ? entry.key ?? entry.value : entry.value
        diagnostic.range = range
        diagnostic.sourceLine = line(range.start.line)
        return diagnostic
    }

    /// The place of the value at `pointer`, if it stands in the document.
    func place(_ pointer: JSONPointer, atKey: Bool = false) -> Place? {
        guard let entry = map[pointer], entry.argument == nil else { return nil }
        return (atKey ? entry.key ?? entry.value : entry.value).start
    }

    /// The text of a line, counted from 1.
    func line(_ number: Int) -> String? {
        lines.indices.contains(number - 1) ? String(lines[number - 1]) : nil
    }
}
