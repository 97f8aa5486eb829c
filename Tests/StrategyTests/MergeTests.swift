import FanfoldJSON
import PluginKit
import PluginMerges
import Testing

/// Merges these texts, arriving in the order `arrival` shuffles them into.
func merged(
    _ merge: Merge, _ texts: [String], format: PieceFormat = .json, reading: Reading = .each,
    weights: [Double] = [], names: [String] = [], arrival: UInt64 = 0
) throws -> String {
    let sink = RecordingSink()
    var fold = Fold(merge, reading, format: format)
    var order = Array(texts.indices)
    if arrival > 0 {
        var random = Seeded(state: arrival)
        order.shuffle(using: &random)
    }
    for index in order {
        try fold.add(
            Piece(
                index: index, name: names.isEmpty ? "piece-\(index)" : names[index],
                format: format, weight: weights.isEmpty ? 1 : weights[index],
                items: texts[index].split(separator: "\n").count,
                blob: Blob(Array(texts[index].utf8))), into: sink)
    }
    try fold.finish(into: sink)
    return sink.outputs.flatMap(\.parts).map { part in
        switch part {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .blob(let blob): String(decoding: blob.bytes, as: UTF8.self)
        case .slice(let blob, let from, let count):
            String(decoding: blob.bytes[from..<from + count], as: UTF8.self)
        case .items, .result: "?"
        }
    }.joined()
}

/// The message with which a merge refuses these texts.
func refusal(
    _ merge: Merge, _ texts: [String], format: PieceFormat = .json, reading: Reading = .each
) -> String {
    do {
        return "no refusal: " + (try merged(merge, texts, format: format, reading: reading))
    } catch {
        return "\(error)"
    }
}

@Suite struct MergeTests {
    @Test func `concat joins lines and adds the newline that is missing between pieces`() throws {
        #expect(try merged(.concat, ["a\n", "b", "", "c"], format: .lines) == "a\nb\nc")
        #expect(try merged(.concat, ["{}\n", "1"], format: .jsonl) == "{}\n1")
        #expect(try merged(.concat, ["ab", "c"], format: .bytes) == "abc")
    }

    @Test func `concat keeps one header of CSV and refuses another`() throws {
        let pieces = ["a,b\n1,2\n", "a,b\n3,4", "a,b\n", "a,b\n5,6\n"]
        #expect(try merged(.concat, pieces, format: .csv) == "a,b\n1,2\n3,4\n5,6\n")
        #expect(refusal(.concat, ["a\n1\n", "b\n2\n"], format: .csv).contains("header"))
    }

    @Test func `concat joins JSON arrays and collects other values`() throws {
        #expect(
            try merged(.concat, ["[1,2]\n", " [] ", "[ 3 ]", "{\"a\":1}"]) == "[1,2,3,{\"a\":1}]")
        #expect(try merged(.concat, []) == "[]")
    }

    @Test func `interleave takes turns and goes on with the longer ones`() throws {
        #expect(
            try merged(.interleave, ["a\nb\nc\n", "1\n"], format: .lines) == "a\n1\nb\nc\n")
    }

    @Test func `sums go key by key with sorted keys, wherever the input was cut`() throws {
        let whole = try merged(.sum, [#"{"b":1,"a":{"x":2}}"#, #"{"c":4,"b":2}"#])
        #expect(whole == #"{"a":{"x":2},"b":3,"c":4}"#)
        #expect(try merged(.sum, [#"{"c":4,"b":3,"a":{"x":2}}"#]) == whole)
    }

    @Test func `sums of whole numbers are exact and refuse to overflow`() throws {
        #expect(
            try merged(.sum, ["9007199254740993", "2", "-1"]) == "9007199254740994")
        #expect(
            refusal(.sum, ["9223372036854775807", "1"]).contains("beyond what a number can hold"))
    }

    @Test func `floating-point sums do not depend on order or cut`() throws {
        let texts = ["0.1", "1e16", "0.2", "-1e16", "0.3", "7"]
        let expected = try merged(.sum, texts)
        #expect(expected == "7.6")
        for arrival in 1..<50 {
            #expect(try merged(.sum, texts, arrival: UInt64(arrival)) == expected)
        }
        #expect(try merged(.sum, [texts.joined(separator: "\n")], format: .lines) == expected)
    }

    @Test func `what is no number is refused with its place`() {
        #expect(
            refusal(.sum, [#"{"a":[1,null]}"#]).contains("at /a/1: wanted a number, found null"))
        #expect(refusal(.mean, ["1\nnan\n"], format: .lines).contains("found the text \"nan\""))
        #expect(refusal(.max, ["[1]", "[1,2]"]).contains("length 2"))
        #expect(refusal(.min, ["1", "{\"a\":1}"]).contains("wanted a number as before"))
    }

    @Test func `median takes the middle, best the best, top-k the first of equals`() throws {
        #expect(try merged(.median, ["3", "1", "2"]) == "2")
        #expect(try merged(.median, ["4", "1"]) == "2.5")
        #expect(
            try merged(
                .best(by: "s", lowest: false),
                [#"{"s":1}"#, #"{"s":2,"n":"a"}"#, #"{"s":2,"n":"b"}"#])
                == #"{"s":2,"n":"a"}"#)
        let top = Merge.topK(.init(k: 2, by: "s"))
        #expect(
            try merged(top, [#"{"s":1}"#, #"{"s":3,"n":1}"#, #"{"s":3,"n":2}"#])
                == #"[{"s":3,"n":1},{"s":3,"n":2}]"#)
    }

    @Test func `union, count, histogram`() throws {
        #expect(try merged(.union(sorted: false), ["[3,1]", "[1.0,2]"]) == "[3,1,2]")
        #expect(try merged(.union(sorted: true), ["[3,1]", "[1,2]"]) == "[1,2,3]")
        #expect(try merged(.count, ["a\nb\n", "c"], format: .lines) == "3")
        #expect(
            try merged(.histogram(edges: []), ["b\na\n", "b\n"], format: .lines)
                == #"{"a":1,"b":2}"#)
        #expect(
            try merged(.histogram(edges: [0, 1, 2]), ["-1\n0\n1\n2\n3\n"], format: .lines)
                == #"{"edges":[0.0,1.0,2.0],"counts":[1,2],"below":1,"above":1}"#)
    }

    @Test func `a dictionary says what happens with a key that comes twice`() throws {
        let texts = [#"{"b":1,"a":1}"#, #"{"a":2}"#]
        #expect(refusal(.dictionary(.error), texts).contains("the key \"a\" was there before"))
        #expect(try merged(.dictionary(.first), texts) == #"{"a":1,"b":1}"#)
        #expect(try merged(.dictionary(.last), texts) == #"{"a":2,"b":1}"#)
        #expect(try merged(.dictionary(.list), texts) == #"{"a":[1,2],"b":[1]}"#)
    }

    @Test func `votes count item by item, by weight, and against a threshold`() throws {
        let texts = ["a\nb\n", "a\nc\n", "b\nc\n"]
        #expect(try merged(.vote(.init()), texts, format: .lines, reading: .whole) == "a\nc\n")
        #expect(
            try merged(
                .vote(.init(weighted: true)), texts, format: .lines, reading: .whole,
                weights: [5, 1, 1]) == "a\nb\n")
        #expect(
            try merged(
                .vote(.init(threshold: 0.7)), ["\"x\"", "\"x\"", "\"y\""], reading: .whole)
                == "null")
        #expect(try merged(.vote(.init()), ["true", "false", "true"], reading: .whole) == "true")
    }

    @Test func `percentiles pool the samples of all pieces`() throws {
        let merge = try JSON(parsing: #"{"metrics": {"latency": ["p50", "p95"], "n": "sum"}}"#)
            .decode(Merge.self)
        #expect(
            try merged(merge, [#"{"latency":[1,2],"n":2}"#, #"{"latency":[3,100],"n":2}"#])
                == #"{"latency":{"p50":2,"p95":100},"n":4}"#)
    }

    static let all: [Merge] = [
        .concat, .interleave, .sum, .mean, .average, .min, .max, .median, .count,
        .histogram(edges: []), .topK(.init(k: 3)), .union(sorted: false), .union(sorted: true),
        .vote(.init()),
    ]

    @Test(arguments: all)
    func `any arrival order gives the same bytes`(merge: Merge) throws {
        var random = Seeded(state: 7)
        let texts = (0..<17).map { _ in
            (0..<3).map { _ in "\(Double.random(in: -5...5, using: &random))\n" }.joined()
        }
        let expected = try merged(merge, texts, format: .lines)
        for arrival in 1...30 {
            #expect(try merged(merge, texts, format: .lines, arrival: UInt64(arrival)) == expected)
        }
    }

    @Test func `the merge of nothing is stated`() throws {
        let expected: [(Merge, String)] = [
            (.concat, "[]"), (.interleave, "[]"), (.sum, "0"), (.mean, "null"),
            (.average, "null"), (.min, "null"), (.max, "null"), (.median, "null"), (.count, "0"),
            (.histogram(edges: []), "{}"), (.topK(.init(k: 1)), "[]"),
            (.union(sorted: false), "[]"), (.dictionary(.error), "{}"), (.vote(.init()), "null"),
            (.best(by: "s", lowest: false), "null"), (.first(1), "[]"),
            (.metrics(JSONObject()), "{}"),
            (.custom(run: ["command": ["x"], "stdout": "json"]), "null"),
        ]
        for (merge, bytes) in expected { #expect(try merged(merge, []) == bytes, "\(merge.name)") }
    }

    @Test func `a configuration that is wrong says what there is`() throws {
        for text in [
            #""summ""#, #"{"vote": "loud"}"#, #"{"top-k": {"k": 0}}"#, #"{"a": 1, "b": 2}"#,
            #"{"histogram": {"edges": [2, 1]}}"#, #"{"metrics": {"a": "q9"}}"#, #"{"best": {}}"#,
        ] {
            #expect(throws: DecodingError.self) { try JSON(parsing: text).decode(Merge.self) }
        }
    }
}
