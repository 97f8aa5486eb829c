import FanfoldJSON
import FanfoldPlugins

/// The JSON Schema of a pipeline document: the first truth about what may stand in it.
package enum PipelineSchema {
    /// The name by which the schema of a plugin refers to the schema of `run:`.
    package static let runName = "fanfold:run"

    /// The whole schema; what stands under `with:` is left to the plugins.
    package static let document: JSON = {
        var schema = builtIn(template)
        schema.define(builtIn(RunSpec.schema), as: "run")
        schema.define(builtIn(PluginGrant.schemaText), as: "grant")
        return schema
    }()

    /// The schema with what each of these strategies takes under `with:`, for editors.
    package static func document(with strategies: [ComponentDescriptor]) -> JSON {
        var schema = document
        var choices: [JSON] = []
        for strategy in strategies where strategy.kind == .strategy {
            guard let configuration = strategy.configSchema else { continue }
            schema.define(configuration, as: strategy.shortID)
            choices.append([
                "if": [
                    "type": "object", "required": ["use"],
                    "properties": [
                        "use": ["enum": [.string(strategy.id), .string(strategy.shortID)]]
                    ],
                ],
                "then": [
                    "properties": ["with": ["$ref": .string("#/$defs/\(strategy.shortID)")]]
                ],
            ])
        }
        schema.update(at: ["$defs", "task", "properties", "strategy", "allOf"]) {
            $0 = .array(choices)
        }
        return schema
    }

    /// The text of `config/pipeline.schema.json`.
    package static var text: String { document.prettyText + "\n" }

    /// The schemas of the host that the schema of a plugin may refer to.
    package static let wellKnown: [String: JSON] = [runName: builtIn(RunSpec.schema)]

    static let checker = compiled(document)

    /// A schema that is part of the program.
    static func compiled(_ schema: JSON) -> JSONSchema {
        do throws(SchemaError) {
            return try JSONSchema(schema)
        } catch {
            preconditionFailure("a schema of the host is right: \(error)")
        }
    }

    static func builtIn(_ text: String) -> JSON {
        do throws(JSONParseError) {
            return try JSON(parsing: text)
        } catch {
            preconditionFailure("a schema of the host is JSON: \(error)")
        }
    }
}

extension JSON {
    /// Makes a whole schema a definition of this one; its own definitions are called after it.
    fileprivate mutating func define(_ schema: JSON, as name: String) {
        guard case .object(var object) = schema.withReferences(inside: name) else { return }
        let own = object["$defs"]?.objectValue ?? JSONObject()
        for key in ["$defs", "$schema", "$id"] { object[key] = nil }
        update(at: ["$defs", name]) { $0 = .object(object) }
        for (inner, definition) in own.members {
            update(at: ["$defs", "\(name)-\(inner)"]) { $0 = definition }
        }
    }

    /// The schema with its references leading to where `define` puts what they mean.
    private func withReferences(inside name: String) -> JSON {
        switch self {
        case .array(let elements):
            return .array(elements.map { $0.withReferences(inside: name) })
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map { key, value in
                        guard key == "$ref", let reference = value.stringValue else {
                            return (key, value.withReferences(inside: name))
                        }
                        switch reference {
                        case "#": return (key, .string("#/$defs/\(name)"))
                        case PipelineSchema.runName: return (key, "#/$defs/run")
                        default:
                            let moved = reference.replacing("#/$defs/", with: "#/$defs/\(name)-")
                            return (key, .string(moved))
                        }
                    }))
        default: return self
        }
    }

    /// Changes what lies at the end of a path of keys; what is missing begins as null.
    fileprivate mutating func update(at path: [String], _ change: (inout JSON) -> Void) {
        guard let key = path.first else { return change(&self) }
        var object = objectValue ?? JSONObject()
        object.update(key, default: .null) { $0.update(at: Array(path.dropFirst()), change) }
        self = .object(object)
    }
}
