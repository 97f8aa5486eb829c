import FanfoldJSON

/// One compiled subschema.
///
/// Others are named by their index, so that a schema can be recursive.
struct SchemaNode: Sendable {
    /// The place in the schema, for messages.
    var location: String
    /// What must hold, in the order in which it is checked.
    var rules: [SchemaRule] = []
    /// The default of a key that is not written.
    var defaultValue: JSON?
    /// What the author says about the value.
    var summary: String?
}

/// One keyword, or several that are checked together.
enum SchemaRule: Sendable {
    case never
    case types(SchemaTypes)
    case enumeration([JSON])
    case constant(JSON)
    case number(SchemaNumberRules)
    case text(SchemaTextRules)
    case array(SchemaArrayRules)
    case object(SchemaObjectRules)
    case reference(Int)
    case allOf([Int])
    case anyOf([Int])
    case oneOf([Int])
    case not(Int)
    case condition(Int, then: Int?, otherwise: Int?)
}

struct SchemaNumberRules: Sendable {
    var minimum: JSON?
    var maximum: JSON?
    var above: JSON?
    var below: JSON?
    var multiple: JSON?
}

struct SchemaTextRules: Sendable {
    var minimum: Int?
    var maximum: Int?
    var pattern: PosixPattern?
    var format: SchemaFormat?
}

struct SchemaArrayRules: Sendable {
    var minimum: Int?
    var maximum: Int?
    var unique = false
    var prefix: [Int] = []
    var rest: Int?
}

struct SchemaObjectRules: Sendable {
    var properties = JSONObjectIndex()
    var patterns: [(pattern: PosixPattern, node: Int)] = []
    var additional: Int?
    var required: [String] = []
    var dependent: [(key: String, needs: [String])] = []
    var names: Int?
    var minimum: Int?
    var maximum: Int?
}

/// The nodes of the named properties, in order.
struct JSONObjectIndex: Sendable {
    private(set) var keys: [String] = []
    private var nodes: [String: Int] = [:]

    subscript(key: String) -> Int? { nodes[key] }

    mutating func append(_ key: String, _ node: Int) {
        keys.append(key)
        nodes[key] = node
    }
}

/// The types that a value may have.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let integer = SchemaTypes(rawValue: 4)
    static let number = SchemaTypes(rawValue: 8)
    static let string = SchemaTypes(rawValue: 16)
    static let array = SchemaTypes(rawValue: 32)
    static let object = SchemaTypes(rawValue: 64)

    /// Every type: its name in a schema, and in a sentence.
    static let names: [(type: SchemaTypes, name: String, words: String)] = [
        (.null, "null", "null"), (.boolean, "boolean", "true or false"),
        (.integer, "integer", "a whole number"), (.number, "number", "a number"),
        (.string, "string", "a string"), (.array, "array", "a list"),
        (.object, "object", "an object"),
    ]

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init?(name: String) {
        guard let known = Self.names.first(where: { $0.name == name }) else { return nil }
        self = known.type
    }

    /// What is wanted, for a message.
    var wanted: [String] {
        Self.names.filter { contains($0.type) }.map(\.words)
    }

    func accepts(_ value: JSON) -> Bool {
        switch value {
        case .null: contains(.null)
        case .bool: contains(.boolean)
        case .integer: contains(.integer) || contains(.number)
        case .number: contains(.number) || contains(.integer) && value.integerValue != nil
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        }
    }
}
