import FanfoldData
import FanfoldJSON
import PluginKit
import PluginMerges
import Testing

/// Merges of tensors.
@Suite struct TensorMergeTests {
    private func bytes(
        _ merge: Merge, _ files: [[UInt8]], format: PieceFormat = .npy, weights: [Double] = [],
        order: [Int]? = nil
    ) throws -> [UInt8] {
        let sink = RecordingSink()
        var fold = Fold(merge, .each, format: format)
        for index in order ?? Array(files.indices) {
            try fold.add(
                Piece(
                    index: index, name: "piece-\(index)", format: format,
                    weight: weights.isEmpty ? 1 : weights[index], blob: Blob(files[index])),
                into: sink)
        }
        try fold.finish(into: sink)
        #expect(sink.outputs.allSatisfy { $0.format == format.rawValue })
        return sink.outputs.flatMap(\.parts).flatMap { part -> [UInt8] in
            guard case .bytes(let bytes) = part else {
                Issue.record("wanted bytes")
                return []
            }
            return bytes
        }
    }

    private func tensor(_ bytes: [UInt8]) throws -> Tensor {
        let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        return try Npy.read(owner.bytes, owner: owner)
    }

    private func npy<T: BitwiseCopyable>(
        _ type: TensorType, _ shape: [Int], _ numbers: [T]
    ) throws -> [UInt8] {
        try Npy.bytes(of: Tensor(type: type, shape: shape, numbers: numbers))
    }

    private func numbers<T: BitwiseCopyable>(_ tensor: Tensor, _ type: T.Type) -> [T] {
        tensor.withBytes { Array($0.bindMemory(to: T.self)) }
    }

    private func refusal(
        _ merge: Merge, _ files: [[UInt8]], format: PieceFormat = .npy
    ) -> String {
        do {
            _ = try bytes(merge, files, format: format)
            return "no refusal"
        } catch {
            return "\(error)"
        }
    }

    @Test func `tensors are put one after the other along any axis`() throws {
        let left = try npy(.int32, [2, 1, 2], [1, 2, 3, 4] as [Int32])
        let right = try npy(.int32, [2, 2, 2], Array(5...12) as [Int32])
        let middle = try tensor(bytes(.tensorConcat(axis: 1), [left, right]))
        #expect(middle.shape == [2, 3, 2])
        #expect(numbers(middle, Int32.self) == [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12])
        let first = try npy(.bool, [1], [1 as UInt8])
        let joined = try tensor(bytes(.tensorConcat(axis: 0), [first, first]))
        #expect(joined.shape == [2])
        let none = try npy(.float64, [0, 3], [Double]())
        #expect(try tensor(bytes(.tensorConcat(axis: 1), [none, none])).shape == [0, 6])
        #expect(try bytes(.tensorConcat(axis: 1), [left]) == left)
    }

    @Test func `whole numbers add up exactly, past the range and back`() throws {
        let rows: [[Int64]] = [[.max, 1], [1, 2], [-5, 3]]
        let files = try rows.map { try npy(.int64, [2], $0) }
        let sum = try tensor(bytes(.tensorSum, files))
        #expect(numbers(sum, Int64.self) == [Int64.max - 4, 6])
        #expect(
            refusal(.tensorSum, Array(files.prefix(2))).contains(
                "number 0 adds up to 9223372036854775808, beyond what Int64 can hold"))
        let small = try npy(.int32, [], [Int32.max])
        #expect(refusal(.tensorSum, [small, small]).contains("beyond what Int32 can hold"))
    }

    @Test func `other numbers are added without rounding in between`() throws {
        let rows: [[Double]] = [[1e16, -0.0], [1, 2], [-1e16, .infinity], [1, -1]]
        let files = try rows.map { try npy(.float64, [2], $0) }
        #expect(numbers(try tensor(bytes(.tensorSum, files)), Double.self) == [2, .infinity])
        let both = try [Double.infinity, -.infinity].map { try npy(.float64, [1], [$0]) }
        #expect(numbers(try tensor(bytes(.tensorSum, both)), Double.self)[0].isNaN)
        let tenths = try npy(.float32, [1], [0.1 as Float])
        let sum = try tensor(bytes(.tensorSum, Array(repeating: tenths, count: 10)))
        #expect(sum.type == .float32)
        #expect(numbers(sum, Float.self) == [Float(Double(0.1 as Float) * 10)])
    }

    @Test func `the mean counts results by their weights`() throws {
        let rows: [[Int32]] = [[1, 10], [4, 40]]
        let files = try rows.map { try npy(.int32, [2], $0) }
        let mean = try tensor(bytes(.tensorMean, files, weights: [2, 1]))
        #expect(mean.type == .float64)
        #expect(numbers(mean, Double.self) == [2, 20])
        let halves: [[Float]] = [[1, 2], [2, 4]]
        let half = try halves.map { try npy(.float32, [1, 2], $0) }
        let middle = try tensor(bytes(.tensorMean, half))
        #expect(middle.type == .float32)
        #expect(middle.shape == [1, 2])
        #expect(numbers(middle, Float.self) == [1.5, 3])
        #expect(throws: PluginError.self) {
            try bytes(.tensorMean, files, weights: [0, 0])
        }
        // 2^53 + 1 is no double.
        let large = try npy(.int64, [1], [(1 << 53) + 1] as [Int64])
        let less = try npy(.int64, [1], [-(1 << 53)] as [Int64])
        #expect(
            numbers(try tensor(bytes(.tensorMean, [large, less])), Double.self) == [0.5])
    }

    static let merges: [Merge] = [.tensorConcat(axis: 0), .tensorSum, .tensorMean]

    @Test(arguments: merges)
    func `any arrival order of tensors gives the same bytes`(_ merge: Merge) throws {
        var random = Seeded(state: 11)
        let weights = (0..<13).map { Double($0 + 1) / 3 }
        let files = try (0..<13).map { _ in
            try npy(
                .float64, [5],
                (0..<5).map { _ in Double.random(in: -1e9...1e9, using: &random) })
        }
        let expected = try bytes(merge, files, weights: weights)
        for _ in 0..<30 {
            let order = Array(files.indices).shuffled(using: &random)
            #expect(try bytes(merge, files, weights: weights, order: order) == expected)
        }
    }

    @Test(arguments: merges)
    func `tensors of nothing are nothing`(_ merge: Merge) throws {
        #expect(try bytes(merge, []).isEmpty)
    }

    @Test func `a piece that is missing is left out`() throws {
        let sink = RecordingSink()
        var fold = Fold(.tensorSum, .each, format: .npy)
        for index in [2, 0] {
            let file = try npy(.int32, [1], [Int32(index + 1)])
            try fold.add(
                Piece(index: index, name: "\(index)", format: .npy, blob: Blob(file)), into: sink)
        }
        try fold.miss(1, into: sink)
        try fold.finish(into: sink)
        guard case .bytes(let sum) = try #require(sink.outputs.last?.parts.first) else { return }
        #expect(numbers(try tensor(sum), Int32.self) == [4])
    }

    @Test func `safetensors files are merged name by name and keep what is beside them`() throws {
        func file(_ a: [Float], _ b: [Int32], _ step: String, swapped: Bool) throws -> [UInt8] {
            let tensors = try [
                NamedTensor("a", Tensor(type: .float32, shape: [a.count], numbers: a)),
                NamedTensor("b", Tensor(type: .int32, shape: [b.count, 1], numbers: b)),
            ]
            return try Safetensors.bytes(
                of: swapped ? tensors.reversed() : tensors,
                metadata: JSONObject([("step", .string(step))]))
        }
        let files = try [
            file([1, 2], [3], "1", swapped: false), file([4, 5], [6], "2", swapped: true),
        ]
        let merged = try bytes(.tensorSum, files, format: .safetensors)
        let owner = merged.withUnsafeBytes { OwnedBytes(copying: $0) }
        let read = try Safetensors.file(owner.bytes, owner: owner)
        #expect(read.tensors.map(\.name) == ["a", "b"])
        #expect(read.tensors.map(\.tensor.shape) == [[2], [1, 1]])
        #expect(read.metadata == JSONObject([("step", .string("1"))]))
        #expect(numbers(read.tensors[0].tensor, Float.self) == [5, 7])
        #expect(numbers(read.tensors[1].tensor, Int32.self) == [9])
        let other = try Safetensors.bytes(of: [read.tensors[0]])
        #expect(
            refusal(.tensorSum, [files[0], other], format: .safetensors).contains(
                "The result of piece-1: it has no tensor \"b\", which that of piece-0 has."))
        #expect(
            refusal(.tensorSum, [other, files[0]], format: .safetensors).contains(
                "it has a tensor \"b\", which that of piece-0 has not."))
    }

    @Test func `tensors that do not fit are refused with both shapes`() throws {
        let float = try npy(.float32, [2, 1], [1, 2] as [Float])
        let wide = try npy(.float32, [1, 2], [1, 2] as [Float])
        let whole = try npy(.int32, [2, 1], [1, 2] as [Int32])
        for merge in [Merge.tensorSum, .tensorMean] {
            #expect(
                refusal(merge, [float, wide]).contains(
                    "The result of piece-1: it is float32 [1, 2], the first is float32 [2, 1]."))
            #expect(refusal(merge, [float, whole]).contains("it is int32 [2, 1], the first is"))
        }
        #expect(
            refusal(.tensorConcat(axis: 0), [float, wide]).contains(
                "it is float32 [1, 2], the first is float32 [2, 1]."))
        #expect(refusal(.tensorConcat(axis: 2), [float]).contains("[2, 1] has no axis 2"))
        let byte = try npy(.uint8, [1], [1 as UInt8])
        #expect(refusal(.tensorSum, [byte]).contains("int32 or int64, found uint8"))
        #expect(refusal(.tensorSum, [[1, 2]]).contains("malformed npy at byte 0"))
        #expect(
            refusal(.tensorSum, [[1, 2]], format: .lines).contains("Say npy or safetensors"))
    }

    @Test func `the axis is configured, and one past the last is refused`() throws {
        func merge(_ text: String) throws -> Merge { try JSON(parsing: text).decode(Merge.self) }
        #expect(try merge(#""tensor-sum""#) == .tensorSum)
        #expect(try merge(#""tensor-concat""#) == .tensorConcat(axis: 0))
        #expect(try merge(#"{"tensor-concat": {"axis": 63}}"#) == .tensorConcat(axis: 63))
        for axis in ["64", "-1", "\"a\"", "0.5"] {
            #expect(throws: DecodingError.self) {
                try merge(#"{"tensor-concat": {"axis": \#(axis)}}"#)
            }
        }
    }
}
