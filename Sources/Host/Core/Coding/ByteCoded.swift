/// What has bytes, at least one, that stand for it exactly.
protocol ByteCoded {
    func encode(into writer: inout ByteWriter)

    init(from reader: inout ByteReader) throws(CodingError)
}

extension ByteWriter {
    mutating func put(_ value: some ByteCoded) { value.encode(into: &self) }

    /// 1 and the value, or 0.
    mutating func put<Value: ByteCoded>(optional value: Value?) {
        bool(value != nil)
        if let value { put(value) }
    }

    /// The count and the values.
    mutating func put<Values: Collection>(list: Values) where Values.Element: ByteCoded {
        varint(UInt64(list.count))
        for value in list { put(value) }
    }

    mutating func varint<Number: FixedWidthInteger & UnsignedInteger>(_ value: Number) {
        varint(UInt64(value))
    }

    /// A count: never negative.
    mutating func natural(_ value: Int) { varint(UInt64(clamping: value)) }

    /// The count and the places.
    mutating func put(indices: some Collection<UInt32>) {
        varint(UInt64(indices.count))
        for index in indices { varint(UInt64(index)) }
    }

    mutating func put(optional value: UInt64?) {
        bool(value != nil)
        if let value { varint(value) }
    }
}

extension ByteReader {
    mutating func get<Value: ByteCoded>(
        _ type: Value.Type = Value.self
    ) throws(CodingError) -> Value {
        try Value(from: &self)
    }

    mutating func optional<Value: ByteCoded>(
        _ type: Value.Type = Value.self
    ) throws(CodingError) -> Value? {
        try bool() ? try Value(from: &self) : nil
    }

    mutating func list<Value: ByteCoded>(
        of type: Value.Type = Value.self
    ) throws(CodingError) -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try count()) { values.append(try Value(from: &self)) }
        return values
    }

    /// A count, at most 2^48, so that sums of them fit.
    mutating func natural() throws(CodingError) -> Int {
        let start = offset
        let value = try varint()
        guard value <= 1 << 48 else { throw CodingError(.badNumber, at: start) }
        return Int(value)
    }

    mutating func indices() throws(CodingError) -> [UInt32] {
        var values: [UInt32] = []
        for _ in 0..<(try count()) { values.append(try integer()) }
        return values
    }

    mutating func optionalNumber() throws(CodingError) -> UInt64? {
        try bool() ? try varint() : nil
    }

    func unknown(_ name: String, _ number: some BinaryInteger, at start: Int) -> CodingError {
        CodingError(.unknownCase(of: name, UInt64(clamping: number)), at: start)
    }

    /// A case of an enumeration by its number.
    mutating func enumeration<Value: RawRepresentable>(
        _ type: Value.Type = Value.self
    ) throws(CodingError) -> Value where Value.RawValue == UInt8 {
        let start = offset
        let number = try byte()
        guard let value = Value(rawValue: number) else {
            throw unknown("\(type)", number, at: start)
        }
        return value
    }
}

extension String: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.string(self) }

    init(from reader: inout ByteReader) throws(CodingError) { self = try reader.string() }
}
