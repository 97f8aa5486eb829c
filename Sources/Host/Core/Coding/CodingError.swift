/// Why bytes do not stand for what they should.
package struct CodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Problem: Hashable, Sendable {
        /// There is less than was announced: so many bytes are missing.
        case truncated(missing: Int)
        /// It was written by a version that this one does not know.
        case unknownVersion(UInt8)
        /// No case of this name has the number.
        case unknownCase(of: String, UInt64)
        /// A number does not fit where it belongs, or is longer than it need be.
        case badNumber
        /// A text is not UTF-8.
        case badText
        /// Bytes are left over at the end.
        case trailing(Int)
        /// The sum over all bytes is another one.
        case damaged
        /// Each part could be right, but not all together.
        case contradiction(String)
    }

    /// What is wrong.
    package var problem: Problem
    /// How many bytes from the start.
    package var offset: Int

    /// What is wrong at this place.
    package init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    /// For people: what was wanted, what was found.
    package var description: String {
        "byte \(offset): \(sentence)"
    }

    private var sentence: String {
        switch problem {
        case .truncated(let missing): "the end comes \(missing) bytes too early"
        case .unknownVersion(let version):
            "the format has version \(version), which this fanfold does not read: use a newer one"
        case .unknownCase(let name, let number): "there is no \(name) with the number \(number)"
        case .badNumber: "a number does not fit where it belongs"
        case .badText: "a text must be UTF-8"
        case .trailing(let count): "\(count) bytes are left over"
        case .damaged: "the sum over all bytes is not the one that was written: it is damaged"
        case .contradiction(let rule): rule
        }
    }
}
