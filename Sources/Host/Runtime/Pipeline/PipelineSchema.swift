import FanfoldJSON
import FanfoldPlugins

/// The JSON Schema of a pipeline document: the first truth about what may stand in it.
package enum PipelineSchema {
    /// The name by which the schema of a plugin refers to the schema of `run:`.
    package static let runName = "fanfold:run"

    /// The whole schema; what stands under `with:` is left to the plugins.
    package static let document: JSON = {
        var schema = builtIn(template)
        let run = relocated(builtIn(RunSpec.schema))
        schema.updateMember("$defs") { definitions in
            definitions.updateMember("run") { $0 = run.schema }
            for (name, definition) in run.definitions.members {
                definitions.updateMember(name) { $0 = definition }
            }
        }
        return schema
    }()

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

    /// The schema of `run:` as a part of another document: its definitions get names of their own.
    private static func relocated(_ schema: JSON) -> (schema: JSON, definitions: JSONObject) {
        guard case .object(var object) = renamed(schema) else { return (schema, JSONObject()) }
        let own = object["$defs"]?.objectValue ?? JSONObject()
        for key in ["$defs", "$schema", "$id"] { object[key] = nil }
        return (.object(object), JSONObject(own.members.map { ("run-\($0)", $1) }))
    }

    private static func renamed(_ schema: JSON) -> JSON {
        switch schema {
        case .array(let elements): return .array(elements.map(renamed))
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map { key, value in
                        guard key == "$ref", let reference = value.stringValue else {
                            return (key, renamed(value))
                        }
                        if reference == "#" { return (key, "#/$defs/run") }
                        return (
                            key,
                            .string(reference.replacing("#/$defs/", with: "#/$defs/run-"))
                        )
                    }))
        default: return schema
        }
    }
}

extension JSON {
    /// Changes a member of an object, beginning from null; another value becomes an object.
    fileprivate mutating func updateMember(_ key: String, _ change: (inout JSON) -> Void) {
        var object = objectValue ?? JSONObject()
        object.update(key, default: .null, change)
        self = .object(object)
    }
}
