/// The unit of a time.
///
/// Source: Arrow columnar format, `TimeUnit` of Schema.fbs; the raw values are its numbers.
package enum ArrowUnit: Int16, Sendable, Hashable {
    case second = 0
    case millisecond = 1
    case microsecond = 2
    case nanosecond = 3

    /// The letter in a C format text.
    var letter: String {
        switch self {
        case .second: "s"
        case .millisecond: "m"
        case .microsecond: "u"
        case .nanosecond: "n"
        }
    }

    /// The unit of a letter in a C format text.
    init?(letter: some StringProtocol) {
        switch letter {
        case "s": self = .second
        case "m": self = .millisecond
        case "u": self = .microsecond
        case "n": self = .nanosecond
        default: return nil
        }
    }
}

/// The type of a column, without the types of the columns within it.
///
/// Dictionaries, unions, maps, views and run-end encoded columns are none of these.
package enum ArrowType: Sendable, Hashable {
    case null
    case bool
    case integer(bits: Int, signed: Bool)
    case float(bits: Int)
    case utf8(large: Bool)
    case binary(large: Bool)
    case fixedBinary(width: Int)
    case decimal(precision: Int, scale: Int, bits: Int)
    /// Days since 1970 in 32 bits, or with `milliseconds` those in 64 bits.
    case date(milliseconds: Bool)
    case time(ArrowUnit)
    case timestamp(ArrowUnit, zone: String?)
    case duration(ArrowUnit)
    case list(large: Bool)
    case fixedList(count: Int)
    case structure

    /// How the values of a column lie in its buffers.
    enum Layout: Equatable {
        /// No buffers.
        case none
        /// Validity; a bit each.
        case bits
        /// Validity; so many bytes each.
        case fixed(width: Int)
        /// Validity; where each begins, in so many bytes, and the end; the bytes.
        case variable(offsetBytes: Int)
        /// Validity; where each begins in the column within, and the end.
        case list(offsetBytes: Int)
        /// Validity; so many values of the column within each.
        case fixedList(count: Int)
        /// Validity; one value of each column within.
        case structure
    }

    /// How the values of a column of this type lie in its buffers.
    var layout: Layout {
        switch self {
        case .null: .none
        case .bool: .bits
        case .integer(let bits, _), .float(let bits), .decimal(_, _, let bits):
            .fixed(width: bits / 8)
        case .utf8(let large), .binary(let large): .variable(offsetBytes: large ? 8 : 4)
        case .fixedBinary(let width): .fixed(width: width)
        case .date(let milliseconds): .fixed(width: milliseconds ? 8 : 4)
        case .time(let unit): .fixed(width: unit.rawValue < 2 ? 4 : 8)
        case .timestamp, .duration: .fixed(width: 8)
        case .list(let large): .list(offsetBytes: large ? 8 : 4)
        case .fixedList(let count): .fixedList(count: count)
        case .structure: .structure
        }
    }

    /// How many columns are within; `nil` if any number may be.
    var childCount: Int? {
        switch self {
        case .list, .fixedList: 1
        case .structure: nil
        default: 0
        }
    }

    /// How many buffers a column of this type has, the validity included.
    var bufferCount: Int {
        switch layout {
        case .none: 0
        case .bits, .fixed, .list: 2
        case .variable: 3
        case .fixedList, .structure: 1
        }
    }
}

/// A column's name, type and what it may hold.
package struct ArrowField: Sendable, Hashable {
    /// The name; need not be the only one of its kind.
    package var name: String
    /// Whether values may be missing.
    package var isNullable: Bool
    /// The type.
    package var type: ArrowType
    /// The columns within.
    package var children: [ArrowField]
    /// Texts that go with the column, in order.
    package var metadata: [ArrowPair]

    /// A column without columns within it, unless `children` names some.
    package init(
        _ name: String, _ type: ArrowType, isNullable: Bool = true, children: [ArrowField] = [],
        metadata: [ArrowPair] = []
    ) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
        self.children = children
        self.metadata = metadata
    }

    /// How many columns it is, those within included.
    var count: Int { children.reduce(1) { $0 + $1.count } }
}

/// A text and its name.
package struct ArrowPair: Sendable, Hashable {
    /// The name.
    package var key: String
    /// The text.
    package var value: String

    /// The text `value` under the name `key`.
    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

/// The columns of a table.
package struct ArrowTableSchema: Sendable, Hashable {
    /// The columns, in order.
    package var fields: [ArrowField]
    /// Texts that go with the table, in order.
    package var metadata: [ArrowPair]

    /// The columns `fields`.
    package init(_ fields: [ArrowField], metadata: [ArrowPair] = []) {
        self.fields = fields
        self.metadata = metadata
    }
}

/// What a schema may still take of the limits while it is read.
struct ArrowBudget {
    private var fields = DataTransferLimits.arrowFields
    private var text: Int
    private let limit: (name: String, bytes: Int)

    /// - Parameter limit: the limit of all texts together, with its name.
    init(text limit: (name: String, bytes: Int)) {
        self.limit = limit
        text = limit.bytes
    }

    /// Counts one column at `depth`, the columns of a table being at 1.
    mutating func takeField(depth: Int) throws(DataTransferError) {
        fields -= 1
        guard fields >= 0 else {
            throw .overLimit(
                limit: "arrowFields", value: DataTransferLimits.arrowFields,
                found: "the number of columns")
        }
        guard depth <= DataTransferLimits.arrowDepth else {
            throw .overLimit(
                limit: "arrowDepth", value: DataTransferLimits.arrowDepth,
                found: "columns within columns to depth \(depth)")
        }
    }

    /// Counts a text of `bytes`.
    mutating func takeText(_ bytes: Int) throws(DataTransferError) {
        text -= Swift.min(bytes, limit.bytes) + 1
        guard text >= 0 else {
            throw .overLimit(
                limit: limit.name, value: limit.bytes, found: "the text of a schema")
        }
    }
}
