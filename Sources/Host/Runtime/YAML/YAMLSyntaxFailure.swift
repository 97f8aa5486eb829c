/// What libyaml says when it gives up, turned into what was wanted and what to do.
struct YAMLSyntaxFailure {
    /// libyaml's sentence.
    var problem: String
    /// What libyaml was doing.
    var context: String?
    /// Where it gave up.
    var place: Place
    /// Where what it was doing began.
    var contextPlace: Place?
    /// The document.
    var lines: [Substring]

    /// The problem for people.
    func explained() -> YAMLProblem {
        if let reference = unquotedReference() { return reference }
        var place = place
        let isPastTheEnd = place.line > lines.count || place.line == lines.count && found == nil
        if context == "while scanning a quoted scalar", let contextPlace {
            place = contextPlace
        } else if isPastTheEnd, let last = lines.lastIndex(where: { !$0.isEmpty }) {
            place = Place(line: last + 1, column: lines[last].unicodeScalars.count + 1)
        }
        var notes: [Diagnostic.Note] = []
        if let contextPlace, contextPlace != place, let opened {
            notes.append(.init(place: contextPlace, "\(opened) begins here"))
        }
        return YAMLProblem(
            range: PlaceRange(place, place), message: sentence, notes: notes, isFatal: true)
    }

    private var found: Unicode.Scalar? {
        guard lines.indices.contains(place.line - 1) else { return nil }
        return Array(lines[place.line - 1].unicodeScalars.dropFirst(place.column - 1).prefix(1))
            .first
    }

    private var foundWords: String {
        switch found {
        case nil: place.line >= lines.count ? "the end of the document" : "the end of the line"
        case "\t": "a tab"
        case let scalar?: "'\(Character(scalar))'"
        }
    }

    /// What the context began, as a noun.
    private var opened: String? {
        switch context {
        case "while parsing a flow mapping": "the mapping"
        case "while parsing a flow sequence": "the sequence"
        case "while parsing a block mapping": "the mapping"
        case "while parsing a block collection": "the sequence"
        case "while scanning a simple key": "the key"
        default: nil
        }
    }

    private var sentence: String {
        switch problem {
        case "did not find expected ',' or '}'":
            "wanted ',' or '}' in the mapping, found \(foundWords)"
        case "did not find expected ',' or ']'":
            "wanted ',' or ']' in the sequence, found \(foundWords)"
        case "found character that cannot start any token": badStart
        case "mapping values are not allowed in this context":
            "a ':' cannot stand here; quote the text that holds it, or check the indentation"
        case "block sequence entries are not allowed in this context":
            "a '-' cannot begin a sequence here; put it on a line of its own"
        case "found unexpected end of stream":
            "wanted a closing quote, found the end of the document"
        case "found unexpected document indicator": "wanted a closing quote, found '---' or '...'"
        case "did not find expected key":
            "wanted a key at the indentation of its mapping, found \(foundWords)"
        case "did not find expected '-' indicator":
            "wanted '-' for the next element of the sequence, found \(foundWords)"
        case "could not find expected ':'": "wanted ':' after the key, found \(foundWords)"
        case "did not find expected node content": "wanted a value, found \(foundWords)"
        case "found undefined tag handle": "the prefix of this tag is not known; leave the tag out"
        case "found unknown escape character":
            "unknown escape in double quotes; a backslash itself is written \\\\"
        case "did not find expected comment or line break":
            "wanted the end of the line, found \(foundWords)"
        case "did not find expected <document start>":
            "wanted one document, found \(foundWords) after its end"
        case "found incompatible YAML document": "wanted YAML 1.1 or 1.2"
        default: context.map { "\(problem), \($0)" } ?? problem
        }
    }

    private var badStart: String {
        switch found {
        case "\t": "a tab cannot indent; use spaces"
        case "@", "`", "%": "\(foundWords) cannot begin a value; put the value in quotes"
        default: "wanted a key or a value, found \(foundWords)"
        }
    }

    /// `{from: ${tasks.x.output}}`: in braces and brackets YAML ends a plain value at `{`.
    private func unquotedReference() -> YAMLProblem? {
        guard found == "{", place.column > 1 else { return nil }
        let scalars = Array(lines[place.line - 1].unicodeScalars)
        guard scalars[place.column - 2] == "$" else { return nil }
        let start = place.column - 2
        let end = scalars[start...].firstIndex(of: "}").map { $0 + 1 } ?? scalars.count
        var reference = String.UnicodeScalarView()
        reference.append(contentsOf: scalars[start..<end])
        return YAMLProblem(
            range: PlaceRange(
                Place(line: place.line, column: start + 1),
                Place(line: place.line, column: end + 1)),
            message: "a reference within { } or [ ] is put in quotes: \"\(String(reference))\"",
            isFatal: true)
    }
}
