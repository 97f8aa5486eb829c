import FanfoldData
import FanfoldJSON
import Testing

@testable import FanfoldRuntime

struct BinaryDatasetTests {
    private func npy(_ shape: [Int], _ numbers: [Int32]) throws -> PayloadSlice {
        Payload(try Npy.bytes(of: Tensor(type: .int32, shape: shape, numbers: numbers))).whole
    }

    private func read(_ bytes: [UInt8]) throws -> Tensor {
        let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        return try Npy.read(owner.bytes, owner: owner)
    }

    private func table(_ rows: Range<Int32>) throws -> PayloadSlice {
        let numbers = try Tensor(type: .int32, shape: [rows.count], numbers: Array(rows))
        let table = try ArrowTable(column: "n", numbers)
        return Payload(ArrowWriter.bytes(of: table, file: rows.lowerBound > 0)).whole
    }

    @Test func `the items of an npy are its rows, and a slice is a file of its own`() throws {
        let data = try Dataset(format: .npy, pieces: [npy([3, 2], [1, 2, 3, 4, 5, 6])])
        #expect(data.count == 3)
        #expect(data.byteCount == 24)
        let slice = data.slice(from: 1, count: 2)
        #expect(slice.byteCount == 16)
        let part = try read(DataEncoding.bytes(of: [.slice(slice)], as: .npy))
        #expect(part.shape == [2, 2])
        #expect(part.withBytes { Array($0.bindMemory(to: Int32.self)) } == [3, 4, 5, 6])
        let none = try read(
            DataEncoding.bytes(of: [.slice(data.slice(from: 1, count: 0))], as: .npy))
        #expect(none.shape == [0, 2] && none.type == .int32)
    }

    @Test func `ten million rows are sliced where they are`() throws {
        let numbers = [UInt8](repeating: 7, count: 10_000_000)
        let payload = Payload(
            try Npy.bytes(of: Tensor(type: .uint8, shape: [numbers.count], numbers: numbers)))
        let data = try Dataset(format: .npy, pieces: [payload.whole])
        #expect(data.count == 10_000_000)
        var places: [UnsafeRawPointer?] = []
        try DataEncoding.encode(
            [.slice(data.slice(from: 1_000_000, count: 8_000_000))], as: .npy
        ) { if $0.count > 1000 { places.append($0.baseAddress) } }
        let start = payload.bytes.baseAddress
        let head = payload.bytes.count - numbers.count
        #expect(places == [start.map { $0 + head + 1_000_000 }])
    }

    @Test func `results are joined along the first axis, or both shapes are named`() throws {
        let joined = try Dataset(
            format: .npy,
            pieces: [npy([1, 2], [1, 2]), npy([0, 2], []), npy([2, 2], [3, 4, 5, 6])])
        #expect(joined.count == 3)
        let all = try read(DataEncoding.bytes(of: [.slice(joined.whole)], as: .npy))
        #expect(all.shape == [3, 2])
        #expect(all.withBytes { Array($0.bindMemory(to: Int32.self)) } == [1, 2, 3, 4, 5, 6])
        let across = try read(
            DataEncoding.bytes(of: [.slice(joined.slice(from: 0, count: 2))], as: .npy))
        #expect(across.withBytes { Array($0.bindMemory(to: Int32.self)) } == [1, 2, 3, 4])
        let refusal = #expect(throws: DataError.self) {
            try Dataset(format: .npy, pieces: [npy([1, 2], [1, 2]), npy([1, 3], [1, 2, 3])])
        }
        #expect(refusal?.description.contains("int32 [1, 2] and then int32 [1, 3]") == true)
        #expect(try Dataset(format: .npy, pieces: []).count == 0)
        let nothing = try Dataset(format: .npy, pieces: []).whole
        #expect(try read(DataEncoding.bytes(of: [.slice(nothing)], as: .npy)).shape == [0])
    }

    @Test func `rows become JSON and nothing else becomes npy`() throws {
        let data = try Dataset(format: .npy, pieces: [npy([2, 2], [1, 2, 3, 4])])
        #expect(
            String(
                decoding: try DataEncoding.bytes(of: [.slice(data.whole)], as: .json),
                as: UTF8.self) == "[[1,2],[3,4]]")
        let text = try Dataset(format: .json, pieces: [Payload(text: "[1]").whole])
        #expect(throws: DataError.cannotConvert(from: "json", to: "npy")) {
            try DataEncoding.bytes(of: [.slice(text.whole)], as: .npy)
        }
    }

    @Test func `the items of a safetensors file are its tensors`() throws {
        let tensors = try (0..<3).map { index in
            NamedTensor(
                "t\(index)",
                try Tensor(
                    type: .float32, shape: [index], numbers: [Float](repeating: 1, count: index)))
        }
        let data = try Dataset(
            format: .safetensors, pieces: [Payload(Safetensors.bytes(of: tensors)).whole])
        #expect(data.count == 3)
        let part = Payload(
            try DataEncoding.bytes(
                of: [.slice(data.slice(from: 1, count: 2))], as: .safetensors))
        let read = try Safetensors.read(part.bytes, owner: part)
        #expect(read.map(\.name) == ["t1", "t2"])
        #expect(read.map(\.tensor.shape) == [[1], [2]])
        #expect(throws: DataError.self) {
            let twice = Payload(try Safetensors.bytes(of: tensors)).whole
            let both = try Dataset(format: .safetensors, pieces: [twice, twice])
            _ = try DataEncoding.bytes(of: [.slice(both.whole)], as: .safetensors)
        }
    }

    @Test func `what a safetensors file says beside its tensors is kept`() throws {
        func file(_ name: String, _ metadata: JSONObject) throws -> PayloadSlice {
            let one = NamedTensor(
                name, try Tensor(type: .uint8, shape: [1], numbers: [7 as UInt8]))
            return Payload(try Safetensors.header(of: [one], metadata: metadata) + [7]).whole
        }
        func metadata(_ slice: DataSlice) throws -> JSONObject {
            let part = Payload(try DataEncoding.bytes(of: [.slice(slice)], as: .safetensors))
            return try Safetensors.file(part.bytes, owner: part).metadata
        }
        let first = JSONObject([("format", .string("pt")), ("step", .string("1"))])
        let second = JSONObject([("step", .string("2")), ("lr", .string("0.1"))])
        let both = try Dataset(
            format: .safetensors, pieces: [file("a", first), file("b", second)])
        let joined = JSONObject([
            ("format", .string("pt")), ("step", .string("1")), ("lr", .string("0.1")),
        ])
        #expect(try metadata(both.whole) == joined)
        #expect(try metadata(both.slice(from: 1, count: 1)) == joined)
    }

    @Test func `the items of an Arrow file are its rows`() throws {
        let data = try Dataset(format: .arrow, pieces: [table(0..<5), table(5..<9)])
        #expect(data.count == 9)
        let part = Payload(
            try DataEncoding.bytes(of: [.slice(data.slice(from: 3, count: 4))], as: .arrow))
        let again = try Dataset(format: .arrow, pieces: [part.whole])
        #expect(again.count == 4)
        #expect(
            String(
                decoding: try DataEncoding.bytes(of: [.slice(again.whole)], as: .jsonl),
                as: UTF8.self) == "{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n")
    }

    @Test func `a damaged file is named with the byte`() throws {
        let refusal = #expect(throws: DataError.self) {
            try Dataset(format: .npy, pieces: [Payload(text: "not numpy at all").whole])
        }
        #expect(
            refusal?.at(path: "x.npy").description
                == "x.npy: malformed npy at byte 0: wanted a file that begins with 93 'NUMPY'")
    }
}
