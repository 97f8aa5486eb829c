import FanfoldData
import FanfoldJSON

/// Items of formats that are no text, by reference: rows of tensors, tensors, rows of tables.
struct BinaryItems: Sendable {
    private enum Content: Sendable {
        /// Rows along the first axis; the tensors have one type and one shape of a row.
        case npy([Tensor])
        /// Tensors, and the texts that go along whatever becomes of them.
        case safetensors([NamedTensor], metadata: JSONObject)
        /// Rows; the batches have the columns of the schema.
        case arrow(ArrowTableSchema, [ArrowBatch])
    }

    private let content: Content
    /// The number of items before each part, and at the end of all.
    private let starts: [Int]

    private init(_ content: Content) throws(DataError) {
        self.content = content
        let counts =
            switch content {
            case .npy(let tensors): tensors.map(\.rows)
            case .safetensors(let tensors, _): tensors.map { _ in 1 }
            case .arrow(_, let batches): batches.map(\.length)
            }
        var starts = [0]
        var total = 0
        for count in counts {
            let (sum, overflow) = total.addingReportingOverflow(count)
            guard !overflow else {
                throw .tooLarge(path: nil, limit: "Int.max", bytes: Int.max, found: count)
            }
            total = sum
            starts.append(total)
        }
        self.starts = starts
    }

    /// The items of one file or result.
    ///
    /// - Throws: `malformedBinary`, `tooLarge`.
    init(_ slice: PayloadSlice, format: DataFormat) throws(DataError) {
        let bytes = UnsafeRawBufferPointer(rebasing: slice.payload.bytes[slice.range])
        let content: Content
        do throws(DataTransferError) {
            switch format {
            case .safetensors:
                let file = try Safetensors.file(bytes, owner: slice.payload)
                content = .safetensors(file.tensors, metadata: file.metadata)
            case .arrow:
                let table = try ArrowReader.read(bytes, owner: slice.payload)
                content = .arrow(table.schema, table.batches)
            default: content = .npy([try Npy.read(bytes, owner: slice.payload)])
            }
        } catch {
            throw .malformedBinary(path: nil, error)
        }
        try self.init(content)
    }

    /// All items of `all`, one after the other; nothing of `format` if there are none.
    ///
    /// - Throws: `cannotJoin` if types, shapes of rows or columns differ, which names both.
    init(joining all: [BinaryItems], format: DataFormat) throws(DataError) {
        if all.count == 1 {
            self = all[0]
            return
        }
        switch format {
        case .safetensors:
            try self.init(
                .safetensors(all.flatMap(\.named), metadata: BinaryItems.metadata(of: all)))
        case .arrow:
            var schema: ArrowTableSchema?
            for case .arrow(let next, _) in all.map(\.content) {
                if let wanted = schema {
                    try BinaryItems.check(wanted, next)
                } else {
                    schema = next
                }
            }
            try self.init(.arrow(schema ?? ArrowTableSchema([]), all.flatMap(\.batches)))
        default:
            let tensors = all.flatMap(\.tensors)
            for next in tensors.dropFirst() { try BinaryItems.check(tensors[0], next) }
            try self.init(.npy(tensors))
        }
    }

    private static func check(_ wanted: Tensor, _ found: Tensor) throws(DataError) {
        guard wanted.type == found.type, wanted.rowShape == found.rowShape,
            !wanted.shape.isEmpty, !found.shape.isEmpty
        else {
            throw .cannotJoin(
                message: "tensors that are put one after the other have one type and one shape "
                    + "after the first axis; found \(wanted.type.rawValue) \(wanted.shape) and "
                    + "then \(found.type.rawValue) \(found.shape)")
        }
    }

    private static func check(
        _ wanted: ArrowTableSchema, _ found: ArrowTableSchema
    ) throws(DataError) {
        guard wanted.fields == found.fields else {
            throw .cannotJoin(
                message: "tables that are put one after the other have the same columns; found "
                    + "\(names(wanted)) and then \(names(found))")
        }
    }

    private static func names(_ schema: ArrowTableSchema) -> String {
        "(" + schema.fields.prefix(20).map { "\($0.name): \($0.type)" }.joined(separator: ", ")
            + ")"
    }

    private var tensors: [Tensor] {
        guard case .npy(let tensors) = content else { return [] }
        return tensors
    }

    private var named: [NamedTensor] {
        guard case .safetensors(let tensors, _) = content else { return [] }
        return tensors
    }

    /// The texts of all; of those with one name the first.
    private static func metadata(of all: [BinaryItems]) -> JSONObject {
        var joined = JSONObject()
        for case .safetensors(_, let metadata) in all.map(\.content) {
            for (name, text) in metadata.members where joined[name] == nil { joined[name] = text }
        }
        return joined
    }

    private var batches: [ArrowBatch] {
        guard case .arrow(_, let batches) = content else { return [] }
        return batches
    }

    /// The number of items.
    var count: Int { starts[starts.count - 1] }

    /// Bytes of the numbers of `items`; for tables about as many as the file has for them.
    func byteCount(of items: Range<Int>) -> Int {
        var total = 0
        forEachPart(of: items) { part, own in
            switch content {
            case .npy(let tensors): total += tensors[part].rowBytes * own.count
            case .safetensors(let tensors, _): total += tensors[part].tensor.bytes.count
            case .arrow(_, let batches): total += batches[part].byteCount(of: own)
            }
        }
        return total
    }

    /// Some of the items, by reference; the range must lie within `count`.
    func slice(_ items: Range<Int>) throws(DataError) -> BinaryItems {
        if items == 0..<count { return self }
        var parts: [(part: Int, own: Range<Int>)] = []
        forEachPart(of: items) { parts.append(($0, $1)) }
        switch content {
        case .npy(let tensors):
            // No rows still have a type and a shape.
            if parts.isEmpty, let first = tensors.first {
                return try BinaryItems(.npy([first.rows(0..<0)]))
            }
            return try BinaryItems(.npy(parts.map { tensors[$0.part].rows($0.own) }))
        case .safetensors(let tensors, let metadata):
            return try BinaryItems(
                .safetensors(parts.map { tensors[$0.part] }, metadata: metadata))
        case .arrow(let schema, let batches):
            return try BinaryItems(
                .arrow(schema, parts.map { batches[$0.part].rows($0.own) }))
        }
    }

    /// Calls `body` with each of `items` as a JSON value.
    func forEachValue(of items: Range<Int>, _ body: (JSON) throws -> Void) throws {
        try forEachPart(of: items) { part, own in
            for index in own { try body(try value(part, index)) }
        }
    }

    private func value(_ part: Int, _ index: Int) throws(DataError) -> JSON {
        do throws(DataTransferError) {
            switch content {
            case .npy(let tensors): return try tensors[part].value(ofRow: index)
            case .safetensors(let tensors, _):
                let (name, tensor) = (tensors[part].name, tensors[part].tensor)
                return [
                    "name": .string(name), "type": .string(tensor.type.rawValue),
                    "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                ]
            case .arrow(_, let batches): return try batches[part].value(ofRow: index)
            }
        } catch {
            throw .malformedBinary(path: nil, error)
        }
    }

    /// Hands the items to `sink` as one file of their format: an npy file, a safetensors file, or
    /// an Arrow file.
    func write(_ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch content {
        case .npy(let tensors):
            let first = tensors.first
            let shape =
                tensors.count == 1 ? first?.shape ?? [0] : [count] + (first?.rowShape ?? [])
            let header = try translated { () throws(DataTransferError) in
                try Npy.header(type: first?.type ?? .float64, shape: shape)
            }
            try header.withUnsafeBytes(sink)
            for tensor in tensors { try tensor.withBytes { try sink($0) } }
        case .safetensors(let tensors, let metadata):
            let header = try translated { () throws(DataTransferError) in
                try Safetensors.header(of: tensors, metadata: metadata)
            }
            try header.withUnsafeBytes(sink)
            for named in tensors { try named.tensor.withBytes { try sink($0) } }
        case .arrow(let schema, let batches):
            var writer = ArrowWriter(schema, file: true)
            try writer.begin(sink)
            for batch in batches { try writer.write(batch, sink) }
            try writer.end(sink)
        }
    }

    private func translated<T>(
        _ body: () throws(DataTransferError) -> T
    ) throws(DataError) -> T {
        do throws(DataTransferError) {
            return try body()
        } catch {
            throw .malformedBinary(path: nil, error)
        }
    }

    /// Calls `body` with each part that has some of `items`, and which of its own these are.
    private func forEachPart(
        of items: Range<Int>, _ body: (Int, Range<Int>) throws -> Void
    ) rethrows {
        guard !items.isEmpty else { return }
        var low = 0
        var high = starts.count - 1
        while low < high {
            let middle = (low + high) / 2
            if starts[middle + 1] <= items.lowerBound { low = middle + 1 } else { high = middle }
        }
        while low < starts.count - 1, starts[low] < items.upperBound {
            let own = items.clamped(to: starts[low]..<starts[low + 1])
            if !own.isEmpty {
                try body(low, own.lowerBound - starts[low]..<own.upperBound - starts[low])
            }
            low += 1
        }
    }
}
