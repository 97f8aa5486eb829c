import FanfoldCore
import FanfoldJSON

extension Settings {
    /// The policies of a document that fits the schema.
    static func placement(_ json: JSON) -> PlacementSettings {
        func policy(_ key: String) -> PlacementPolicy? {
            json["placement"]?[key]?.stringValue.flatMap(PlacementPolicy.init)
        }
        return PlacementSettings(policy: policy("policy") ?? .fitness, shadow: policy("shadow"))
    }

    /// The schema of `placement:`; the names are those of `PlacementPolicy.forUse`.
    static let placementSchemaText = #"""
        {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "policy": {
              "description": "How fanfold serve chooses a worker among those that have room.",
              "enum": {policies}, "default": "fitness"
            },
            "shadow": {
              "description": "A policy that only says what it would have done; empty for none.",
              "enum": {shadows}, "default": ""
            }
          }
        }
        """#
        .replacing("{policies}", with: names(PlacementPolicy.forUse.map(\.rawValue)))
        .replacing("{shadows}", with: names([""] + PlacementPolicy.forUse.map(\.rawValue)))

    private static func names(_ all: [String]) -> String {
        "[" + all.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}
