import FanfoldJSON

/// A tensor and its name.
package struct NamedTensor: Sendable {
    /// The name; the only one of its kind in a file.
    package let name: String
    /// The numbers.
    package let tensor: Tensor

    /// The tensor `tensor` under the name `name`.
    package init(_ name: String, _ tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}

/// What a safetensors file holds.
package struct SafetensorsFile: Sendable {
    /// The tensors, in the order of their numbers.
    package var tensors: [NamedTensor]
    /// The texts under `__metadata__`, by name.
    package var metadata: JSONObject
}

/// The safetensors format: named tensors behind a header in JSON.
///
/// Source: https://github.com/huggingface/safetensors, "Format".
package enum Safetensors {
    /// Reads all tensors by reference, in the order of their numbers.
    ///
    /// The numbers of all of them must fill the file: without gaps, and none twice.
    /// - Throws: `malformed`, `unsupported` for types that are not read, `overLimit`.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> [NamedTensor] {
        try file(bytes, owner: owner).tensors
    }

    /// Reads all tensors by reference, as `read` does, and the texts that go with them.
    ///
    /// - Throws: as `read` does, and `malformed` for metadata that is no object of texts.
    package static func file(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> SafetensorsFile {
        guard bytes.count >= 8 else {
            throw malformed(bytes.count, "wanted 8 bytes with the length of the header")
        }
        let length = bytes.little(UInt64.self, at: 0)
        guard length <= UInt64(DataTransferLimits.safetensorsHeaderBytes) else {
            throw .overLimit(
                limit: "safetensorsHeaderBytes",
                value: DataTransferLimits.safetensorsHeaderBytes,
                found: "a header of \(length) bytes")
        }
        guard Int(length) <= bytes.count - 8 else {
            throw malformed(0, "a header of \(length) bytes does not fit; the file is cut off")
        }
        let numbers = 8 + Int(length)
        let header = try header(bytes.part(8..<numbers))
        var entries: [Entry] = []
        for (name, value) in header.members where name != metadataKey {
            entries.append(try Entry(name, value))
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < (
                $1.range.lowerBound, $1.range.upperBound, $1.name
            )
        }
        var end = 0
        var tensors: [NamedTensor] = []
        for entry in entries {
            guard entry.range.lowerBound == end, entry.range.upperBound <= bytes.count - numbers
            else {
                throw malformed(
                    numbers + end,
                    "the numbers of \"\(entry.name)\" are at \(entry.range), wanted them to begin "
                        + "at \(end) and end within \(bytes.count - numbers)")
            }
            end = entry.range.upperBound
            let part = bytes.part(numbers + entry.range.lowerBound..<numbers + end)
            tensors.append(
                NamedTensor(
                    entry.name,
                    try Tensor(type: entry.type, shape: entry.shape, bytes: part, owner: owner)))
        }
        guard end == bytes.count - numbers else {
            throw malformed(numbers + end, "these bytes belong to no tensor")
        }
        return SafetensorsFile(tensors: tensors, metadata: try metadata(header))
    }

    /// The one name that no tensor has.
    private static let metadataKey = "__metadata__"

    private static func metadata(_ header: JSONObject) throws(DataTransferError) -> JSONObject {
        guard let value = header[metadataKey] else { return JSONObject() }
        guard let texts = value.objectValue,
            texts.members.allSatisfy({ $0.1.stringValue != nil })
        else { throw malformed(8, "wanted texts by name under \(metadataKey)") }
        return texts
    }

    private struct Entry {
        var name: String
        var type: TensorType
        var shape: [Int]
        var range: Range<Int>

        init(_ name: String, _ value: JSON) throws(DataTransferError) {
            self.name = name
            guard let dtype = value["dtype"]?.stringValue,
                let lengths = value["shape"]?.arrayValue?.map(\.integerValue),
                let offsets = value["data_offsets"]?.arrayValue?.map(\.integerValue),
                offsets.count == 2, let from = offsets[0], let to = offsets[1], from >= 0,
                from <= to, to <= Int64(DataTransferLimits.bytes)
            else {
                throw Safetensors.malformed(
                    8, "\"\(name)\" wants a dtype, a shape and two ascending data_offsets")
            }
            guard let type = TensorType(safetensors: dtype) else {
                throw .unsupported(
                    what: "safetensors",
                    message: "\"\(name)\" is of type \(dtype), which is not read")
            }
            shape = []
            for length in lengths {
                guard let length, length >= 0 else {
                    throw Safetensors.malformed(8, "\"\(name)\" has an axis that is no length")
                }
                shape.append(Int(length))
            }
            self.type = type
            range = Int(from)..<Int(to)
            guard try Tensor.byteCount(type: type, shape: shape) == range.count else {
                throw Safetensors.malformed(
                    8,
                    "\"\(name)\" has \(range.count) bytes, which \(shape) of \(dtype) do not fill")
            }
        }
    }

    private static func header(
        _ bytes: UnsafeRawBufferPointer
    ) throws(DataTransferError) -> JSONObject {
        do throws(JSONParseError) {
            if case .object(let object) = try JSON(parsing: bytes) { return object }
        } catch {
            throw malformed(8 + error.offset, "the header is no JSON: \(error.message)")
        }
        throw malformed(8, "wanted an object as the header")
    }

    static func malformed(_ offset: Int, _ message: String) -> DataTransferError {
        .malformed(format: "safetensors", offset: offset, message: message)
    }

    /// The header of a file with `tensors`, up to the numbers, which follow in this order.
    ///
    /// - Parameter metadata: texts by name; nothing is written of none.
    /// - Throws: `unsupported` for types that the format does not have; `mismatch` for a name that
    ///   stands twice; `overLimit`.
    package static func header(
        of tensors: [NamedTensor], metadata: JSONObject = JSONObject()
    ) throws(DataTransferError) -> [UInt8] {
        var header = JSONObject()
        if !metadata.isEmpty { header[metadataKey] = .object(metadata) }
        var end = 0
        for (name, tensor) in tensors.map({ ($0.name, $0.tensor) }) {
            guard let dtype = tensor.type.safetensors else {
                throw .unsupported(
                    what: "safetensors",
                    message: "the format has no \(tensor.type.rawValue), the type of \"\(name)\"")
            }
            guard header[name] == nil, name != metadataKey else {
                throw .mismatch(
                    message: "two tensors of one file are named \"\(name)\"; rename one")
            }
            let from = end
            end = try Sizes.sum(end, tensor.bytes.count)
            header[name] = [
                "dtype": .string(dtype),
                "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                "data_offsets": [.integer(Int64(from)), .integer(Int64(end))],
            ]
        }
        var text = JSON.object(header).bytes
        text.append(
            contentsOf: repeatElement(0x20, count: Sizes.padded(text.count, to: 8) - text.count))
        guard text.count <= DataTransferLimits.safetensorsHeaderBytes else {
            throw .overLimit(
                limit: "safetensorsHeaderBytes",
                value: DataTransferLimits.safetensorsHeaderBytes,
                found: "a header of \(text.count) bytes")
        }
        var bytes: [UInt8] = []
        bytes.append(little: UInt64(text.count))
        return bytes + text
    }

    /// All of `tensors` in one run of bytes.
    ///
    /// - Throws: as `header` does.
    package static func bytes(
        of tensors: [NamedTensor], metadata: JSONObject = JSONObject()
    ) throws(DataTransferError) -> [UInt8] {
        var bytes = try header(of: tensors, metadata: metadata)
        for named in tensors { named.tensor.withBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }
}
