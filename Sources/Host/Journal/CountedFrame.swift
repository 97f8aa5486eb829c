/// Bytes with their count before them as a LEB128 number, at most 35 bits of it.
package enum CountedFrame {
    /// Puts a frame at the end.
    package static func append(_ frame: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        var rest = frame.count
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        bytes.append(contentsOf: frame)
    }

    /// Where the bytes of the frame lie that begins at `start`; `nil` if it is not complete.
    package static func range(at start: Int, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var length = 0
        var offset = start
        for shift in stride(from: 0, through: 28, by: 7) {
            guard offset < bytes.count else { return nil }
            let byte = bytes[offset]
            offset += 1
            length |= Int(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else {
                return length <= bytes.count - offset ? offset..<(offset + length) : nil
            }
        }
        return nil
    }
}
