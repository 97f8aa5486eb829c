import FanfoldJSON

/// Where each value of a document stands.
package struct SourceMap: Sendable {
    /// The places of one value.
    package struct Entry: Hashable, Sendable {
        /// The key in front of the value; `nil` for elements of a sequence and for the document.
        package var key: PlaceRange?
        /// The value; of a mapping or sequence in block style, its first token.
        package var value: PlaceRange
        /// The argument of the command line that put the value there, for example
        /// `--set tasks.count.timeout=5s`; `nil` if it stands in the document.
        package var argument: String?
    }

    private var entries: [JSONPointer: Entry] = [:]

    /// A map without entries.
    package init() {}

    /// The places of the value at `pointer`.
    package subscript(pointer: JSONPointer) -> Entry? {
        get { entries[pointer] }
        set { entries[pointer] = newValue }
    }

    /// The places of the value at `pointer` or, if there is no such value, of the innermost
    /// value around it; the pointer tells which one it was.
    package func nearest(_ pointer: JSONPointer) -> (pointer: JSONPointer, entry: Entry)? {
        var pointer = pointer
        while true {
            if let entry = entries[pointer] { return (pointer, entry) }
            guard !pointer.tokens.isEmpty else { return nil }
            pointer.tokens.removeLast()
        }
    }

    /// Forgets the value at `pointer` and everything in it.
    package mutating func remove(_ pointer: JSONPointer) {
        entries = entries.filter { !$0.key.tokens.starts(with: pointer.tokens) }
    }

    /// Takes over the places of another document that an argument puts in at `pointer`.
    package mutating func merge(_ other: SourceMap, at pointer: JSONPointer, argument: String) {
        for (key, entry) in other.entries {
            var entry = entry
            entry.argument = argument
            entries[JSONPointer(pointer.tokens + key.tokens)] = entry
        }
    }
}
