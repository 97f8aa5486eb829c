import FanfoldJSON

/// One thing that is wrong with a value.
package struct SchemaProblem: Hashable, Sendable, CustomStringConvertible {
    /// The place in the value; for a missing key, the object that should have it.
    package var pointer: JSONPointer
    /// Whether the key at `pointer` is wrong, and not the value under it.
    package var atKey: Bool
    /// The keyword of the schema that was not met.
    package var keyword: String
    /// What was wanted and what was found.
    package var message: String
    /// What was probably meant, as a question.
    ///
    /// Shape: `did you mean "shards"?`
    package var suggestion: String?

    /// A problem at a place.
    package init(
        pointer: JSONPointer, atKey: Bool = false, keyword: String, message: String,
        suggestion: String? = nil
    ) {
        self.pointer = pointer
        self.atKey = atKey
        self.keyword = keyword
        self.message = message
        self.suggestion = suggestion
    }

    package var description: String {
        let place = pointer.tokens.isEmpty ? "" : "\(pointer): "
        return place + message + (suggestion.map { "; " + $0 } ?? "")
    }
}

/// Why a schema cannot be used.
///
/// `at` is the place in the schema: the name of a schema of the host, `#`, and a JSON Pointer.
package enum SchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A schema is an object, `true` or `false`.
    case notASchema(at: String, found: String)
    /// A keyword outside the supported set; names that begin with `x-` are free.
    case unknownKeyword(at: String, keyword: String, suggestion: String?)
    /// A keyword whose own value is not what it must be.
    case badKeyword(at: String, keyword: String, wanted: String)
    /// A `$ref` to something that is not there.
    case unresolved(at: String, reference: String)
    /// References or defaults that never end.
    case endless(at: String)
    /// A default that its own schema refuses.
    case badDefault(at: String, problem: String)
    /// More subschemas than ``JSONSchema/maximumNodes``.
    case tooLarge

    /// What was wanted and what was found, with the place.
    package var description: String {
        switch self {
        case .notASchema(let at, let found):
            "at \(at): wanted a schema (an object, true or false), found \(found)"
        case .unknownKeyword(let at, let keyword, let suggestion):
            "at \(at): unknown keyword \"\(keyword)\" in a schema"
                + (suggestion.map { "; did you mean \"\($0)\"?" }
                    ?? "; a keyword of your own begins with x-")
        case .badKeyword(let at, let keyword, let wanted):
            "at \(at): \"\(keyword)\" must be \(wanted)"
        case .unresolved(let at, let reference):
            "at \(at): \"$ref\" says \"\(reference)\", which is not there; "
                + "wanted #, #/$defs/NAME or a schema of the host such as fanfold:run"
        case .endless(let at):
            "at \(at): references or defaults go in a circle, or follow one another more than "
                + "\(JSONSchema.maximumChain) times at one place"
        case .badDefault(let at, let problem):
            "at \(at): the default does not fit its own schema: \(problem)"
        case .tooLarge:
            "the schema has more than \(JSONSchema.maximumNodes) subschemas"
        }
    }
}
