import FanfoldJSON
import PluginMerges

/// What a pipeline says under `with:` for data parallel.
public struct DataParallelConfiguration: Decodable, Sendable {
    /// How large subtasks are.
    public enum Size: Sendable, Hashable {
        /// As the measured speed of the workers suggests.
        case auto
        /// This many items each.
        case items(Int)
        /// About this many bytes each.
        case bytes(Double)
        /// This many subtasks of equal size.
        case shards(Int)
    }

    /// How large subtasks are.
    public var size: Size
    /// The input to split; empty for the first.
    public var over: String
    /// How results become one.
    public var merge: Merge

    /// A configuration.
    public init(size: Size = .auto, over: String = "", merge: Merge = .concat) {
        self.size = size
        self.over = over
        self.merge = merge
    }

    private enum Key: String, CodingKey {
        case size, shards, over, merge
    }

    /// Reads what the schema allows; `shards` wins over `size`.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        size = try members.decodeIfPresent(Size.self, forKey: .size) ?? .auto
        if let shards = try members.decodeIfPresent(Int.self, forKey: .shards), shards > 0 {
            size = .shards(shards)
        }
        over = try members.decodeIfPresent(String.self, forKey: .over) ?? ""
        merge = try members.decodeIfPresent(Merge.self, forKey: .merge) ?? .concat
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "size": {
              "description": "How large subtasks are: auto, or a number of items, bytes or shards.",
              "default": "auto",
              "anyOf": [
                {"enum": ["auto"]},
                {"type": "object", "required": ["items"], "additionalProperties": false,
                  "properties": {"items": {"description": "Items in a subtask.",
                    "type": "integer", "minimum": 1}}},
                {"type": "object", "required": ["bytes"], "additionalProperties": false,
                  "properties": {"bytes": {"description": "Bytes in a subtask, as 4MiB.",
                    "anyOf": [{"type": "integer", "minimum": 1},
                      {"type": "string", "format": "fanfold-bytes"}]}}},
                {"type": "object", "required": ["shards"], "additionalProperties": false,
                  "properties": {"shards": {"description": "Subtasks of equal size.",
                    "type": "integer", "minimum": 1}}}
              ]
            },
            "shards": {
              "description": "Short for size: { shards: n }; 0 leaves it to size.",
              "type": "integer", "minimum": 0, "default": 0
            },
            "over": {
              "description": "The input to split; empty for the first. The others go whole to every subtask.",
              "type": "string", "default": ""
            },
            "merge": {"$ref": "#/$defs/merge", "default": "concat",
              "description": "How the results become one."}
          },
          "$defs": {"merge": \(Merge.schema)}
        }
        """
}

extension DataParallelConfiguration.Size: Decodable {
    /// Reads `auto` or one of `items`, `bytes` and `shards`.
    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        func count(_ key: String) -> Int? {
            json[key]?.integerValue.flatMap { $0 >= 1 ? Int($0) : nil }
        }
        if json.stringValue == "auto" {
            self = .auto
        } else if let items = count("items") {
            self = .items(items)
        } else if let shards = count("shards") {
            self = .shards(shards)
        } else if let bytes = try json["bytes"]?.decode(ByteCount.self), bytes.bytes >= 1 {
            self = .bytes(bytes.bytes)
        } else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "wanted auto, { items: n }, { bytes: n } or { shards: n } "
                        + "with n from 1, found \(json.text)"))
        }
    }
}
