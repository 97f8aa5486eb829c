import FanfoldJSON
import PluginMerges

/// What a pipeline says under `with:` for pipeline parallel.
public struct PipelineParallelConfiguration: Decodable, Sendable {
    /// How the input is cut in micro-batches.
    public enum MicroBatches: Sendable, Hashable {
        /// Four for each stage.
        case auto
        /// This many items each.
        case items(Int)
        /// This many micro-batches.
        case count(Int)
    }

    /// The stages, in order; empty if a layer profile is cut.
    public var stages: [StageConfiguration]
    /// The profile to cut, if the stages are not given.
    public var cut: CutConfiguration
    /// How the input is cut in micro-batches.
    public var microBatches: MicroBatches
    /// The input to split; empty for the first.
    public var over: String
    /// How results become one.
    public var merge: Merge

    private enum Key: String, CodingKey {
        case stages, over, merge
        case microBatches = "micro-batches"
    }

    /// Reads what the schema allows.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        stages = try keys.decodeIfPresent([StageConfiguration].self, forKey: .stages) ?? []
        cut = try CutConfiguration(from: decoder)
        microBatches =
            try keys.decodeIfPresent(MicroBatches.self, forKey: .microBatches) ?? .auto
        over = try keys.decodeIfPresent(String.self, forKey: .over) ?? ""
        merge = try keys.decodeIfPresent(Merge.self, forKey: .merge) ?? .concat
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "examples": [
            {"stages": [
              {"name": "first", "run": {"command": ["cat"]}},
              {"name": "second", "run": {"command": ["cat"]}, "replicas": 2}],
             "micro-batches": {"items": 7}}
          ],
          "additionalProperties": false,
          "properties": {
            "stages": {
              "description": "The stages, in order; empty if layers are cut.",
              "type": "array", "default": [],
              "items": {"type": "object", "additionalProperties": false, "properties": {
                "name": {"description": "The name; empty: stage-1, stage-2 and so on.",
                  "type": "string", "default": ""},
                "run": {"$ref": "fanfold:run",
                  "description": "What the stage runs; without it, the task's own run."},
                "needs": {"description": "What it needs; empty: the task's own needs.",
                  "type": "object", "default": {}},
                "replicas": {"description": "Micro-batches it works on at a time.",
                  "type": "integer", "minimum": 1, "maximum": 1024, "default": 1},
                "queue": {"description": "Micro-batches that may wait in front of it.",
                  "type": "integer", "minimum": 0, "maximum": 1024, "default": 2}
              }}
            },
            \(CutConfiguration.schemaProperties),
            "micro-batches": {
              "description": "How the input is cut: auto is four micro-batches for each stage.",
              "default": "auto",
              "anyOf": [
                {"enum": ["auto"]},
                {"type": "object", "required": ["items"], "additionalProperties": false,
                  "properties": {"items": {"description": "Items in a micro-batch.",
                    "type": "integer", "minimum": 1}}},
                {"type": "object", "required": ["count"], "additionalProperties": false,
                  "properties": {"count": {"description": "Micro-batches of equal size.",
                    "type": "integer", "minimum": 1}}}
              ]
            },
            "over": {
              "description": "The input to split; empty for the first. The others go whole to the first stage.",
              "type": "string", "default": ""
            },
            "merge": {"$ref": "#/$defs/merge", "default": "concat",
              "description": "How the results of the last stage become one."}
          },
          "$defs": {"merge": \(Merge.schema)}
        }
        """
}

extension PipelineParallelConfiguration.MicroBatches: Decodable {
    /// Reads `auto` or one of `items` and `count`.
    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        func number(_ key: String) -> Int? {
            json[key]?.integerValue.flatMap { $0 >= 1 ? Int($0) : nil }
        }
        if json.stringValue == "auto" {
            self = .auto
        } else if let items = number("items") {
            self = .items(items)
        } else if let count = number("count") {
            self = .count(count)
        } else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "wanted auto, { items: n } or { count: n } with n from 1, "
                        + "found \(json.text)"))
        }
    }
}
