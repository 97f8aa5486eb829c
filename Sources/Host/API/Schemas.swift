import FanfoldJSON

/// What the values of the API look like, by the names that the OpenAPI document gives them.
enum Schemas {
    static let reference = "#/components/schemas/"

    /// All of them.
    static let all: [(name: String, schema: JSON)] =
        runs + queues + plans + orchestration + cluster + scaling + general

    private static let byName = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0.schema) })

    /// The schema with every reference replaced by what it leads to.
    static func resolved(_ schema: JSON) -> JSON {
        switch schema {
        case .object(let object):
            if let name = object["$ref"]?.stringValue, name.hasPrefix(reference),
                let target = byName[String(name.dropFirst(reference.count))]
            {
                return resolved(target)
            }
            return .object(JSONObject(object.members.map { ($0, resolved($1)) }))
        case .array(let elements): return .array(elements.map(resolved))
        default: return schema
        }
    }

    /// A schema by its name.
    static func named(_ name: String) -> JSON { ["$ref": .string(reference + name)] }

    /// An object with these members and no others; those whose names end in `?` may be missing.
    static func object(
        _ members: KeyValuePairs<String, JSON>, and more: KeyValuePairs<String, JSON> = [:]
    ) -> JSON {
        var properties = JSONObject()
        var required: [JSON] = []
        for (name, schema) in Array(members) + Array(more) {
            let isOptional = name.hasSuffix("?")
            let name = isOptional ? String(name.dropLast()) : name
            properties[name] = schema
            if !isOptional { required.append(.string(name)) }
        }
        return [
            "type": "object", "additionalProperties": false,
            "properties": .object(properties), "required": .array(required),
        ]
    }

    /// A list of values of one kind.
    static func list(_ element: JSON, maximum: Int? = nil) -> JSON {
        var object = JSONObject([("type", "array"), ("items", element)])
        if let maximum { object["maxItems"] = .integer(Int64(maximum)) }
        return .object(object)
    }

    /// One of these texts.
    static func oneOf(_ texts: [String]) -> JSON {
        ["type": "string", "enum": .array(texts.map(JSON.string))]
    }

    /// A whole number from `least`.
    static func integer(_ least: Int64 = 0, _ most: Int64? = nil, standard: Int64? = nil) -> JSON {
        var object = JSONObject([("type", "integer"), ("minimum", .integer(least))])
        if let most { object["maximum"] = .integer(most) }
        if let standard { object["default"] = .integer(standard) }
        return .object(object)
    }

    static let text: JSON = ["type": "string"]
    static let number: JSON = ["type": "number"]
    static let boolean: JSON = ["type": "boolean"]
    static let anything: JSON = .object(JSONObject([("description", "Any JSON value.")]))
    static let id = integer(1, .max)
    static let name: JSON = ["type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"]
    static let digest: JSON = ["type": "string", "pattern": "^[0-9a-f]{64}$"]
    static let label: JSON = [
        "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,62}=[A-Za-z0-9._-]{0,63}$",
    ]
    static let moment: JSON = [
        "type": "string", "description": "RFC 3339, in UTC.",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$",
    ]

    private static let general: [(name: String, schema: JSON)] = [
        (
            "Problem",
            object([
                "type": text, "title": text, "status": integer(400, 599),
                "code": oneOf(Problem.Code.allCases.map(\.rawValue)), "detail": text,
                "errors?": list(
                    object(["line?": integer(1), "column?": integer(1), "message": text]),
                    maximum: APILimits.places),
            ])
        ),
        ("Health", object(["status": oneOf(["ok"])])),
        ("Readiness", object(["status": oneOf(["ready"])])),
    ]
}
