/// Why the engine did not do what a client asked.
package struct ControlError: Error, Hashable, Sendable {
    /// For programs: stable, part of the interface.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// Whoever asks may not have it done.
        case forbidden = "forbidden"
        /// There is no such run, worker, token, output or file.
        case notFound = "not-found"
        /// What was sent is wrong; ``ControlError/places`` may say where.
        case invalid = "invalid"
        /// It does not go with the state that something is in.
        case conflict = "conflict"
        /// The bytes of a file do not have the sum that they were announced with.
        case checksumMismatch = "checksum-mismatch"
        /// It is larger than a limit.
        case tooLarge = "too-large"
        /// There are as many as there may be.
        case tooMany = "too-many"
        /// There is no room on the disk.
        case insufficientStorage = "insufficient-storage"
        /// The engine cannot do it now: it begins, ends, or its disk is full.
        case unavailable = "unavailable"
        /// The engine is at fault; the message goes to the log, not to the client.
        case fault = "fault"
    }

    /// A place in a document that a client sent.
    package struct Place: Hashable, Sendable {
        /// From 1; `nil` if it is not about a line.
        package var line: Int?
        /// From 1.
        package var column: Int?
        /// What is wrong.
        package var message: String

        /// What is wrong at a place.
        package init(line: Int? = nil, column: Int? = nil, message: String) {
            self.line = line
            self.column = column
            self.message = message
        }
    }

    /// For programs.
    package var code: Code
    /// For people: what was wanted, what was found, what to do.
    package var message: String
    /// What is wrong in a document, all of it.
    package var places: [Place]

    /// A refusal.
    package init(_ code: Code, _ message: String, places: [Place] = []) {
        self.code = code
        self.message = message
        self.places = places
    }
}
