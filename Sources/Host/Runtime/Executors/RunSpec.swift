import FanfoldJSON

/// Why a `run:` cannot be what it says, and where in it.
package struct RunSpecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place within `run:`.
    package var pointer: JSONPointer
    /// What was wanted, what was found and what to do.
    package var message: String

    package var description: String { "run\(pointer): \(message)" }
}

/// What a subtask runs: the checked form of `run:`.
package struct RunSpec: Sendable {
    /// Reads `run:`.
    package init(json: JSON) throws(RunSpecError) {
        if json.objectValue == nil {
            throw RunSpecError(pointer: JSONPointer(), message: "wanted an object")
        }
    }
    /// JSON Schema of `run:`.
    package static let schema: String = "{}"
}
