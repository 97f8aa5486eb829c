import FanfoldJSON
import Testing

struct JSONParsingTests {
    @Test func `whole numbers and real numbers are told apart`() throws {
        #expect(
            try JSON(parsing: "[1, 1.0, -0, 1e2, 9223372036854775807]").text
                == "[1,1.0,0,100.0,9223372036854775807]")
    }

    @Test func `a whole number beyond 64 bits becomes a real one`() throws {
        #expect(try JSON(parsing: "9223372036854775808") == .number(9_223_372_036_854_775_808))
    }

    @Test func `keys keep their order, and equality ignores it`() throws {
        let value = try JSON(parsing: #"{"b": 1, "a": 2}"#)
        #expect(value.text == #"{"b":1,"a":2}"#)
        #expect(value == ["a": 2, "b": 1])
        #expect(value.hashValue == (["a": 2, "b": 1] as JSON).hashValue)
    }

    @Test func `escapes are read, and written only where they must be`() throws {
        let value = try JSON(parsing: #""a\u00e9\n\"\\\/\ud83d\ude00""#)
        #expect(value == .string("aé\n\"\\/😀"))
        #expect(value.text == #""aé\n\"\\/😀""#)
        #expect((.string("\u{1}") as JSON).text == #""\u0001""#)
    }

    @Test(arguments: [
        ("", "1:1: wanted a value, found the end"),
        ("[1,\n 2,]", "2:4: wanted a value, found ']'"),
        ("{\"a\" 1}", "1:6: wanted ':' after the key \"a\", found '1'"),
        ("{\"a\":1,\"a\":2}", "1:8: the key \"a\" stands twice in one object"),
        ("01", "1:2: a number must not begin with 0"),
        ("1e400", "1:1: the number 1e400 is out of range"),
        ("\"a\tb\"", "1:3: a control character in a string must be escaped"),
        ("\"\\ud800x\"", "1:8: wanted the second half of a surrogate pair, found 'x'"),
        ("tru", "1:4: wanted the word true, found the end"),
        ("1 2", "1:3: wanted the end of the document, found '2'"),
        ("NaN", "1:1: wanted a value, found 'N'"),
    ])
    func `a mistake is named with its place`(_ text: String, _ message: String) {
        let error = #expect(throws: JSONParseError.self) { try JSON(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `nesting is bounded`() throws {
        let deepest = JSON.maximumDepth
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSON(parsing: nested(deepest))
        #expect(throws: JSONParseError.self) { try JSON(parsing: nested(deepest + 1)) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        #expect(throws: JSONParseError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func `no prefix of a document is a document, and none crashes`() throws {
        let text = Array(#"{"a":[1,2.5,"x\u00e9",null,true],"b":{"c":-1e-3}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: JSONParseError.self) { try JSON(parsing: Array(text[..<length])) }
        }
        #expect(try JSON(parsing: text).bytes == JSON(parsing: JSON(parsing: text).bytes).bytes)
    }
}

struct JSONObjectTests {
    @Test(arguments: [1, 11, 12, 13, 1_000])
    func `members are found, changed and removed at every size`(_ count: Int) {
        var object = JSONObject((0..<count).map { ("k\($0)", .integer(Int64($0))) })
        #expect(object.count == count)
        #expect(object["k\(count - 1)"] == .integer(Int64(count - 1)))
        object["k0"] = "changed"
        #expect(object["k0"] == "changed")
        #expect(object.keys.first == "k0")
        object["k0"] = nil
        #expect(object["k0"] == nil)
        #expect(object.count == count - 1)
        if count > 1 { #expect(object["k\(count - 1)"] == .integer(Int64(count - 1))) }
    }

    @Test func `sorting is by bytes, whatever the language`() {
        let object = JSONObject([("é", 1), ("z", 2), ("a", 3), ("Z", 4)])
        #expect(object.sorted().keys == ["Z", "a", "z", "é"])
    }

    @Test func `update begins from the default once`() {
        var object = JSONObject()
        for _ in 0..<3 {
            object.update("n", default: 0) { value in
                value = .integer((value.integerValue ?? 0) + 1)
            }
        }
        #expect(object["n"] == 3)
    }
}

struct JSONPointerTests {
    @Test func `a pointer finds its value and survives being written`() throws {
        let document: JSON = ["a/b": [["~": 7]]]
        let pointer = try #require(JSONPointer(parsing: "/a~1b/0/~0"))
        #expect(document.value(at: pointer) == 7)
        #expect(pointer.description == "/a~1b/0/~0")
        #expect(document.value(at: JSONPointer()) == document)
        #expect(document.value(at: JSONPointer(["a/b", "1"])) == nil)
    }

    @Test func `a text that does not begin with a slash is no pointer`() {
        #expect(JSONPointer(parsing: "a") == nil)
        #expect(JSONPointer(parsing: "")?.tokens == [])
    }
}

struct JSONDecodingTests {
    private struct Sample: Decodable, Equatable {
        var name: String
        var counts: [Int]
        var share: Double?
        var rest: JSON
    }

    @Test func `a value is decoded, unknown keys are ignored`() throws {
        let json: JSON = ["name": "x", "counts": [1, 2.0], "rest": ["a": nil], "more": 1]
        let sample = try json.decode(Sample.self)
        #expect(sample == Sample(name: "x", counts: [1, 2], share: nil, rest: ["a": nil]))
    }

    @Test func `a mistake carries its path`() throws {
        let json: JSON = ["name": "x", "counts": [1, "two"], "rest": 0]
        do {
            _ = try json.decode(Sample.self)
            Issue.record("a string is no number")
        } catch let DecodingError.typeMismatch(_, context) {
            #expect(context.codingPath.map(\.stringValue) == ["counts", "1"])
            #expect(context.debugDescription.hasPrefix("wanted a whole number"))
        }
    }

    @Test func `a boolean is not a number`() {
        #expect(throws: DecodingError.self) { try (true as JSON).decode(Int.self) }
        #expect((true as JSON).doubleValue == nil)
    }
}
