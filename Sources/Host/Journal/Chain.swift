import CFanfoldSystem
@preconcurrency import Glibc

/// Where the records end: what the next row must follow.
struct Chain: Sendable, Hashable {
    /// The sequence number of the last record; 0 before the first.
    var last: UInt64 = 0
    /// The sum of the last row.
    var sum: UInt64 = 0
}

/// Some records as they are stored: a row of the table `records`.
///
/// Each row names the sum of the one before it, and its own sum covers that, its numbers and its
/// bytes.  So a row can be told to be whole by itself, and to follow the one before: a row that
/// is lost, changed or in the wrong place is found, and so is what is whole after it.
///
/// A CRC-64 is enough, since it is chance that it stands against: whoever could forge a row may
/// write to the folder and could as well forge a hash without a key.  It needs no library, and
/// summing is not what an append waits for.
struct StoredRow {
    var first: UInt64
    var count: Int
    var previous: UInt64
    var sum: UInt64
    var bytes: [UInt8]

    /// What the sum must be.
    static func sum(of bytes: [UInt8], first: UInt64, count: Int, previous: UInt64) -> UInt64 {
        let head = (previous.littleEndian, first.littleEndian, UInt64(count).littleEndian)
        let start = withUnsafeBytes(of: head) { fan_crc64(0, $0.baseAddress, $0.count) }
        return bytes.withUnsafeBytes { fan_crc64(start, $0.baseAddress, $0.count) }
    }

    /// The records, if the row is whole by itself.
    var records: StoredRecords? {
        guard first > 0, count > 0,
            sum == Self.sum(of: bytes, first: first, count: count, previous: previous)
        else { return nil }
        return StoredRecords(first: first, count: count, bytes: bytes)
    }

    /// Whether it is the next one.
    func follows(_ chain: Chain) -> Bool {
        first == chain.last + 1 && previous == chain.sum
    }
}

extension Chain {
    /// The row of a batch's part; the chain then ends with it.
    mutating func seal(_ part: RecordBatch.Part) -> StoredRow {
        let row = StoredRow(
            first: last + 1, count: part.count, previous: sum,
            sum: StoredRow.sum(
                of: part.bytes, first: last + 1, count: part.count, previous: sum),
            bytes: part.bytes)
        self = Chain(last: last + UInt64(part.count), sum: row.sum)
        return row
    }
}

/// The last record that somebody was told is stored, in a file beside the database.
///
/// SQLite takes a damaged end of its log for one that was never finished, and says nothing.  The
/// mark is written after each commit, without waiting for the disk: after a power failure it may
/// be behind, but it is never ahead of what was stored.
final class Mark: Sendable {
    private let file: OwnedDescriptor

    init(_ folder: JournalFolder) throws(JournalError) {
        file = try OwnedDescriptor(opening: folder.mark, O_RDWR | O_CREAT, doing: "opened")
    }

    /// Keeps where the records end.
    ///
    /// If that fails the mark is behind, which weakens a check; the records are stored already.
    func write(_ chain: Chain) {
        let words = [chain.last.littleEndian, chain.sum.littleEndian]
        let sum = words.withUnsafeBytes { fan_crc64(0, $0.baseAddress, $0.count) }
        let all = words + [sum.littleEndian]
        _ = all.withUnsafeBytes { pwrite(file.number, $0.baseAddress, $0.count, 0) }
    }

    /// Where the records ended; `nil` if nobody wrote it or it is damaged.
    static func read(_ folder: JournalFolder) -> Chain? {
        let number = open(folder.mark, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var words = [UInt64](repeating: 0, count: 3)
        let count = words.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, 0) }
        let sum = words[..<2].withUnsafeBytes { fan_crc64(0, $0.baseAddress, $0.count) }
        guard count == 24, sum == UInt64(littleEndian: words[2]) else { return nil }
        return Chain(last: UInt64(littleEndian: words[0]), sum: UInt64(littleEndian: words[1]))
    }
}
