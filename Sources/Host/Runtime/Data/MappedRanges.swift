import Synchronization

/// Where large files are mapped for reading in this process, so that memory which a plugin gives
/// back is known for a part of one.
enum MappedRanges {
    /// Ends by starts, in ascending order: files of less than a run are not here, so they are few.
    private static let ranges = Mutex<[(start: UInt, end: UInt)]>([])

    static func enter(_ bytes: UnsafeRawBufferPointer) {
        guard let range = range(of: bytes) else { return }
        ranges.withLock { $0.insert(range, at: place(of: range.start, in: $0)) }
    }

    static func leave(_ bytes: UnsafeRawBufferPointer) {
        guard let range = range(of: bytes) else { return }
        ranges.withLock { ranges in
            let place = place(of: range.start, in: ranges)
            if place < ranges.count, ranges[place].start == range.start { ranges.remove(at: place) }
        }
    }

    /// Whether all of it lies in one file.
    static func contain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let range = range(of: bytes) else { return false }
        return ranges.withLock { ranges in
            let place = place(of: range.start + 1, in: ranges)
            return place > 0 && range.end <= ranges[place - 1].end
        }
    }

    private static func range(of bytes: UnsafeRawBufferPointer) -> (start: UInt, end: UInt)? {
        guard let address = bytes.baseAddress, bytes.count > PayloadSlice.runBytes else {
            return nil
        }
        return (UInt(bitPattern: address), UInt(bitPattern: address) + UInt(bytes.count))
    }

    /// The place of the first that begins at `start` or after it.
    private static func place(of start: UInt, in ranges: [(start: UInt, end: UInt)]) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
