import FanfoldJSON

extension JSON {
    /// The same value with `3.0` written `3`, so that equal numbers are equal values.
    var canonical: JSON {
        switch self {
        case .number(let value): Int64(exactly: value).map { .integer($0) } ?? self
        case .array(let elements): .array(elements.map(\.canonical))
        case .object(let object):
            .object(JSONObject(object.members.map { ($0, $1.canonical) }))
        default: self
        }
    }

    /// Whether this comes before `other`: null, booleans, numbers by size, texts by their bytes,
    /// arrays element by element, objects by their text with sorted keys.
    func precedes(_ other: JSON) -> Bool {
        guard rank == other.rank else { return rank < other.rank }
        switch (self, other) {
        case (.bool(let left), .bool(let right)): return !left && right
        case (.string(let left), .string(let right)):
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.array(let left), .array(let right)):
            return left.lexicographicallyPrecedes(right) { $0.precedes($1) }
        case (.object(let left), .object(let right)):
            let texts = (JSON.object(left.sorted()).bytes, JSON.object(right.sorted()).bytes)
            return texts.0.lexicographicallyPrecedes(texts.1)
        default:
            guard let left = figure, let right = other.figure else { return false }
            return left.precedes(right)
        }
    }

    /// The number, if it is one.
    var figure: Figure? {
        switch self {
        case .integer(let value): .whole(value)
        case .number(let value): .real(value)
        default: nil
        }
    }

    /// The number under a key, or at a JSON Pointer if `place` begins with `/`.
    func figure(at place: String) -> Figure? {
        guard place.hasPrefix("/"), let pointer = JSONPointer(parsing: place) else {
            return self[place]?.figure
        }
        return value(at: pointer)?.figure
    }

    private var rank: Int {
        switch self {
        case .null: 0
        case .bool: 1
        case .integer, .number: 2
        case .string: 3
        case .array: 4
        case .object: 5
        }
    }
}
