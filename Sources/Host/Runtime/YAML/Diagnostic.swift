/// One thing that is wrong with a document, where it stands, and what to do about it.
package struct Diagnostic: Hashable, Sendable {
    /// How bad it is.
    package enum Severity: String, Sendable {
        /// The document is refused.
        case error
        /// The document is accepted; something in it has no effect.
        case warning
    }

    /// Another place, or another sentence, that helps to understand the diagnostic.
    package struct Note: Hashable, Sendable {
        /// Where; `nil` if the note is about no place.
        package var place: Place?
        /// A sentence without a full stop.
        package var message: String

        /// A note.
        package init(place: Place? = nil, _ message: String) {
            self.place = place
            self.message = message
        }
    }

    /// How bad it is.
    package var severity: Severity
    /// The path of the document as the user wrote it, or the argument (`--set a.b=1`).
    package var file: String
    /// What is underlined; `nil` if the diagnostic is about no place in the file.
    package var range: PlaceRange?
    /// What was wanted and what was found, a sentence without a full stop.
    package var message: String
    /// What was probably meant, as a question, for example `did you mean "shards"?`.
    package var suggestion: String?
    /// Other places and sentences.
    package var notes: [Note]
    /// The page of the documentation, for example `docs/pipelines.md#inputs`.
    package var help: String?
    /// The line of the document that `range` begins in.
    package var sourceLine: String?

    /// Where it stands; `nil` if the diagnostic is about no place in the file.
    package var place: Place? { range?.start }

    /// Describes something that is wrong.
    package init(
        severity: Severity = .error, file: String, range: PlaceRange? = nil, message: String,
        suggestion: String? = nil, notes: [Note] = [], help: String? = nil,
        sourceLine: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.range = range
        self.message = message
        self.suggestion = suggestion
        self.notes = notes
        self.help = help
        self.sourceLine = sourceLine
    }
}

/// Everything that is wrong with a document, found in one go.
package struct DocumentErrors: Error, Sendable, CustomStringConvertible {
    /// How many diagnostics are shown; the rest is counted.
    package static let maximumShown = 50

    /// The diagnostics, in the order of their places.
    package let diagnostics: [Diagnostic]

    /// These diagnostics, sorted by place; those without a place come last.
    package init(_ diagnostics: [Diagnostic]) {
        self.diagnostics = Diagnostic.sorted(diagnostics)
    }

    package var description: String { Diagnostic.render(diagnostics) }
}
