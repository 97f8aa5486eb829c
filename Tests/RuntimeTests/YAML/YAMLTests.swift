import FanfoldJSON
import Testing

@testable import FanfoldRuntime

/// The value and the problems (`line:column: message`) of a text.
private func read(_ text: String) -> (json: JSON, problems: [String]) {
    let document = YAMLDocument(Array(text.utf8))
    return (
        document.root.json().0,
        document.problems.map { "\($0.range.start): \($0.message)" }
    )
}

private func problems(_ text: String) -> [String] { read(text).problems }

@Suite struct `YAML values` {
    @Test func `scalars follow the core schema of YAML 1_2`() {
        let cases: [(String, JSON)] = [
            ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
            ("12:30:45", "12:30:45"), ("2026-11-23", "2026-11-23"), ("1_000", "1_000"),
            ("0o17", 15), ("0x1F", 31), ("017", 17), ("+7", 7), ("-0", 0), ("0o18", "0o18"),
            ("0xZZ", "0xZZ"), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0),
            ("-1.5E-2", -0.015), ("1e", "1e"), (".", "."), ("-", [nil]), ("+", "+"),
            ("1.2.3", "1.2.3"),
            ("true", true), ("True", true), ("tRUE", "tRUE"), ("FALSE", false), ("~", nil),
            ("null", nil), ("Null", nil), ("\"1\"", "1"), ("'true'", "true"), ("''", ""),
            ("!!str 12", "12"), ("! 12", "12"), ("!!int \"12\"", 12), ("!!float 3", 3),
            ("9223372036854775807", 9_223_372_036_854_775_807),
            ("-9223372036854775808", -9_223_372_036_854_775_808), ("0e-999", 0.0),
            ("infinity", "infinity"), ("nan", "nan"), ("|\n  a\n  b\n", "a\nb\n"),
        ]
        for (text, wanted) in cases {
            let (json, problems) = read(text)
            #expect(json == wanted, "\(text)")
            #expect(problems == [], "\(text)")
        }
    }

    @Test func `an integer and a fraction are told apart`() {
        #expect(read("[1, 1.0]").json == .array([.integer(1), .number(1)]))
    }

    @Test func `numbers without a value are refused with their place`() {
        for text in [".nan", ".NaN", ".inf", "-.INF", "+.Inf"] {
            #expect(
                problems("a: \(text)") == [
                    "1:4: wanted a number that is finite, found \(text); "
                        + "quote it if a string is meant"
                ])
        }
        for text in ["9223372036854775808", "1e309", "1e-400", "0xFFFFFFFFFFFFFFFFF"] {
            #expect(problems("a:\n  - \(text)").count == 1, "\(text)")
            #expect(
                problems("a:\n  - \(text)")[0].hasPrefix("2:5: the number \(text) is out of range"))
        }
    }

    @Test func `anchors and aliases are replaced and an alias keeps its own place`() throws {
        let document = YAMLDocument(Array("a: &x {n: 1}\nb: *x\n".utf8))
        let (json, map) = document.root.json()
        #expect(json == ["a": ["n": 1], "b": ["n": 1]])
        let alias = try #require(map[JSONPointer(["b"])])
        #expect(alias.value.start == Place(line: 2, column: 4))
        #expect(alias.value.end == Place(line: 2, column: 6))
        #expect(alias.key?.start == Place(line: 2, column: 1))
        #expect(map[JSONPointer(["b", "n"])]?.value.start == Place(line: 1, column: 11))
    }

    @Test func `every key and value has its place`() throws {
        let text = "tasks:\n  a:\n    - x\n    - {k: [1, 2]}\n"
        let map = YAMLDocument(Array(text.utf8)).root.json().1
        func value(_ path: String) throws -> String {
            let pointer = try #require(JSONPointer(parsing: path))
            let entry = try #require(map[pointer])
            return "\(entry.key.map { "\($0.start)-\($0.end) " } ?? "")\(entry.value.start)"
        }
        #expect(try value("") == "1:1")
        #expect(try value("/tasks") == "1:1-1:6 2:3")
        #expect(try value("/tasks/a") == "2:3-2:4 3:5")
        #expect(try value("/tasks/a/0") == "3:7")
        #expect(try value("/tasks/a/1") == "4:7")
        #expect(try value("/tasks/a/1/k/1") == "4:15")
    }

    @Test func `columns count Unicode scalars and a byte order mark is no column`() {
        #expect(problems("\u{FEFF}\"é😀\": .nan")[0].hasPrefix("1:7: "))
        #expect(problems("\"e\u{301}\": .nan")[0].hasPrefix("1:7: "))
    }

    @Test func `lines end with CR LF, CR or LF`() {
        #expect(problems("a: 1\r\nb: 2\r\nc: .nan\r\n")[0].hasPrefix("3:4: "))
        #expect(problems("a: 1\rb: .nan")[0].hasPrefix("2:4: "))
        #expect(read("a: 1\r\nb: x\r\n").json == ["a": 1, "b": "x"])
    }
}

@Suite struct `YAML refusals` {
    @Test func `a key that stands twice is refused with both places`() {
        let document = YAMLDocument(Array("a: 1\nb: 2\na: 3\n".utf8))
        #expect(document.problems.map(\.message) == ["the key \"a\" stands twice"])
        #expect(document.problems[0].range.start == Place(line: 3, column: 1))
        #expect(document.problems[0].notes.first?.place == Place(line: 1, column: 1))
        #expect(document.root.json().0 == ["a": 1, "b": 2])
    }

    @Test func `merge keys, other tags, collections as keys and empty keys are refused`() {
        #expect(problems("a: &x {b: 1}\nc:\n  <<: *x\n")[0].hasPrefix("3:3: merge keys (<<)"))
        #expect(problems("\"<<\": 1") == [])
        #expect(problems("a: !foo 1")[0].hasPrefix("1:4: the tag !foo is not known here"))
        #expect(problems("a: !!binary aGk=")[0].contains("tag:yaml.org,2002:binary"))
        #expect(problems("a: !!map [1]")[0].contains("tag:yaml.org,2002:map"))
        #expect(problems("a: !!int x")[0] == "1:4: wanted a whole number, found \"x\"")
        #expect(problems("? [a]\n: b")[0] == "1:3: wanted a key that is text, found a collection")
        #expect(problems("?\n: b") == ["1:2: wanted a key before ':'"])
    }

    @Test func `an alias needs an anchor before it and not around it`() {
        #expect(problems("a: *x")[0].hasPrefix("1:4: the alias *x has no anchor &x before it"))
        #expect(problems("a: &x [*x]")[0] == "1:8: the alias *x stands inside what it stands for")
    }

    @Test func `an alias bomb is refused`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = (0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let problems = problems(text)
        #expect(problems.count == 1)
        #expect(problems[0].contains("more than 100000 values"))
    }

    @Test func `the number of values is limited, aliases being replaced`() {
        func list(_ count: Int) -> String {
            "[" + repeatElement("1", count: count).joined(separator: ",") + "]"
        }
        #expect(problems(list(YAMLDocument.maximumNodes - 1)) == [])
        #expect(problems(list(YAMLDocument.maximumNodes)).count == 1)
    }

    @Test func `nesting is limited, aliases being replaced`() {
        func nested(_ depth: Int, _ inner: String = "") -> String {
            String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth)
        }
        #expect(problems(nested(64)) == [])
        #expect(problems(nested(65)) == ["1:65: nested deeper than 64 levels"])
        #expect(problems("a: &x \(nested(32))\nb: \(nested(31, "*x"))") == [])
        #expect(
            problems("a: &x \(nested(32))\nb: \(nested(32, "*x"))") == [
                "2:36: nested deeper than 64 levels"
            ])
        #expect(problems(nested(100_000)).count == 1)
    }

    @Test func `the size of a document is limited`() {
        let most = YAMLDocument.maximumBytes
        #expect(problems("\"" + String(repeating: "a", count: most - 2) + "\"") == [])
        #expect(
            problems("\"" + String(repeating: "a", count: most - 1) + "\"") == [
                "1:1: the document is larger than 4 MiB; "
                    + "put data in files and name them under inputs:"
            ])
    }

    @Test func `bytes that are not UTF-8 are refused with their place`() {
        let document = YAMLDocument(Array("a: 1\nbé: ".utf8) + [0xFF, 0x41])
        #expect(
            document.problems.map(\.message) == [
                "wanted UTF-8, found byte 0xff; save the document as UTF-8"
            ])
        #expect(document.problems[0].range.start == Place(line: 2, column: 5))
        for bytes: [UInt8] in [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] {
            #expect(YAMLDocument(bytes).problems.count == 1)
        }
    }

    @Test func `a control character is refused with its place`() {
        #expect(problems("a: 1\nb: x\u{7}y")[0].hasPrefix("2:5: the character U+0007 cannot"))
        #expect(problems("a: \"\\x07\"") == [])
    }

    @Test func `mistakes in the syntax say what was wanted`() {
        let cases: [(String, String)] = [
            ("a:\n\t- 1", "2:1: a tab cannot indent; use spaces"),
            ("a: [1, 2", "1:9: wanted ',' or ']' in the sequence, found the end of the document"),
            ("a: {b: 1\nc: 2", "2:2: wanted ',' or '}' in the mapping, found ':'"),
            (
                "a: b: c",
                "1:5: a ':' cannot stand here; quote the text that holds it, or check the indentation"
            ),
            ("a: \"x", "1:4: wanted a closing quote, found the end of the document"),
            ("a:\n  b: 1\n c: 2", "3:2: wanted a key at the indentation of its mapping, found 'c'"),
            ("- a\nb: 1", "2:1: wanted '-' for the next element of the sequence, found 'b'"),
            ("a: @x", "1:4: '@' cannot begin a value; put the value in quotes"),
            (
                "a: \"\\q\"",
                "1:5: unknown escape in double quotes; a backslash itself is written \\\\"
            ),
            ("a: 1\nb", "2:2: wanted ':' after the key, found the end of the document"),
            ("a: 1\n---\nb: 2", "2:1: wanted one document, found the start of a second"),
            (
                "a: {from: ${tasks.x.output}, b: 1}",
                "1:11: a reference within { } or [ ] is put in quotes: \"${tasks.x.output}\""
            ),
            ("}", "1:1: wanted a value, found '}'"),
        ]
        for (text, wanted) in cases { #expect(problems(text) == [wanted], "\(text)") }
    }

    @Test func `several mistakes are found in one go`() {
        #expect(problems("a: .nan\nb: !x 1\na: *q\n").count == 4)
    }

    @Test func `an empty document is null`() {
        #expect(read("").json == .null)
        #expect(read("# nothing\n").json == .null)
        #expect(problems("") == [])
    }
}

@Suite struct `YAML robustness` {
    @Test func `a document with random changes is read or refused and never crashes`() {
        let valid = Array(
            """
            fanfold: 1
            inputs:
              a: &x {file: "data/*.txt", format: lines}
              b: *x
            tasks:
              t: {input: ['${inputs.a}', "é😀"], run: {command: [cat, -n]}}
              u:
                - |
                  text
                - !!str 12
                - ? k
                  : [1, 2.5, ~]
            """.utf8)
        var generator = SplitMix(state: 7)
        for _ in 0..<4_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2:
                    bytes.insert(
                        contentsOf: "{[]}:-&*!|>'\"#%@`\t\r\n ,?".utf8.shuffled(using: &generator)
                            .prefix(2), at: place)
                default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
                }
            }
            let document = YAMLDocument(bytes)
            _ = document.root.json()
            for problem in document.problems { #expect(problem.range.start.line >= 1) }
        }
    }
}

/// The same numbers on every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
