/// Values as bytes, one after the other: what ``ByteReader`` reads.
///
/// Shape: numbers are varints (seven bits a byte, the lowest first, the top bit set on all but
/// the last byte) or little-endian of fixed size; texts and lists have their count before them.
/// Source: Protocol Buffers, "Encoding", for varints and zigzag.
package struct ByteWriter: Sendable {
    /// Everything written so far.
    package private(set) var bytes: [UInt8] = []

    /// Nothing is written yet; `capacity` bytes will fit without growing.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// One byte.
    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// One byte, 0 or 1.
    package mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// A number of 1 to 10 bytes, the smaller the shorter.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A number of 1 to 10 bytes, the nearer to 0 the shorter.
    package mutating func zigzag(_ value: Int64) { varint(value.zigzag) }

    /// Four bytes, the lowest first.
    package mutating func fixed32(_ value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Eight bytes, the lowest first.
    package mutating func fixed64(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Four bytes: the bits of the number, so that it comes back exactly.
    package mutating func float(_ value: Float) { fixed32(value.bitPattern) }

    /// Eight bytes: the bits of the number, so that it comes back exactly.
    package mutating func double(_ value: Double) { fixed64(value.bitPattern) }

    /// The count as a varint, then UTF-8.
    package mutating func string(_ value: String) {
        varint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// The count as a varint, then the bytes.
    package mutating func blob(_ value: some Collection<UInt8>) {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// The bytes without their count, for a reader that knows it.
    package mutating func raw(_ value: some Collection<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// Makes room for a table and has it filled in place.
    mutating func table(
        count: Int, stride: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        varint(UInt64(count))
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count * stride))
        bytes.withUnsafeMutableBytes { all in
            fill(UnsafeMutableRawBufferPointer(rebasing: all[start...]))
        }
    }
}

extension Int64 {
    /// 0, -1, 1, -2, 2 as 0, 1, 2, 3, 4.
    var zigzag: UInt64 { UInt64(bitPattern: (self << 1) ^ (self >> 63)) }

    /// The number whose ``zigzag`` this is.
    init(zigzag value: UInt64) {
        self = Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
    }
}
