import FanfoldJSON
import Testing

@testable import FanfoldData

struct NpyTests {
    private func read(_ bytes: [UInt8]) throws -> Tensor {
        let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        return try Npy.read(owner.bytes, owner: owner)
    }

    private func file(_ header: String, _ numbers: [UInt8], version: UInt8 = 1) -> [UInt8] {
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [version, 0]
        if version == 1 {
            bytes.append(little: UInt16(header.utf8.count))
        } else {
            bytes.append(little: UInt32(header.utf8.count))
        }
        return bytes + Array(header.utf8) + numbers
    }

    private func refusal(_ header: String, _ numbers: [UInt8] = []) -> String {
        do {
            _ = try read(file(header, numbers))
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `a tensor of every type that numpy has is read as it was written`() throws {
        for type in TensorType.allCases where type.numpy != nil {
            let numbers = (0..<6 * type.size).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            for shape in [[6], [2, 3], [1, 6, 1], [3, 2, 1]] {
                let bytes = try Npy.bytes(of: Tensor(type: type, shape: shape, numbers: numbers))
                #expect((bytes.count - numbers.count).isMultiple(of: 64))
                let tensor = try read(bytes)
                #expect(tensor.type == type && tensor.shape == shape)
                #expect(tensor.withBytes { Array($0) } == numbers)
            }
        }
        #expect(
            try read(Npy.bytes(of: Tensor(type: .int8, shape: [], numbers: [7 as Int8]))).rows == 1)
    }

    @Test func `all three versions are read, also as Python 2 wrote them`() throws {
        for version in [1, 2, 3] as [UInt8] {
            let text = "{\"shape\": (2L, ), 'fortran_order':False,'descr' : '<u2'}  \n"
            let tensor = try read(file(text, [1, 0, 2, 1], version: version))
            #expect(tensor.shape == [2] && tensor.type == .uint16)
            #expect(tensor.withBytes { Array($0) } == [1, 0, 2, 1])
        }
    }

    @Test func `big-endian numbers are swapped, complex ones by halves`() throws {
        let small = "{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}"
        #expect(try read(file(small, [0, 1, 2, 3])).withBytes { Array($0) } == [1, 0, 3, 2])
        let complex = "{'descr': '>c8', 'fortran_order': False, 'shape': ()}"
        #expect(
            try read(file(complex, [1, 2, 3, 4, 5, 6, 7, 8])).withBytes { Array($0) }
                == [4, 3, 2, 1, 8, 7, 6, 5])
    }

    @Test func `Fortran order is turned into rows from two axes on`() throws {
        let two = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}"
        #expect(
            try read(file(two, [1, 4, 2, 5, 3, 6])).withBytes { Array($0) } == [1, 2, 3, 4, 5, 6])
        let one = "{'descr': '|u1', 'fortran_order': True, 'shape': (3,)}"
        #expect(try read(file(one, [1, 2, 3])).withBytes { Array($0) } == [1, 2, 3])
    }

    @Test func `rows are a part of the same memory`() throws {
        let tensor = try Tensor(
            type: .int16, shape: [3, 2], numbers: [1, 2, 3, 4, 5, 6] as [Int16])
        let rows = tensor.rows(1..<3)
        #expect(rows.shape == [2, 2])
        #expect(rows.bytes.baseAddress == tensor.bytes.baseAddress.map { $0 + 4 })
        #expect(tensor.rows(3..<3).shape == [0, 2])
    }

    @Test func `what is no array of numbers is refused with the reason`() {
        let cases = [
            ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "Python objects"),
            ("{'descr': '<U5', 'fortran_order': False, 'shape': (1,)}", "convert it to numbers"),
            ("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", "records"),
            ("{'descr': 'i4', 'fortran_order': False, 'shape': (1,)}", "byte order"),
            ("{'descr': '<i4', 'fortran_order': 0, 'shape': (1,)}", "True or False"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (-1,)}", "length of an axis"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (1)}", "comma"),
            ("{'descr': '<i4', 'fortran_order': False}", "wanted the keys"),
            ("{'descr': '<i4', 'descr': '<i4'}", "twice"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}x", "end of the header"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", "wanted 8 bytes"),
            (
                "{'descr': '<i4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}",
                "limit"
            ),
            ("", "wanted '{'"),
        ]
        for (header, wanted) in cases {
            let found = refusal(header)
            #expect(found.contains(wanted) || (wanted == "limit" && found.contains("Limits")))
        }
        let long = String(repeating: " ", count: DataTransferLimits.npyHeaderBytes)
        #expect(throws: DataTransferError.self) { try read(file(long + " ", [], version: 2)) }
        let axes = String(repeating: "1,", count: 65)
        #expect(
            refusal("{'descr': '|i1', 'fortran_order': False, 'shape': (\(axes))}", [1])
                .contains("axes = 64"))
    }

    @Test func `damaged files never give numbers outside them`() throws {
        let bytes = try Npy.bytes(
            of: Tensor(type: .float32, shape: [4, 2], numbers: (0..<8).map { Float($0) }))
        var random = Seeded(3)
        for round in 0..<4000 {
            let damaged = random.damaged(bytes, round: round)
            guard let tensor = try? read(damaged) else { continue }
            #expect(tensor.bytes.count <= damaged.count)
        }
        for count in 0..<bytes.count {
            #expect(throws: DataTransferError.self) { try read(Array(bytes.prefix(count))) }
        }
    }
}

struct SafetensorsTests {
    private func read(_ bytes: [UInt8]) throws -> [NamedTensor] {
        let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        return try Safetensors.read(owner.bytes, owner: owner)
    }

    private func file(_ header: String, _ numbers: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(little: UInt64(header.utf8.count))
        return bytes + Array(header.utf8) + numbers
    }

    private var sample: [NamedTensor] {
        get throws {
            try [
                NamedTensor("w", Tensor(type: .float32, shape: [2], numbers: [1, 2] as [Float])),
                NamedTensor("none", Tensor(type: .int64, shape: [0, 5], numbers: [Int64]())),
                NamedTensor("ä", Tensor(type: .bfloat16, shape: [], numbers: [1 as UInt16])),
            ]
        }
    }

    @Test func `tensors are read as they were written, in the order of their numbers`() throws {
        let tensors = try read(Safetensors.bytes(of: sample))
        #expect(tensors.map(\.name) == ["w", "none", "ä"])
        #expect(tensors.map(\.tensor.shape) == [[2], [0, 5], []])
        #expect(tensors.map(\.tensor.type) == [.float32, .int64, .bfloat16])
        let header =
            "{\"__metadata__\":{\"a\":\"b\"},"
            + "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]},"
            + "\"y\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}} "
        #expect(try read(file(header, [1, 2])).map(\.name) == ["y", "x"])
        #expect(try read(file("{}", [])).isEmpty)
    }

    @Test func `the texts beside the tensors are read and written`() throws {
        func content(_ bytes: [UInt8]) throws -> SafetensorsFile {
            let owner = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
            return try Safetensors.file(owner.bytes, owner: owner)
        }
        let texts = JSONObject([("format", .string("pt")), ("ä", .string("\""))])
        let header = try Safetensors.header(of: [], metadata: texts)
        #expect(try content(header).metadata == texts)
        #expect(try content(Safetensors.bytes(of: sample)).metadata.isEmpty)
        for wrong in ["1", "[]", "{\"a\":1}", "{\"a\":null}"] {
            #expect(throws: DataTransferError.self, "\(wrong)") {
                try content(file("{\"__metadata__\":\(wrong)}", []))
            }
        }
    }

    @Test func `gaps, overlaps and wrong sizes are refused`() throws {
        func entry(_ name: String, _ from: Int, _ to: Int, shape: Int) -> String {
            "\"\(name)\":{\"dtype\":\"U8\",\"shape\":[\(shape)],\"data_offsets\":[\(from),\(to)]}"
        }
        let cases = [
            entry("a", 1, 2, shape: 1), entry("a", 0, 1, shape: 1),
            entry("a", 0, 2, shape: 1), entry("a", 0, 3, shape: 3),
            entry("a", 0, 2, shape: 2) + "," + entry("b", 1, 2, shape: 1),
            entry("a", 2, 1, shape: 1),
            entry("a", 0, 2, shape: 2) + "," + entry("a", 0, 2, shape: 2),
            "\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,2]}", "\"a\":1", "",
        ]
        for entries in cases {
            #expect(throws: DataTransferError.self, "\(entries)") {
                try read(file("{\(entries)}", [1, 2]))
            }
        }
        var long: [UInt8] = []
        long.append(little: UInt64(DataTransferLimits.safetensorsHeaderBytes + 1))
        #expect(
            throws: DataTransferError.overLimit(
                limit: "safetensorsHeaderBytes",
                value: DataTransferLimits.safetensorsHeaderBytes,
                found: "a header of \(DataTransferLimits.safetensorsHeaderBytes + 1) bytes")
        ) { try read(long) }
        let tensor = try sample[0]
        #expect(throws: DataTransferError.self) { try Safetensors.bytes(of: [tensor, tensor]) }
    }

    @Test func `damaged files never give numbers outside them`() throws {
        let bytes = try Safetensors.bytes(of: sample)
        var random = Seeded(5)
        for round in 0..<4000 {
            let damaged = random.damaged(bytes, round: round)
            guard let tensors = try? read(damaged) else { continue }
            #expect(tensors.reduce(0) { $0 + $1.tensor.bytes.count } <= damaged.count)
        }
        for count in 0..<bytes.count {
            #expect(throws: DataTransferError.self) { try read(Array(bytes.prefix(count))) }
        }
    }
}
