/// Memory of our own that lives as long as the object, aligned for every kind of number.
package final class OwnedBytes: @unchecked Sendable {
    // Unchecked: written by whoever made it before anybody else has it, and constant from then on.

    /// What the start of the memory is a multiple of, in bytes.
    package static let alignment = 64

    /// The memory; valid only while this object lives.
    package let memory: UnsafeMutableRawBufferPointer

    /// `count` bytes that are 0.
    package init(zeroed count: Int) {
        memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, 1), alignment: OwnedBytes.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        self.count = count
    }

    /// A copy of `bytes`.
    package init(copying bytes: UnsafeRawBufferPointer) {
        memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count, 1), alignment: OwnedBytes.alignment)
        memory.copyMemory(from: bytes)
        count = bytes.count
    }

    /// How many bytes there are.
    package let count: Int

    /// The bytes, for reading; valid only while this object lives.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[0..<count])
    }

    deinit {
        memory.deallocate()
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of `range`, which must lie within; no bytes have no address.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// Whether the memory begins at a multiple of `alignment`; no memory does.
    func isAligned(to alignment: Int) -> Bool {
        UInt(bitPattern: baseAddress).isMultiple(of: UInt(alignment))
    }

    /// A number in little-endian byte order at `offset`, which must lie within.
    func little<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension [UInt8] {
    /// Calls `body` with the bytes, which are valid until it returns.
    func lend<R, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withUnsafeBufferPointer { (buffer) throws(E) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Appends a number in little-endian byte order.
    mutating func append<T: FixedWidthInteger>(little value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends bytes that are 0 until `count` is a multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        append(contentsOf: repeatElement(0, count: Sizes.padded(count, to: alignment) - count))
    }

    /// Writes a number in little-endian byte order over the bytes at `offset`.
    mutating func put<T: FixedWidthInteger>(little value: T, at offset: Int) {
        withUnsafeMutableBytes {
            $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
    }
}
