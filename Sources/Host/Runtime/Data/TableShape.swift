import FanfoldJSON

/// Turns values into the rows of a table, the columns of which the first value decides.
struct TableShape {
    private var columns: [String]?
    private var isScalar = false
    private var count = 0

    /// The row of `item`, before the first also the header.
    ///
    /// - Throws: `notTabular` for an array, for another kind of value than the first and for keys
    ///   that the first one does not have.
    mutating func rows(of item: JSON) throws(DataError) -> [[String]] {
        count += 1
        switch item {
        case .object(let object): return try rows(of: object)
        case .array: throw refusal("wanted an object or a scalar, found an array")
        default:
            if columns == nil {
                columns = ["value"]
                isScalar = true
                return [["value"], [item.fieldText]]
            }
            guard isScalar else {
                throw refusal("wanted an object as before, found \(item.typeName)")
            }
            return [[item.fieldText]]
        }
    }

    private mutating func rows(of object: JSONObject) throws(DataError) -> [[String]] {
        guard let columns else {
            columns = object.keys
            guard !object.isEmpty else { throw refusal("the object has no members") }
            return [object.keys, object.values.map(\.fieldText)]
        }
        guard !isScalar else { throw refusal("wanted a scalar as before, found an object") }
        var row: [String] = []
        row.reserveCapacity(columns.count)
        var found = 0
        for column in columns {
            let value = object[column]
            if value != nil { found += 1 }
            row.append(value?.fieldText ?? "")
        }
        guard found == object.count else {
            let known = Set(columns)
            let unknown = object.keys.first { !known.contains($0) } ?? ""
            throw refusal(
                "the key \"\(unknown)\" is none of the first item's, which are the columns")
        }
        return [row]
    }

    private func refusal(_ reason: String) -> DataError {
        .notTabular(message: "item \(count) does not fit in a table: \(reason); use jsonl")
    }
}

extension JSON {
    /// Whether it has no members and no elements.
    var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// The value as the text of a field: a string bare, null empty, others as JSON.
    var fieldText: String {
        switch self {
        case .string(let text): text
        case .null: ""
        default: text
        }
    }
}
