@preconcurrency import Glibc

extension UInt8 {
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var quote: UInt8 { 0x22 }
    static var comma: UInt8 { 0x2C }
    static var backslash: UInt8 { 0x5C }

    /// Space, tab, line feed, carriage return: the white space of JSON.
    var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}

extension UnsafeRawBufferPointer {
    /// The offset of the first `byte` in `range`; `nil` if there is none.
    func firstOffset(of byte: UInt8, in range: Range<Int>) -> Int? {
        guard !range.isEmpty, let base = baseAddress,
            let found = memchr(base + range.lowerBound, Int32(byte), range.count)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The bytes of `range`, which must lie within.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// `range` without a carriage return at its end.
    func withoutReturn(_ range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty, self[range.upperBound - 1] == .carriageReturn else { return range }
        return range.lowerBound..<(range.upperBound - 1)
    }

    /// `range` without white space at either end.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start].isSpace { start += 1 }
        while start < end, self[end - 1].isSpace { end -= 1 }
        return start..<end
    }

    /// `range` without line ends at either end.
    func trimmedEnds(_ range: Range<Int>) -> Range<Int> {
        let isEnd: (UInt8) -> Bool = { $0 == .lineFeed || $0 == .carriageReturn }
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isEnd(self[start]) { start += 1 }
        while start < end, isEnd(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// The number of line feeds before `offset`.
    func lineFeeds(before offset: Int) -> Int {
        var count = 0
        var place = 0
        while let found = firstOffset(of: .lineFeed, in: place..<Swift.min(offset, self.count)) {
            count += 1
            place = found + 1
        }
        return count
    }

    /// The offset of the first byte that is not UTF-8; `nil` if all of it is.
    func firstOffsetNotUTF8() -> Int? {
        var offset = 0
        while offset < count {
            while offset + 8 <= count,
                loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                offset += 8
            }
            guard offset < count else { return nil }
            let length = utf8Length(at: offset)
            if length == 0 { return offset }
            offset += length
        }
        return nil
    }

    /// The length of the encoded scalar at `offset`; 0 if there is none.
    ///
    /// Source: RFC 3629, section 4.
    private func utf8Length(at offset: Int) -> Int {
        func continues(_ distance: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            offset + distance < count && range.contains(self[offset + distance])
        }
        switch self[offset] {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0:
            return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF4:
            return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }
}
