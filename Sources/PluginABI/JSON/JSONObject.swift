/// The members of a JSON object, in the order in which they were written.
///
/// Complexity: look-up is linear up to `indexedFrom` members and hashed from there on.
public struct JSONObject: Sendable {
    /// From this many members on, keys are found through a hash index.
    static let indexedFrom = 12

    /// The keys, in order, each once.
    public private(set) var keys: [String] = []
    /// The values, in the order of `keys`.
    public private(set) var values: [JSON] = []
    private var index: [String: Int] = [:]

    /// An object without members.
    public init() {}

    /// The members in the order given; a repeated key keeps its first place and its last value.
    public init(_ members: some Sequence<(String, JSON)>) {
        for (key, value) in members {
            self[key] = value
        }
    }

    /// How many members there are.
    public var count: Int { keys.count }

    /// Whether there is no member.
    public var isEmpty: Bool { keys.isEmpty }

    /// The member `key`.
    ///
    /// Setting `nil` removes it; a new key goes last.
    public subscript(key: String) -> JSON? {
        get { position(of: key).map { values[$0] } }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let position = position(of: key) {
                values[position] = newValue
            } else {
                append(key, newValue)
            }
        }
    }

    /// Changes the member `key` in place, beginning from `initial` if there is none yet.
    public mutating func update(
        _ key: String, default initial: JSON, _ change: (inout JSON) throws -> Void
    ) rethrows {
        if let position = position(of: key) {
            try change(&values[position])
        } else {
            var value = initial
            try change(&value)
            append(key, value)
        }
    }

    /// The same members with the keys in ascending order of their UTF-8 bytes.
    public func sorted() -> JSONObject {
        JSONObject(sorting: members)
    }

    /// The members, whose keys all differ, with the keys in ascending order of their UTF-8 bytes.
    public init(sorting members: [(String, JSON)]) {
        self.init(members.sorted { Self.precedes($0.0, $1.0) })
    }

    /// Whether `left` comes before `right` by UTF-8 bytes; many times faster than comparing views.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        let fast = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in
                left.lexicographicallyPrecedes(right)
            }
        }
        return (fast ?? nil) ?? left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The members, in order.
    public var members: [(String, JSON)] { Array(zip(keys, values)) }

    private func position(of key: String) -> Int? {
        keys.count < Self.indexedFrom ? keys.firstIndex(of: key) : index[key]
    }

    private mutating func append(_ key: String, _ value: JSON) {
        keys.append(key)
        values.append(value)
        if keys.count == Self.indexedFrom {
            index = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
        } else if keys.count > Self.indexedFrom {
            index[key] = keys.count - 1
        }
    }

    private mutating func remove(_ key: String) {
        guard let position = position(of: key) else { return }
        keys.remove(at: position)
        values.remove(at: position)
        index =
            keys.count < Self.indexedFrom
            ? [:] : Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
    }
}

extension JSONObject: Hashable {
    /// Whether both hold the same members, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        if left.keys == right.keys { return left.values == right.values }
        return left.members.allSatisfy { key, value in right[key] == value }
    }

    /// The same for the same members in any order.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        var members = 0
        for (key, value) in self.members {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            members ^= member.finalize()
        }
        hasher.combine(members)
    }
}
