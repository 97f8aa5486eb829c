/// Reads what a ``ByteWriter`` wrote; total on whatever else it is given.
///
/// Nothing in here traps on bytes that somebody else made up, and nothing takes more memory than
/// in proportion to the bytes that are there: a count that is larger than what is left is refused
/// before anything is made for it.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private let end: Int
    /// How many bytes have been read.
    package private(set) var offset: Int

    /// Begins at the first byte.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.end = bytes.count
        self.offset = 0
    }

    /// Begins at `range.lowerBound` and ends before `range.upperBound`; offsets in errors count
    /// from the start of `bytes`.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        self.offset = range.lowerBound
        self.end = range.upperBound
    }

    /// How many bytes have not been read.
    package var remaining: Int { end - offset }

    /// Refuses bytes that are left over.
    package func finish() throws(CodingError) {
        guard remaining == 0 else { throw CodingError(.trailing(remaining), at: offset) }
    }

    /// One byte.
    package mutating func byte() throws(CodingError) -> UInt8 {
        guard offset < end else { throw CodingError(.truncated(missing: 1), at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// One byte, 0 or 1.
    package mutating func bool() throws(CodingError) -> Bool {
        let start = offset
        let value = try byte()
        guard value <= 1 else { throw CodingError(.badNumber, at: start) }
        return value == 1
    }

    /// A number of at most 64 bits, in as few bytes as it needs.
    package mutating func varint() throws(CodingError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            let bits = UInt64(next & 0x7F)
            guard shift < 63 || bits <= 1 else { throw CodingError(.badNumber, at: start) }
            value |= bits << shift
            guard next >= 0x80 else {
                // One value, one encoding.
                if next == 0, shift > 0 { throw CodingError(.badNumber, at: start) }
                return value
            }
            guard shift < 63 else { throw CodingError(.badNumber, at: start) }
            shift += 7
        }
    }

    /// A number that may be negative.
    package mutating func zigzag() throws(CodingError) -> Int64 { Int64(zigzag: try varint()) }

    /// A varint that fits the type.
    package mutating func integer<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) throws(CodingError) -> Number {
        let start = offset
        guard let value = Number(exactly: try varint()) else {
            throw CodingError(.badNumber, at: start)
        }
        return value
    }

    /// A zigzag varint that fits an `Int`.
    package mutating func signed() throws(CodingError) -> Int {
        let start = offset
        guard let value = Int(exactly: try zigzag()) else {
            throw CodingError(.badNumber, at: start)
        }
        return value
    }

    /// How many things follow, of which each takes this many bytes at least.
    package mutating func count(eachAtLeast stride: Int = 1) throws(CodingError) -> Int {
        let start = offset
        let announced = try varint()
        guard announced <= UInt64(remaining / max(1, stride)) else {
            let wanted = announced.multipliedReportingOverflow(by: UInt64(max(1, stride)))
            let missing = wanted.overflow ? UInt64.max : wanted.partialValue
            throw CodingError(
                .truncated(missing: Int(clamping: missing) - remaining), at: start)
        }
        return Int(announced)
    }

    /// Four bytes, the lowest first.
    package mutating func fixed32() throws(CodingError) -> UInt32 {
        UInt32(littleEndian: try fixed(UInt32.self))
    }

    /// Eight bytes, the lowest first.
    package mutating func fixed64() throws(CodingError) -> UInt64 {
        UInt64(littleEndian: try fixed(UInt64.self))
    }

    private mutating func fixed<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(CodingError) -> Number {
        let size = MemoryLayout<Number>.size
        try need(size)
        defer { offset += size }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    /// Four bytes as the bits of a number.
    package mutating func float() throws(CodingError) -> Float {
        Float(bitPattern: try fixed32())
    }

    /// Eight bytes as the bits of a number.
    package mutating func double() throws(CodingError) -> Double {
        Double(bitPattern: try fixed64())
    }

    /// A text with its count before it.
    package mutating func string() throws(CodingError) -> String {
        let start = offset
        let count = try self.count()
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<(offset + count)], as: UTF8.self) else {
            throw CodingError(.badText, at: start)
        }
        return text
    }

    /// Bytes with their count before them.
    package mutating func blob() throws(CodingError) -> ArraySlice<UInt8> {
        try raw(try count())
    }

    /// So many bytes.
    package mutating func raw(_ count: Int) throws(CodingError) -> ArraySlice<UInt8> {
        try need(count)
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    /// The version that the bytes must have.
    package mutating func version(_ known: UInt8) throws(CodingError) {
        _ = try version(from: known, to: known)
    }

    /// One of several versions that are read.
    package mutating func version(
        from first: UInt8, to last: UInt8
    ) throws(CodingError) -> UInt8 {
        let start = offset
        let found = try byte()
        guard (first...last).contains(found) else {
            throw CodingError(.unknownVersion(found), at: start)
        }
        return found
    }

    /// Has a table of records of one size read in place.
    mutating func table<Value>(
        stride: Int, _ read: (UnsafeRawBufferPointer, Int) -> Value
    ) throws(CodingError) -> Value {
        let count = try self.count(eachAtLeast: stride)
        let start = offset
        offset += count * stride
        return bytes.withUnsafeBytes {
            read(UnsafeRawBufferPointer(rebasing: $0[start..<(start + count * stride)]), count)
        }
    }

    private func need(_ count: Int) throws(CodingError) {
        guard count <= remaining else {
            throw CodingError(.truncated(missing: count - remaining), at: offset)
        }
    }
}
