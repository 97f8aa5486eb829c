import PluginMerges

/// What a pipeline says under `with:` for model parallel.
public struct ModelParallelConfiguration: Decodable, Sendable {
    /// The parts, in order; empty if a layer profile is cut.
    public var parts: [StageConfiguration]
    /// The profile to cut, if the parts are not given.
    public var cut: CutConfiguration

    private enum Key: String, CodingKey {
        case parts
    }

    /// Reads what the schema allows.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        parts = try keys.decodeIfPresent([StageConfiguration].self, forKey: .parts) ?? []
        cut = try CutConfiguration(from: decoder)
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "examples": [
            {"parts": [
              {"name": "first", "run": {"command": ["cat"]}},
              {"name": "second", "run": {"command": ["cat"]}}]},
            {"layers": [
              {"name": "in", "compute": 1, "activation_bytes": 8, "parameter_bytes": 64},
              {"name": "out", "compute": 3, "activation_bytes": 8, "parameter_bytes": 64}],
             "run": {"command": ["cat"]}}
          ],
          "additionalProperties": false,
          "properties": {
            "parts": {
              "description": "The parts of the model, in order; empty if layers are cut.",
              "type": "array", "default": [],
              "items": {"type": "object", "additionalProperties": false, "properties": {
                "name": {"description": "The name; empty: stage-1, stage-2 and so on.",
                  "type": "string", "default": ""},
                "run": {"$ref": "fanfold:run",
                  "description": "What the part runs; without it, the task's own run."},
                "needs": {"description": "What it needs; empty: the task's own needs.",
                  "type": "object", "default": {}}
              }}
            },
            \(CutConfiguration.schemaProperties)
          }
        }
        """
}
