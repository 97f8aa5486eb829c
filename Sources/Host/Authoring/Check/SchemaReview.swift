import FanfoldJSON
import FanfoldPlugins

/// What is looked at in the schema of a configuration, beyond that it can be compiled.
///
/// The loader has compiled it already: unknown keywords and types, references that lead nowhere
/// and defaults that their own schema forbids are refused there.
/// Source: JSON Schema 2020-12, core and validation vocabularies.
struct SchemaReview {
    private let id: String
    private var faults: [String] = []
    private var doubts: [String] = []

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        var faults: [String] = []
        var doubts: [String] = []
        for component in try context.loaded().components.map(\.descriptor) {
            guard let json = component.configSchema, let schema = component.schema else {
                doubts.append("\(component.id) has no schema: every configuration is accepted")
                continue
            }
            var review = SchemaReview(id: component.id)
            review.head(json)
            review.walk(json, "")
            for (index, example) in (json["examples"]?.arrayValue ?? []).enumerated() {
                if let problem = schema.validate(schema.fillingDefaults(example)).first {
                    review.faults.append("example \(index) of \(component.id): \(problem)")
                }
            }
            faults += review.faults
            doubts += review.doubts
        }
        guard faults.isEmpty else { return .failed(faults.joined(separator: "; ")) }
        return doubts.isEmpty ? .passed() : .warning(doubts.joined(separator: "; "))
    }

    private init(id: String) {
        self.id = id
    }

    private mutating func head(_ json: JSON) {
        let dialect = "https://json-schema.org/draft/2020-12/schema"
        if let named = json["$schema"], named.stringValue != dialect {
            faults.append("\(id): wanted \"$schema\": \"\(dialect)\", found \(named.text)")
        }
        if json["type"]?.stringValue != "object" {
            faults.append("\(id): a configuration is an object; wanted \"type\": \"object\"")
        }
    }

    private mutating func walk(_ json: JSON, _ place: String) {
        guard let object = json.objectValue else { return }
        annotations(object, place)
        let required = object["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        for (key, property) in object["properties"]?.objectValue?.members ?? [] {
            let isTop = place.isEmpty
            self.property(key, property, "\(place)/\(key)", required.contains(key), isTop)
            walk(property, "\(place)/\(key)")
        }
        for (name, schema) in object["$defs"]?.objectValue?.members ?? [] {
            walk(schema, "/$defs/\(name)")
        }
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            for (index, schema) in (object[keyword]?.arrayValue ?? []).enumerated() {
                walk(schema, "\(place)/\(keyword)/\(index)")
            }
        }
        for keyword in ["items", "additionalProperties", "not", "if", "then", "else"] {
            if let schema = object[keyword] { walk(schema, "\(place)/\(keyword)") }
        }
    }

    private mutating func property(
        _ key: String, _ property: JSON, _ place: String, _ isRequired: Bool, _ isTop: Bool
    ) {
        let isReference = property["$ref"] != nil
        let isConstant = property["const"] != nil
        guard property.objectValue != nil, !isReference, !isConstant else { return }
        if property["description"] == nil {
            let text = "\(id): \"\(place)\" has no description"
            if isTop { faults.append(text) } else { doubts.append(text) }
        }
        if isTop, property["default"] == nil, !isRequired {
            doubts.append("\(id): \"\(place)\" is optional and has no default")
        }
        if Self.isSecret(key), property["writeOnly"] != .bool(true) {
            faults.append(
                "\(id): \"\(place)\" sounds like a secret and is not \"writeOnly\": true; better "
                    + "name a secret of the host")
        }
    }

    private static func isSecret(_ key: String) -> Bool {
        let words = key.lowercased().split { !$0.isLetter }
        let secrets: Set<Substring> = ["password", "passphrase", "credential", "credentials"]
        let joined = words.joined()
        return words.contains { secrets.contains($0) }
            || ["apikey", "accesskey", "privatekey", "secretkey"].contains { joined.contains($0) }
    }

    /// The types that 2020-12 gives to what people read.
    private mutating func annotations(_ object: JSONObject, _ place: String) {
        let place = place.isEmpty ? "its schema" : "\"\(place)\""
        for key in ["title", "description", "$comment", "$id", "$schema", "format", "$ref"] {
            if let value = object[key], value.stringValue == nil {
                faults.append("\(id): \(key) of \(place) is no text")
            }
        }
        for key in ["deprecated", "readOnly", "writeOnly"] {
            guard let value = object[key] else { continue }
            guard case .bool = value else {
                faults.append("\(id): \(key) of \(place) is neither true nor false")
                continue
            }
        }
        if let examples = object["examples"], examples.arrayValue == nil {
            faults.append("\(id): examples of \(place) is no array")
        }
        if let reference = object["$ref"]?.stringValue, reference.contains("://") {
            faults.append("\(id): \(place) refers to \(reference); nothing is fetched by a host")
        }
    }
}
