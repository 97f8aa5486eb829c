import FanfoldJSON
import Testing

@testable import FanfoldPlugins

private func problems(_ schema: JSON, _ value: JSON) throws -> [String] {
    try JSONSchema(schema).validate(value).map(\.description)
}

@Suite struct SchemaTests {
    @Test func `a value that fits gives no problem`() throws {
        let schema: JSON = [
            "type": "object", "required": ["size"], "additionalProperties": false,
            "properties": ["size": ["type": "integer", "minimum": 1]],
        ]
        #expect(try problems(schema, ["size": 4]) == [])
        #expect(try problems(schema, ["size": 4.0]) == [])
    }

    @Test func `a misspelt key is one problem with a suggestion`() throws {
        let schema: JSON = [
            "type": "object", "required": ["shards"], "additionalProperties": false,
            "properties": ["shards": ["type": "integer"], "merge": true],
        ]
        let found = try JSONSchema(schema).validate(["shardz": 4])
        #expect(
            found == [
                SchemaProblem(
                    pointer: JSONPointer(["shardz"]), atKey: true,
                    keyword: "additionalProperties", message: "unknown key \"shardz\"",
                    suggestion: "did you mean \"shards\"?")
            ])
    }

    @Test func `a missing key is reported at the object that should have it`() throws {
        let schema: JSON = [
            "properties": ["run": ["type": "object", "required": ["command"]]]
        ]
        #expect(try problems(schema, ["run": [:]]) == ["/run: missing key \"command\""])
    }

    @Test func `all problems come in the order of the document`() throws {
        let schema: JSON = [
            "properties": [
                "a": ["type": "integer"], "b": ["type": "string"],
                "c": ["items": ["maximum": 3]],
            ]
        ]
        #expect(
            try problems(schema, ["c": [9, 1, 8], "b": 1, "a": "x"]) == [
                "/c/0: wanted at most 3, found 9", "/c/2: wanted at most 3, found 8",
                "/b: wanted a string, found 1", "/a: wanted a whole number, found \"x\"",
            ])
    }

    @Test(
        arguments: [
            (["type": "integer"], 1.5, "wanted a whole number, found 1.5"),
            (["type": ["string", "null"]], true, "wanted null or a string, found true"),
            (["type": "number"], [1], "wanted a number, found a list of 1 element"),
            (
                ["enum": ["concat", "sum"]], "sun",
                #"wanted "concat" or "sum", found "sun"; did you mean "sum"?"#
            ),
            (["const": 3], 4, "wanted 3, found 4"),
            (["minimum": 1], 0, "wanted at least 1, found 0"),
            (["maximum": 1], 2, "wanted at most 1, found 2"),
            (["exclusiveMinimum": 0], 0, "wanted more than 0, found 0"),
            (["exclusiveMaximum": 1], 1.0, "wanted less than 1, found 1.0"),
            (["multipleOf": 5], 7, "wanted a multiple of 5, found 7"),
            (["minLength": 1], "", "wanted at least 1 character, found \"\""),
            (["maxLength": 2], "abc", "wanted at most 2 characters, found \"abc\""),
            (["pattern": "^[a-z]+$"], "A", "wanted text that matches ^[a-z]+$, found \"A\""),
            (["minItems": 1], [], "wanted at least 1 element, found 0"),
            (["maxItems": 1], [1, 2], "wanted at most 1 element, found 2"),
            (["uniqueItems": true], [1, 2, 1.0], "/2: 1.0 stands here twice, first at 0"),
            (
                ["prefixItems": [["type": "string"]], "items": false], ["a", 1],
                "/1: nothing may be written here"
            ),
            (["minProperties": 1], [:], "wanted at least 1 key, found 0"),
            (["maxProperties": 1], ["a": 1, "b": 2], "wanted at most 1 key, found 2"),
            (
                ["dependentRequired": ["a": ["b"]]], ["a": 1],
                "with the key \"a\", \"b\" is needed too"
            ),
            (
                ["propertyNames": ["pattern": "^[a-z]+$"]], ["A": 1],
                "/A: wanted text that matches ^[a-z]+$, found \"A\""
            ),
            (
                ["additionalProperties": ["type": "string"]], ["k": 1],
                "/k: wanted a string, found 1"
            ),
            (
                ["patternProperties": ["^x": ["type": "string"]]], ["xy": 1],
                "/xy: wanted a string, found 1"
            ),
            (
                ["not": ["const": 3, "description": "three is reserved"]], 3,
                "3 is not allowed here: three is reserved"
            ),
            (
                ["if": ["required": ["a"]], "then": ["required": ["b"]]], ["a": 1],
                "missing key \"b\""
            ),
            (
                ["if": ["required": ["a"]], "then": true, "else": ["required": ["c"]]], ["b": 1],
                "missing key \"c\""
            ),
            (
                ["format": "fanfold-duration"], "10",
                "wanted a duration such as 10m, 1h30m or 250ms, found \"10\""
            ),
            (
                ["format": "fanfold-bytes"], "512Q",
                "wanted a size such as 512MiB or 2GB, found \"512Q\""
            ),
            (["allOf": [["minimum": 3], ["maximum": 1]]], 2, "wanted at least 3, found 2"),
        ] as [(JSON, JSON, String)])
    func `each keyword says what it wanted and what it found`(
        _ schema: JSON, _ value: JSON, _ message: String
    ) throws {
        #expect(try problems(schema, value).first == message)
    }

    @Test func `a multiple of a tenth is not refused for rounding`() throws {
        #expect(try problems(["multipleOf": 0.1], 0.3) == [])
        #expect(try problems(["multipleOf": 0.1], 0.35).count == 1)
    }

    @Test func `a reference may be recursive`() throws {
        let schema: JSON = [
            "$ref": "#/$defs/tree",
            "$defs": [
                "tree": [
                    "type": "object", "additionalProperties": false,
                    "properties": ["children": ["items": ["$ref": "#/$defs/tree"]]],
                ]
            ],
        ]
        #expect(try problems(schema, ["children": [["children": []]]]) == [])
        #expect(
            try problems(schema, ["children": [["children": [3]]]])
                == ["/children/0/children/0: wanted an object, found 3"])
    }

    @Test func `a schema of the host resolves its own references`() throws {
        let run: JSON = [
            "required": ["command"], "properties": ["command": ["$ref": "#/$defs/argv"]],
            "$defs": ["argv": ["type": "array", "items": ["type": "string"]]],
        ]
        let schema = try JSONSchema(
            ["properties": ["run": ["$ref": "fanfold:run"]]], wellKnown: ["fanfold:run": run])
        #expect(
            schema.validate(["run": ["command": [1]]]).map(\.description)
                == ["/run/command/0: wanted a string, found 1"])
        #expect(throws: SchemaError.unresolved(at: "#", reference: "fanfold:run")) {
            try JSONSchema(["$ref": "fanfold:run"])
        }
    }
}

@Suite struct SchemaAlternativeTests {
    private let run: JSON = [
        "type": "object",
        "oneOf": [
            [
                "required": ["command"], "additionalProperties": false,
                "properties": [
                    "command": ["type": "array", "items": ["type": "string"]],
                    "stdin": ["enum": ["json", "lines"]],
                ],
            ],
            [
                "required": ["native"], "additionalProperties": false,
                "properties": ["native": ["type": "object"]],
            ],
        ],
    ]

    @Test func `the branch whose key is written is the one that was meant`() throws {
        #expect(
            try problems(run, ["command": ["a"], "stdin": "liens"]) == [
                #"/stdin: wanted "json" or "lines", found "liens"; did you mean "lines"?"#
            ])
    }

    @Test func `a misspelt deciding key is found`() throws {
        #expect(
            try problems(run, ["comand": ["a"]])
                == ["/comand: unknown key \"comand\"; did you mean \"command\"?"])
    }

    @Test func `without a deciding key all of them are named`() throws {
        #expect(
            try problems(run, ["stdin": "json"])
                == ["wanted one of the keys \"command\" or \"native\""])
    }

    @Test func `two deciding keys exclude each other`() throws {
        let open: JSON = ["oneOf": [["required": ["a"]], ["required": ["b"]]]]
        #expect(
            try problems(open, ["a": 1, "b": 2])
                == ["the keys \"a\" and \"b\" exclude one another; keep one of them"])
    }

    @Test func `a constant tells branches apart`() throws {
        let schema: JSON = [
            "oneOf": [
                ["properties": ["kind": ["const": "vote"], "quorum": ["type": "integer"]]],
                ["properties": ["kind": ["const": "best"], "by": ["type": "string"]]],
            ]
        ]
        #expect(
            try problems(schema, ["kind": "best", "by": 3])
                == ["/by: wanted a string, found 3"])
        #expect(
            try problems(schema, ["kind": "bets"])
                == [#"/kind: wanted "vote" or "best", found "bets"; did you mean "best"?"#])
    }

    @Test func `alternatives of plain values are joined by or`() throws {
        let schema: JSON = [
            "oneOf": [
                ["const": "auto"], ["type": "integer", "minimum": 1],
                ["type": "string", "format": "fanfold-bytes"],
            ]
        ]
        #expect(try problems(schema, "auto") == [])
        #expect(try problems(schema, "4MiB") == [])
        #expect(
            try problems(schema, true)
                == ["wanted \"auto\", a whole number or a string, found true"])
        #expect(
            try problems(schema, "auot") == [
                "wanted \"auto\", a whole number or a size such as 512MiB or 2GB, "
                    + "found \"auot\"; did you mean \"auto\"?"
            ])
    }

    @Test func `a nested problem of the only branch of that type is reported itself`() throws {
        let schema: JSON = [
            "anyOf": [["type": "string"], ["type": "array", "items": ["type": "integer"]]]
        ]
        #expect(try problems(schema, [1, "x"]) == ["/1: wanted a whole number, found \"x\""])
    }

    @Test func `doubling alternatives cost bounded time`() throws {
        let schema: JSON = [
            "$defs": [
                "a": [
                    "anyOf": [["items": ["$ref": "#/$defs/a"]], ["items": ["$ref": "#/$defs/a"]]],
                    "type": "array",
                ]
            ], "$ref": "#/$defs/a",
        ]
        var value: JSON = 1
        for _ in 0..<20 { value = [value] }
        var checker = SchemaChecker(nodes: try JSONSchema(schema).nodes, maximumSteps: 1_000)
        #expect(
            checker.problems(of: value, node: 0).map(\.description)
                == ["checking took more than 1000 steps; write less or nest less"])
    }
}

@Suite struct SchemaErrorTests {
    @Test(
        arguments: [
            (3, "at #: wanted a schema (an object, true or false), found integer"),
            (
                ["properties": ["a": ["minimun": 1]]],
                "at #/properties/a: unknown keyword \"minimun\" in a schema; did you mean \"minimum\"?"
            ),
            (
                ["type": "int"],
                "at #: \"type\" must be one or a list of null, boolean, integer, number, string, array, object"
            ),
            (["minLength": -1], "at #: \"minLength\" must be a whole number, at least 0"),
            (["multipleOf": 0], "at #: \"multipleOf\" must be more than 0"),
            (["enum": []], "at #: \"enum\" must be a list with at least one value"),
            (["then": true], "at #: \"if\" must be there where \"then\" or \"else\" is"),
            (
                ["$ref": "#/$defs/no"],
                "at #: \"$ref\" says \"#/$defs/no\", which is not there; wanted #, #/$defs/NAME or a schema of the host such as fanfold:run"
            ),
            (
                ["default": "a", "type": "integer"],
                "at #: the default does not fit its own schema: wanted a whole number, found \"a\""
            ),
            (
                ["properties": ["a": ["$ref": "#", "default": [:]]]],
                "at #/properties/a: references or defaults go in a circle, or follow one another more than 16 times at one place"
            ),
            (
                ["allOf": [["$ref": "#"]]],
                "at #/allOf/0: references or defaults go in a circle, or follow one another more than 16 times at one place"
            ),
            (
                ["format": "fanfold-duraton"],
                "at #: \"format\" must be one of fanfold-duration, fanfold-bytes, fanfold-reference"
            ),
        ] as [(JSON, String)])
    func `a schema that cannot mean what it says is refused`(
        _ schema: JSON, _ message: String
    ) {
        #expect(throws: SchemaError.self) { try JSONSchema(schema) }
        do throws(SchemaError) {
            _ = try JSONSchema(schema)
        } catch {
            #expect(error.description == message)
        }
    }

    @Test(arguments: ["\\d+", "(?:a)", "[a", "a\u{0}b"])
    func `a pattern that POSIX does not have is refused`(_ pattern: String) {
        #expect(throws: SchemaError.self) { try JSONSchema(["pattern": .string(pattern)]) }
    }

    @Test func `keywords of one's own begin with x-`() throws {
        #expect(try problems(["x-unit": "seconds", "title": "t"], 1) == [])
    }

    @Test func `a pattern longer than the limit is refused, one at the limit is not`() throws {
        let limit = JSONSchema.maximumPatternBytes
        _ = try JSONSchema(["pattern": .string(String(repeating: "a", count: limit))])
        #expect(throws: SchemaError.self) {
            try JSONSchema(["pattern": .string(String(repeating: "a", count: limit + 1))])
        }
    }
}

@Suite struct SchemaDefaultTests {
    @Test func `defaults are filled at every level, written keys stay first`() throws {
        let schema = try JSONSchema([
            "properties": [
                "retry": [
                    "type": "object", "default": [:],
                    "properties": ["attempts": ["type": "integer", "default": 3]],
                ],
                "size": ["default": "auto"],
                "members": ["items": ["properties": ["weight": ["default": 1]]]],
            ]
        ])
        let filled = schema.fillingDefaults(["members": [["name": "a"]], "size": 5])
        #expect(
            filled.text
                == #"{"members":[{"name":"a","weight":1}],"size":5,"retry":{"attempts":3}}"#)
    }

    @Test func `an alternative fills the defaults of the branch taken`() throws {
        let schema = try JSONSchema([
            "oneOf": [
                ["required": ["a"], "properties": ["x": ["default": 1]]],
                ["required": ["b"], "properties": ["y": ["default": 2]]],
            ]
        ])
        #expect(schema.fillingDefaults(["b": true]) == ["b": true, "y": 2])
    }
}

@Suite struct SchemaFormatTests {
    @Test func `durations are read to the nanosecond`() {
        #expect(SchemaFormat.nanoseconds("1h30m") == 5_400_000_000_000)
        #expect(SchemaFormat.nanoseconds("250ms") == 250_000_000)
        #expect(SchemaFormat.nanoseconds("1.5s") == 1_500_000_000)
        for wrong in ["", "10", "m", "10 m", "30m1h", "1h1h", "-1s", "1..5s", "300000d", "1e3s"] {
            #expect(SchemaFormat.nanoseconds(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `sizes are read to the byte`() {
        #expect(SchemaFormat.byteCount("512MiB") == 536_870_912)
        #expect(SchemaFormat.byteCount("2GB") == 2_000_000_000)
        #expect(SchemaFormat.byteCount("1.5 KiB") == 1_536)
        for wrong in ["", "12", "12M", "MiB", "12mib", "-1B", "99999999999TiB"] {
            #expect(SchemaFormat.byteCount(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `references are names joined by dots`() {
        #expect(SchemaFormat.referencePath("${inputs.my-rows}") == ["inputs", "my-rows"])
        for wrong in ["inputs.x", "${inputs}", "${inputs.}", "${.x}", "${a b.c}", "${", "}"] {
            #expect(SchemaFormat.referencePath(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `the nearest word is the one with fewest edits`() {
        #expect(nearest(to: "shardz", among: ["shares", "shards"]) == "shards")
        #expect(nearest(to: "wieght", among: ["weight"]) == "weight")
        #expect(nearest(to: "xyz", among: ["shards"]) == nil)
        #expect(nearest(to: "a", among: ["b"]) == nil)
        #expect(editDistance(Array("ca"), Array("ac")) == 1)
        #expect(editDistance([], Array("ac")) == 2)
    }
}
