import CFanfoldSystem
@preconcurrency import Glibc

/// Memory that two processes share; one of them writes and hands out, the other only reads.
///
/// The file can neither shrink nor grow, so no access can fail because of what the other side does.
/// What the reader sees may change under it: it copies before it interprets.
final class Arena: @unchecked Sendable {
    // Unchecked: the mapping is constant; the list of what is free belongs to the writer's lock.
    /// Every range begins at a multiple of this, in bytes.
    static let alignment = 64

    /// The shared file; the owner of this object closes it.
    let descriptor: Int32
    let bytes: UnsafeMutableRawBufferPointer
    /// What is free: ranges in ascending order that do not touch.
    private var free: [Range<Int>]

    /// Maps `size` bytes of a file that ``fan_memory_file`` made.
    ///
    /// - Parameter isWritable: whether this side writes.
    init?(descriptor: Int32, size: Int = IsolationLimits.arenaBytes, isWritable: Bool) {
        let access = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
        guard let start = mmap(nil, size, access, MAP_SHARED, descriptor, 0), start != MAP_FAILED
        else { return nil }
        self.descriptor = descriptor
        bytes = UnsafeMutableRawBufferPointer(start: start, count: size)
        free = [0..<size]
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
        close(descriptor)
    }

    /// Reserves room, the lowest that is free so that pages are used again; `nil` if there is none.
    ///
    /// - Complexity: the number of free ranges.
    func allocate(_ count: Int) -> Int? {
        let size = Self.rounded(count)
        guard let index = free.firstIndex(where: { $0.count >= size }) else { return nil }
        let start = free[index].lowerBound
        if free[index].count == size {
            free.remove(at: index)
        } else {
            free[index] = (start + size)..<free[index].upperBound
        }
        return start
    }

    /// Gives room back.
    func release(_ start: Int, count: Int) {
        let range = start..<(start + Self.rounded(count))
        var low = 0
        var high = free.count
        while low < high {
            let middle = (low + high) / 2
            if free[middle].lowerBound < range.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        var joined = range
        if low < free.count, free[low].lowerBound == joined.upperBound {
            joined = joined.lowerBound..<free[low].upperBound
            free.remove(at: low)
        }
        if low > 0, free[low - 1].upperBound == joined.lowerBound {
            free[low - 1] = free[low - 1].lowerBound..<joined.upperBound
        } else {
            free.insert(joined, at: low)
        }
    }

    /// Whether no byte of this range is free, so that giving it back can be true.
    func isTaken(_ start: UInt64, _ count: UInt64) -> Bool {
        guard start % UInt64(Self.alignment) == 0 else { return false }
        let range = Int(start)..<(Int(start) + Self.rounded(Int(count)))
        return range.upperBound <= bytes.count && !free.contains { $0.overlaps(range) }
    }

    /// The bytes at a place that the other side named; `nil` if it lies outside.
    func view(_ start: UInt64, _ count: UInt64) -> UnsafeRawBufferPointer? {
        guard start <= UInt64(bytes.count), count <= UInt64(bytes.count) - start else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(start + count)])
    }

    private static func rounded(_ count: Int) -> Int {
        (max(1, count) + alignment - 1) / alignment * alignment
    }
}
