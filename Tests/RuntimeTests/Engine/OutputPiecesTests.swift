import FanfoldJSON
import Testing

@testable import FanfoldRuntime

@Suite struct `Output pieces` {
    private func dataset(_ format: DataFormat?, _ texts: [String]) throws -> Dataset {
        var pieces = OutputPieces()
        pieces.format = format
        pieces.pieces = texts.map { Payload(text: $0).whole }
        return try pieces.dataset()
    }

    private func text(_ dataset: Dataset) throws -> String {
        String(
            decoding: try DataEncoding.bytes(
                of: [.slice(dataset.whole)], names: nil, as: dataset.format),
            as: UTF8.self)
    }

    @Test func `pieces of a document are one document`() throws {
        let data = try dataset(.json, ["[1,", "", "2", ",{\"a\":3}]"])
        #expect(data.count == 3)
        #expect(try text(data) == "[1,2,{\"a\":3}]")
    }

    @Test func `pieces of a table have one header`() throws {
        let data = try dataset(.csv, ["a,b\n1,", "2\n", "3,4\n"])
        #expect(data.count == 2)
        #expect(try text(data) == "a,b\n1,2\n3,4\n")
    }

    @Test(arguments: [
        (["ab", "c\n"], ["abc"]), (["a\n", "b\n"], ["a", "b"]),
        (["ab", "", "c\nd", "e"], ["abc", "de"]), (["", "a\n", "", "b"], ["a", "b"]),
        (["a", "b", "c"], ["abc"]), (["a", ""], ["a"]), (["a\n", "", "\n"], ["a", ""]),
    ])
    func `a line that goes on in the next piece is one line`(
        pieces: [String], wanted: [String]
    ) throws {
        let data = try dataset(.lines, pieces)
        let lines = try text(data).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(data.count == wanted.count)
        #expect(lines.prefix(wanted.count).map(String.init) == wanted)
    }

    @Test func `lines that are whole stay where they are`() throws {
        let payloads = ["1\n2\n", "3\n"].map { Payload(text: $0) }
        var pieces = OutputPieces()
        pieces.format = .jsonl
        pieces.pieces = payloads.map(\.whole)
        guard case .pieces(let list) = try pieces.dataset().content else {
            Issue.record("lines are pieces")
            return
        }
        #expect(list.pieces.count == 2)
        for (piece, payload) in zip(list.pieces, payloads) {
            #expect(piece.slice.payload === payload)
        }
    }

    @Test(arguments: [
        (DataFormat.json, 0), (.jsonl, 0), (.csv, 0), (.lines, 0), (.files, 0), (.range, 0),
        (.bytes, 1),
    ])
    func `without pieces there are no items`(format: DataFormat, count: Int) throws {
        #expect(try dataset(format, []).count == count)
        #expect(try dataset(format, []).format == format.streamFormat)
    }

    @Test func `bytes are what no format is stated for`() throws {
        let data = try dataset(nil, ["a", "b"])
        #expect(data.format == .bytes)
        #expect(try text(data) == "ab")
    }

    @Test func `what is not of its format is refused`() {
        #expect(throws: DataError.self) { try dataset(.json, ["[1,", "2"]) }
        #expect(throws: DataError.self) { try dataset(.csv, ["a,b\n1\n"]) }
    }

    @Test func `the first stated format stands, and what is appended is moved`() {
        var all = OutputPieces()
        var first = OutputPieces(pieces: [Payload(text: "1").whole], reports: [1])
        var second = OutputPieces(format: .csv, pieces: [Payload(text: "2").whole])
        var third = OutputPieces(format: .json, reports: [2])
        all.append(&first)
        all.append(&second)
        all.append(&third)
        #expect(all.format == .csv)
        #expect(all.pieces.map(\.text) == ["1", "2"])
        #expect(all.reports == [1, 2])
        #expect(first.pieces.isEmpty && second.pieces.isEmpty && third.reports.isEmpty)
    }
}
