import FanfoldJSON

extension Tensor {
    /// Bytes of one row that may become a JSON value.
    package static let rowValueBytes = 16 << 20

    /// Row `index` as JSON: a number, or arrays of them by the shape of the row.
    ///
    /// Complex numbers are arrays of two; booleans are booleans.
    /// - Throws: `unsupported` for numbers that are not finite and for floats of 8 bits;
    ///   `overLimit` past ``rowValueBytes``.
    package func value(ofRow index: Int) throws(DataTransferError) -> JSON {
        precondition(index >= 0 && index < rows, "a row lies within its tensor")
        guard rowBytes <= Tensor.rowValueBytes else {
            throw .overLimit(
                limit: "rowValueBytes", value: Tensor.rowValueBytes,
                found: "a row of \(rowBytes) bytes")
        }
        // Axes of length 0 give as many empty arrays as the axes before them say.
        guard
            rowShape.reduce(1, { $0.multipliedReportingOverflow(by: max($1, 1)).partialValue })
                .magnitude <= Tensor.rowValueBytes
        else {
            throw .overLimit(
                limit: "rowValueBytes", value: Tensor.rowValueBytes,
                found: "a row of the shape \(rowShape)")
        }
        return try withBytes { (bytes) throws(DataTransferError) in
            var place = index * rowBytes
            return try nested(rowShape[...], bytes, &place)
        }
    }

    private func nested(
        _ shape: ArraySlice<Int>, _ bytes: UnsafeRawBufferPointer, _ place: inout Int
    ) throws(DataTransferError) -> JSON {
        guard let length = shape.first else {
            defer { place += type.size }
            return try number(bytes, at: place)
        }
        var values: [JSON] = []
        values.reserveCapacity(length)
        for _ in 0..<length { values.append(try nested(shape.dropFirst(), bytes, &place)) }
        return .array(values)
    }

    private func number(
        _ bytes: UnsafeRawBufferPointer, at place: Int
    ) throws(DataTransferError) -> JSON {
        func load<T: BitwiseCopyable>(_ type: T.Type, _ offset: Int = 0) -> T {
            bytes.loadUnaligned(fromByteOffset: place + offset, as: type)
        }
        switch type {
        case .bool: return .bool(load(UInt8.self) != 0)
        case .int8: return .integer(Int64(load(Int8.self)))
        case .int16: return .integer(Int64(load(Int16.self)))
        case .int32: return .integer(Int64(load(Int32.self)))
        case .int64: return .integer(load(Int64.self))
        case .uint8: return .integer(Int64(load(UInt8.self)))
        case .uint16: return .integer(Int64(load(UInt16.self)))
        case .uint32: return .integer(Int64(load(UInt32.self)))
        case .uint64:
            let value = load(UInt64.self)
            return Int64(exactly: value).map(JSON.integer) ?? .number(Double(value))
        case .float16: return try finite(Double(load(Float16.self)))
        case .bfloat16:
            return try finite(Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16)))
        case .float32: return try finite(Double(load(Float.self)))
        case .float64: return try finite(load(Double.self))
        case .complex64:
            return [try finite(Double(load(Float.self))), try finite(Double(load(Float.self, 4)))]
        case .complex128: return [try finite(load(Double.self)), try finite(load(Double.self, 8))]
        case .float8e4m3, .float8e5m2:
            throw .unsupported(
                what: type.rawValue, message: "numbers of this type cannot be written as text")
        }
    }

    private func finite(_ value: Double) throws(DataTransferError) -> JSON {
        guard value.isFinite else {
            throw .unsupported(
                what: type.rawValue,
                message: "\(value) is no number of JSON; replace it, or keep the format of the data"
            )
        }
        return .number(value)
    }
}

extension ArrowBatch {
    /// Row `index` as an object by the names of the columns.
    ///
    /// Dates, times and durations are the whole numbers that they are stored as.
    /// - Throws: `unsupported` for bytes, decimals and numbers that are not finite; `mismatch` for
    ///   two columns of one name; `malformed` for text that is not UTF-8.
    package func value(ofRow index: Int) throws(DataTransferError) -> JSON {
        precondition(index >= 0 && index < length, "a row lies within its batch")
        return try withExtendedLifetime(owner) { () throws(DataTransferError) in
            try object(columns, index)
        }
    }

    private func object(
        _ columns: [ArrowColumn], _ index: Int
    ) throws(DataTransferError) -> JSON {
        var object = JSONObject()
        for column in columns {
            guard object[column.field.name] == nil else {
                throw .mismatch(
                    message: "two columns are named \"\(column.field.name)\", so a row is no "
                        + "object; rename one")
            }
            object[column.field.name] = try value(column, index)
        }
        return .object(object)
    }

    private func value(
        _ column: ArrowColumn, _ index: Int
    ) throws(DataTransferError) -> JSON {
        if column.isNull(index) { return .null }
        let place = column.offset + index
        switch column.field.type {
        case .null: return .null
        case .bool: return .bool(column.buffers[0].bit(place))
        case .utf8(let large): return try text(column, index, offsetBytes: large ? 8 : 4)
        case .list, .fixedList:
            guard let items = column.values(index..<index + 1).heldChildren.first else { return [] }
            var values: [JSON] = []
            for item in 0..<items.length { values.append(try value(items, item)) }
            return .array(values)
        case .structure:
            return try object(column.values(index..<index + 1).heldChildren, 0)
        case .integer, .float, .date, .time, .timestamp, .duration:
            return try number(column, place)
        case .binary, .fixedBinary, .decimal:
            throw .unsupported(
                what: "arrow",
                message: "the column \"\(column.field.name)\" is of the format "
                    + "\"\(column.field.type.formatText)\", which has no JSON; cast or drop it")
        }
    }

    private func text(
        _ column: ArrowColumn, _ index: Int, offsetBytes: Int
    ) throws(DataTransferError) -> JSON {
        let start = column.place(index, offsetBytes: offsetBytes)
        let end = column.place(index + 1, offsetBytes: offsetBytes)
        guard
            let text = String(validating: column.buffers[1].part(start..<end), as: UTF8.self)
        else {
            throw .malformed(
                format: "arrow", offset: start,
                message: "wanted UTF-8 in the column \"\(column.field.name)\"")
        }
        return .string(text)
    }

    /// The number at `place`, read as a tensor of one number of the same type.
    private func number(
        _ column: ArrowColumn, _ place: Int
    ) throws(DataTransferError) -> JSON {
        guard case .fixed(let width) = column.field.type.layout else { return .null }
        let type: TensorType? =
            switch column.field.type {
            case .integer(let bits, false): TensorType(dlpackCode: 1, bits: UInt8(bits))
            case .float(let bits): TensorType(dlpackCode: 2, bits: UInt8(bits))
            default: TensorType(dlpackCode: 0, bits: UInt8(width * 8))
            }
        guard let type else { return .null }
        let bytes = column.buffers[0].part(place * width..<(place + 1) * width)
        return try Tensor(type: type, shape: [1], bytes: bytes, owner: owner).value(ofRow: 0)
    }
}
