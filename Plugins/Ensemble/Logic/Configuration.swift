import FanfoldJSON
import PluginMerges

/// What a pipeline says under `with:` for an ensemble.
public struct EnsembleConfiguration: Decodable, Sendable {
    /// One member, with a configuration of its own.
    public struct Member: Decodable, Sendable {
        /// The name; empty for `member-1`, `member-2` and so on.
        public var name: String
        /// What it runs; `nil` for the task's own run.
        public var run: JSON?
        /// What it needs; `nil` for the task's own needs.
        public var needs: JSON?
        /// How much it counts in weighted merges.
        public var weight: Double

        private enum Key: String, CodingKey {
            case name, run, needs, weight
        }

        /// Reads a member; what is left out is the task's own.
        public init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            name = try members.decodeIfPresent(String.self, forKey: .name) ?? ""
            run = try members.decodeIfPresent(JSON.self, forKey: .run)
            let needs = try members.decodeIfPresent(JSON.self, forKey: .needs)
            self.needs = needs?.objectValue?.isEmpty == true ? nil : needs
            weight = try members.decodeIfPresent(Double.self, forKey: .weight) ?? 1
        }
    }

    /// The members, in order.
    public var members: [Member]
    /// How results become one.
    public var merge: Merge
    /// Whether members are withdrawn once they can change nothing.
    public var quorum: Bool
    /// With fewer results than this the task fails.
    public var minMembers: Int

    private enum Key: String, CodingKey {
        case members, merge, quorum
        case minMembers = "min-members"
    }

    /// Reads what the schema allows.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        members = try keys.decode([Member].self, forKey: .members)
        merge =
            try keys.decodeIfPresent(Merge.self, forKey: .merge)
            ?? .vote(Merge.Vote())
        quorum = try keys.decodeIfPresent(Bool.self, forKey: .quorum) ?? true
        minMembers = try keys.decodeIfPresent(Int.self, forKey: .minMembers) ?? 1
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "examples": [
            {"members": [{"name": "one"}, {"name": "two"}, {"name": "three"}]},
            {"members": [{"name": "one"}, {"name": "two"}], "merge": "concat"}
          ],
          "required": ["members"],
          "additionalProperties": false,
          "properties": {
            "members": {
              "description": "The members; each is given the whole input.",
              "type": "array", "minItems": 1,
              "items": {"type": "object", "additionalProperties": false, "properties": {
                "name": {"description": "The name; empty: member-1, member-2 and so on.",
                  "type": "string", "default": ""},
                "run": {"$ref": "fanfold:run",
                  "description": "What the member runs; without it, the task's own run."},
                "needs": {"description": "What it needs; empty: the task's own needs.",
                  "type": "object", "default": {}},
                "weight": {"description": "How much it counts in weighted merges.",
                  "type": "number", "exclusiveMinimum": 0, "default": 1}
              }}
            },
            "merge": {"$ref": "#/$defs/merge", "default": "vote",
              "description": "How the members' results become one."},
            "quorum": {"description": "Withdraw members that can change nothing any more.",
              "type": "boolean", "default": true},
            "min-members": {"description": "With fewer results the task fails.",
              "type": "integer", "minimum": 1, "default": 1}
          },
          "$defs": {"merge": \(Merge.schema)}
        }
        """
}
