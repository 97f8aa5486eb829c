extension Merge {
    /// The JSON Schema of `merge`, to stand in a strategy's schema as `$defs/merge`.
    ///
    /// Every alternative is a closed object of one required key, so that filling in defaults
    /// never adds a second merge.
    public static let schema = """
        {"description": "How the results become one: a name, or one key with its options.",
          "anyOf": [\(([plain] + alternatives).joined(separator: ",\n"))]}
        """

    private static let plain = """
        {"enum": ["concat", "interleave", "sum", "mean", "average", "min", "max", "median",
          "count", "histogram", "union", "dictionary", "vote", "first", "tensor-concat", "tensor-sum",
          "tensor-mean"]}
        """

    private static let alternatives = [
        object(
            "vote",
            #"""
            {"description": "Who wins.", "anyOf": [
              {"enum": ["majority", "weighted"]},
              {"type": "object", "additionalProperties": false, "properties": {
                "by": {"description": "Whether members count alike or by weight.",
                  "enum": ["majority", "weighted"], "default": "majority"},
                "threshold": {"description": "The share that the winner must have, else null.",
                  "type": "number", "minimum": 0, "maximum": 1, "default": 0},
                "ties": {"description": "Who wins a tie.",
                  "enum": ["first-member", "lowest", "error"], "default": "first-member"}}}]}
            """#),
        object(
            "top-k",
            #"""
            {"description": "The best items.", "type": "object", "required": ["k"],
              "additionalProperties": false, "properties": {
                "k": {"description": "How many are kept.", "type": "integer", "minimum": 1},
                "by": {"description": "Key or JSON Pointer of the number; empty: the item.",
                  "type": "string", "default": ""},
                "order": {"description": "Whether the greatest or the least are kept.",
                  "enum": ["max", "min"], "default": "max"}}}
            """#),
        object(
            "best",
            #"""
            {"description": "The whole result with the best metric.", "type": "object",
              "required": ["by"], "additionalProperties": false, "properties": {
                "by": {"description": "Key or JSON Pointer of the metric.", "type": "string"},
                "order": {"description": "Whether the greatest or the least is best.",
                  "enum": ["max", "min"], "default": "max"}}}
            """#),
        object(
            "first",
            #"""
            {"description": "The first k to succeed; the rest is withdrawn.", "anyOf": [
              {"type": "integer", "minimum": 1},
              {"type": "object", "required": ["k"], "additionalProperties": false,
                "properties": {"k": {"description": "How many.", "type": "integer",
                  "minimum": 1}}}]}
            """#),
        object(
            "histogram",
            #"""
            {"description": "Counts.", "type": "object", "additionalProperties": false,
              "properties": {"edges": {"description": "Edges going up; none: count values.",
                "type": "array", "items": {"type": "number"}, "default": []}}}
            """#),
        object(
            "union",
            #"""
            {"description": "Every value once.", "type": "object", "additionalProperties": false,
              "properties": {"order": {"description": "The order of the values.",
                "enum": ["first-seen", "sorted"], "default": "first-seen"}}}
            """#),
        object(
            "dictionary",
            #"""
            {"description": "By key.", "type": "object", "additionalProperties": false,
              "properties": {"on-conflict": {"description": "When a key comes twice.",
                "enum": ["error", "first", "last", "list"], "default": "error"}}}
            """#),
        object(
            "metrics",
            #"""
            {"description": "Metric: reducer, or a list: sum, max, mean, median, list, p95.",
              "type": "object",
              "additionalProperties": {"anyOf": [{"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1}]}}
            """#),
        object(
            "tensor-concat",
            #"""
            {"description": "Tensors one after the other.", "type": "object",
              "additionalProperties": false, "properties": {"axis": {
                "description": "The axis along which they follow each other, from 0.",
                "type": "integer", "minimum": 0, "maximum": 63, "default": 0}}}
            """#),
        second("stack", "A second run that is given all results by name."),
        second("custom", "A second run that is given all results in order."),
    ]

    private static func object(_ key: String, _ value: String) -> String {
        """
        {"type": "object", "required": ["\(key)"], "additionalProperties": false,
          "properties": {"\(key)": \(value)}}
        """
    }

    private static func second(_ key: String, _ description: String) -> String {
        object(
            key,
            """
            {"description": "\(description)", "type": "object", "required": ["run"],
              "additionalProperties": false, "properties": {"run": {"$ref": "fanfold:run"}}}
            """)
    }
}
