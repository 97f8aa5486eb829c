import FanfoldJSON
import Testing

@testable import FanfoldRuntime

struct DatasetTests {
    private func dataset(_ format: DataFormat, _ text: String) throws -> Dataset {
        try Dataset(format: format, pieces: [Payload(text: text).whole])
    }

    private func text(
        _ parts: [InputPart], names: [String]? = nil, as format: DataFormat
    ) throws -> String {
        String(decoding: try DataEncoding.bytes(of: parts, names: names, as: format), as: UTF8.self)
    }

    private func text(_ slice: DataSlice, as format: DataFormat? = nil) throws -> String {
        try text([.slice(slice)], as: format ?? slice.dataset.format)
    }

    private func failure(_ format: DataFormat, _ text: String) -> DataError? {
        do {
            _ = try dataset(format, text)
            return nil
        } catch {
            return error as? DataError
        }
    }

    @Test(arguments: [
        (DataFormat.json, "[1, [2, 3], {\"a\": \"]\"}]", 3), (.json, "{\"a\": 1}", 1),
        (.json, " [ ] ", 0), (.jsonl, "1\n\n  \n2\r\n3", 3), (.jsonl, "", 0),
        (.csv, "a,b\n1,2\r\n3,4", 2), (.csv, "a\n\"x\ny\"\n\"q\"\"\"\n\n", 2), (.csv, "a,b", 0),
        (.csv, "", 0), (.lines, "x\ny", 2), (.lines, "x\r\n\ny\n", 3), (.lines, "", 0),
        (.bytes, "", 1), (.bytes, "x\ny", 1),
    ])
    func `items are counted by the rules of their format`(
        format: DataFormat, text: String, count: Int
    ) throws {
        #expect(try dataset(format, text).count == count)
    }

    @Test func `an error in data names its line and column`() {
        #expect(
            failure(.json, "[1,\n 2,]")
                == .malformedJSON(
                    path: nil, line: 2, column: 4, message: "wanted a value, found ']'"))
        #expect(failure(.json, "[1] x")?.description.hasPrefix("line 1, column 5:") == true)
        #expect(failure(.json, "")?.line == 1)
        #expect(
            failure(.csv, "a,b\n\"x\n\",2\n3\n")
                == .wrongFieldCount(path: nil, line: 4, wanted: 2, found: 1))
        #expect(failure(.csv, "a,b\n1,\"2\n")?.line == 2)
        #expect(failure(.csv, "a\n\"x\"y\n")?.line == 2)
    }

    @Test func `a file that is missing or a directory is refused with its path`() {
        #expect(throws: DataError.missingFile(path: "/nonexistent/x")) {
            try Dataset.open(path: "/nonexistent/x", format: .lines)
        }
        #expect(throws: DataError.notAFile(path: "/", found: "a directory")) {
            try Dataset.open(path: "/", format: .lines)
        }
    }

    @Test func `slices of text are the bytes of their items`() throws {
        #expect(try text(dataset(.lines, "a\nb\r\nc").slice(from: 1, count: 2)) == "b\r\nc")
        #expect(try text(dataset(.jsonl, "1\n\n2\n").slice(from: 1, count: 1)) == "2\n")
        #expect(try text(dataset(.csv, "h,i\n1,2\n3,4\n").slice(from: 1, count: 1)) == "h,i\n3,4\n")
        #expect(try text(dataset(.csv, "h\n1\n").slice(from: 0, count: 0)) == "h\n")
        let json = try dataset(.json, "[1, {\"a\": [2]} , \"x\"]")
        #expect(try text(json.slice(from: 1, count: 1)) == "[{\"a\": [2]}]")
        #expect(try text(json.slice(from: 0, count: 0)) == "[]")
        #expect(try text(json.whole) == "[1, {\"a\": [2]} , \"x\"]")
    }

    @Test(arguments: [DataFormat.lines, .jsonl])
    func `slices one after the other are the whole`(format: DataFormat) throws {
        var source = "\n"
        for index in 0..<1000 {
            source += "\"\(index * 7919 % 1000)\"\(index % 5 == 0 ? "\n" : "")\n"
        }
        let data = try dataset(format, source)
        for step in [1, 2, 255, 256, 257, 999, 5000] {
            var joined = ""
            var from = 0
            while from < data.count {
                let count = min(step, data.count - from)
                joined += try text(data.slice(from: from, count: count))
                from += count
            }
            #expect(joined == source, "step \(step)")
        }
    }

    @Test func `rows of a table in slices are the rows of the whole`() throws {
        var source = "id,text\n"
        for index in 0..<700 { source += "\(index),\"a\n\"\"b\"\" \(index)\"\r\n" }
        let data = try dataset(.csv, source)
        var joined = "id,text\n"
        for from in stride(from: 0, to: 700, by: 100) {
            joined += try text(data.slice(from: from, count: 100)).dropFirst("id,text\n".count)
        }
        #expect(data.count == 700)
        #expect(joined == source)
        #expect(
            try text(data.slice(from: 699, count: 1), as: .jsonl)
                == "{\"id\":\"699\",\"text\":\"a\\n\\\"b\\\" 699\"}\n")
    }

    @Test func `a million lines are found as a walk over them finds them`() throws {
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        for index in 0..<1_000_000 {
            offsets.append(bytes.count)
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: index % 7))
            bytes.append(.lineFeed)
        }
        let data = try Dataset(format: .lines, pieces: [Payload(bytes).whole])
        #expect(data.count == 1_000_000)
        for index in [0, 1, 255, 256, 257, 65_536, 999_743, 999_999] {
            let slice = data.slice(from: index, count: 1)
            let end = index + 1 < offsets.count ? offsets[index + 1] : bytes.count
            #expect(try text(slice).utf8.count == end - offsets[index])
            #expect(slice.byteCount == end - offsets[index])
        }
    }

    @Test func `pieces are one sequence, with line ends between them`() throws {
        let lines = try Dataset(
            format: .lines, pieces: ["a\nb", "", "c\n"].map { Payload(text: $0).whole })
        #expect(lines.count == 3)
        #expect(try text(lines.whole) == "a\nb\nc\n")
        #expect(try text(lines.slice(from: 1, count: 2)) == "b\nc\n")
        let json = try Dataset(
            format: .json, pieces: ["[1,2]", "[]", "3"].map { Payload(text: $0).whole })
        #expect(try text(json.whole) == "[1,2,3]")
        let tables = try Dataset(
            format: .csv, pieces: ["h\n1\n", "h\r\n2"].map { Payload(text: $0).whole })
        #expect(try text(tables.whole) == "h\n1\n2")
        #expect(throws: DataError.headerDiffers(wanted: "h", found: "i")) {
            try Dataset(format: .csv, pieces: ["h\n1\n", "i\n2"].map { Payload(text: $0).whole })
        }
        #expect(try Dataset(format: .json, pieces: []).count == 0)
        #expect(try text(Dataset(format: .json, pieces: []).whole) == "[]")
    }

    @Test func `ten million integers are not stored`() throws {
        let range = Dataset(range: 5..<10_000_005)
        #expect(range.count == 10_000_000)
        #expect(range.byteCount == 0)
        #expect(
            try text(range.slice(from: 9_999_998, count: 2), as: .lines) == "10000003\n10000004\n")
        #expect(try text(range.slice(from: 0, count: 2), as: .json) == "[5,6]")
    }

    @Test func `items change their format`() throws {
        let rows = try dataset(.csv, "a,b\n1,\"x,y\"\n").whole
        #expect(try text(rows, as: .json) == "[{\"a\":\"1\",\"b\":\"x,y\"}]")
        let objects = try dataset(.jsonl, "{\"a\":1,\"b\":\"x,\\\"y\"}\n{\"b\":null}\n").whole
        #expect(try text(objects, as: .csv) == "a,b\n1,\"x,\"\"y\"\n,\n")
        #expect(
            try text(dataset(.json, "{\"k\":1,\"l\":\"m\"}").whole, as: .csv)
                == "key,value\nk,1\nl,m\n")
        #expect(try text(dataset(.json, "[\"x\", 2, [3]]").whole, as: .lines) == "x\n2\n[3]\n")
        #expect(try text(dataset(.json, "[{\n\"a\": 1\n}]").whole, as: .jsonl) == "{\"a\":1}\n")
        #expect(try text(dataset(.lines, "a\"\r\nb").whole, as: .json) == "[\"a\\\"\",\"b\"]")
        #expect(try text(dataset(.lines, "a\nb").whole, as: .csv) == "value\na\nb\n")
        #expect(try text(Dataset(files: ["/a", "/b"]).whole, as: .jsonl) == "\"/a\"\n\"/b\"\n")
        #expect(throws: DataError.self) { try text(dataset(.json, "[[1]]").whole, as: .csv) }
        #expect(throws: DataError.notUTF8(path: nil, line: 2)) {
            let bytes = Payload([0x61, 0x0A, 0xFF, 0x0A]).whole
            _ = try text([.payload(bytes, .lines)], as: .json)
        }
    }

    @Test func `named parts are one object`() throws {
        let parts: [InputPart] = [
            .slice(try dataset(.jsonl, "1\n2\n").whole),
            .payload(Payload(text: "{\"x\": true}").whole, .json),
        ]
        #expect(
            try text(parts, names: ["n", "o"], as: .json) == "{\"n\":[1,2],\"o\":{\"x\": true}}")
        #expect(try parts[1].value() == ["x": true])
        #expect(try text(parts, as: .json) == "[1,2,{\"x\": true}]")
    }

    @Test func `what the scanner accepts the parser accepts`() {
        let texts = [
            "1", "-0.5e3", "01", "1.", "1e999", "\"\\u00e9\\ud83d\\ude00\"", "\"\\ud83d\"",
            "\"\t\"",
            "[1,]", "{\"a\":}", "{\"a\":1,}", "nul", "[[[[]]]]", "{}", "", "[1 2]", "tru", "\"x",
            String(repeating: "[", count: 128) + String(repeating: "]", count: 128),
            String(repeating: "[", count: 129) + String(repeating: "]", count: 129),
        ]
        for text in texts {
            let parsed = (try? JSON(parsing: text)) != nil
            let scanned = Array(text.utf8).withUnsafeBytes { (try? JSONScanner.check($0)) != nil }
            #expect(parsed == scanned, "\(text.prefix(20))")
        }
    }
}
