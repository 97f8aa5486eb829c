import FanfoldJSON
import PluginMerges

/// What a pipeline says under `with:` for function parallel.
public struct FunctionParallelConfiguration: Decodable, Sendable {
    /// One function of the graph.
    public struct Function: Decodable, Sendable {
        /// What it runs; `nil` for the task's own run.
        public var run: JSON?
        /// What it needs; `nil` for the task's own needs.
        public var needs: JSON?
        /// A list of names, or parameter to name; `nil` for the inputs of the task.
        public var inputs: JSON?
        /// Functions that must have ended well first.
        public var after: [String]
        /// How long it takes in comparison with the others.
        public var weight: Double
        /// Whether the task can do without it.
        public var optional: Bool

        private enum Key: String, CodingKey {
            case run, needs, inputs, after, weight, optional
        }

        /// Reads a function.
        public init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: Key.self)
            run = try keys.decodeIfPresent(JSON.self, forKey: .run)
            let needs = try keys.decodeIfPresent(JSON.self, forKey: .needs)
            self.needs = needs?.objectValue?.isEmpty == true ? nil : needs
            inputs = try keys.decodeIfPresent(JSON.self, forKey: .inputs)
            after = try keys.decodeIfPresent([String].self, forKey: .after) ?? []
            weight = try keys.decodeIfPresent(Double.self, forKey: .weight) ?? 1
            optional = try keys.decodeIfPresent(Bool.self, forKey: .optional) ?? false
        }
    }

    /// The functions, in the order of the pipeline.
    public var functions: [(name: String, function: Function)]
    /// The functions whose results are the output; empty for all.
    public var outputs: [String]
    /// How results become one.
    public var merge: Merge

    private enum Key: String, CodingKey {
        case functions, outputs, merge
    }

    /// The name of a function as a key.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads what the schema allows.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        let json = try keys.decode(JSON.self, forKey: .functions)
        let members = try keys.nestedContainer(keyedBy: Name.self, forKey: .functions)
        functions = try (json.objectValue?.members ?? []).map { name, _ in
            // Decoded where it stands, so that an error says where that is.
            (name, try members.decode(Function.self, forKey: Name(stringValue: name)))
        }
        outputs = try keys.decodeIfPresent([String].self, forKey: .outputs) ?? []
        merge = try keys.decodeIfPresent(Merge.self, forKey: .merge) ?? .dictionary(.error)
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "examples": [
            {"functions": {"left": {}, "right": {}, "both": {"inputs": ["left", "right"]}}}
          ],
          "required": ["functions"],
          "additionalProperties": false,
          "properties": {
            "functions": {
              "description": "Name: function. A function is started when what it reads is there.",
              "type": "object",
              "additionalProperties": {
                "type": "object", "additionalProperties": false, "properties": {
                  "run": {"$ref": "fanfold:run",
                    "description": "What it runs; without it, the task's own run."},
                  "needs": {"description": "What it needs; empty: the task's own needs.",
                    "type": "object", "default": {}},
                  "inputs": {
                    "description": "Functions and inputs it reads: a list, or parameter: name. Without it, the inputs of the task.",
                    "anyOf": [{"type": "array", "items": {"type": "string"}},
                      {"type": "object", "additionalProperties": {"type": "string"}}]},
                  "after": {"description": "Functions that must have ended well first.",
                    "type": "array", "items": {"type": "string"}, "default": []},
                  "weight": {"description": "How long it takes in comparison with the others.",
                    "type": "number", "exclusiveMinimum": 0, "default": 1},
                  "optional": {"description": "Whether the task can do without it.",
                    "type": "boolean", "default": false}
                }
              }
            },
            "outputs": {"description": "The functions whose results are the output; empty: all.",
              "type": "array", "items": {"type": "string"}, "default": []},
            "merge": {"$ref": "#/$defs/merge", "default": "dictionary",
              "description": "How the results become one; dictionary puts them by name."}
          },
          "$defs": {"merge": \(Merge.schema)}
        }
        """
}
