/// Records that are stored together or not at all, and at the price of one.
///
/// Shape: each record is its length as a LEB128 number, then its bytes.
package struct RecordBatch: Sendable {
    /// Records that become one row.
    struct Part: Sendable {
        var count = 0
        var bytes: [UInt8] = []
    }

    private(set) var parts: [Part] = []
    private(set) var longest = 0
    /// How many records there are.
    package private(set) var count = 0

    /// No records.
    package init() {}

    /// Some records, in order.
    package init(_ records: [[UInt8]]) {
        for record in records { add(record) }
    }

    /// Whether there are none.
    package var isEmpty: Bool { count == 0 }

    /// Puts a record at the end.
    package mutating func add(_ record: [UInt8]) {
        record.withUnsafeBytes { add($0) }
    }

    /// Puts a copy of a record at the end.
    package mutating func add(_ record: UnsafeRawBufferPointer) {
        let filled = parts.last?.bytes.count ?? JournalLimits.rowBytes
        if filled + record.count > JournalLimits.rowBytes || parts.isEmpty { parts.append(Part()) }
        append(record, toPart: parts.count - 1)
        count += 1
        longest = max(longest, record.count)
    }

    /// Forgets the records, so that the batch can be filled again.
    package mutating func removeAll() {
        if parts.count > 1 { parts.removeLast(parts.count - 1) }
        if !parts.isEmpty {
            parts[0].count = 0
            parts[0].bytes.removeAll(keepingCapacity: true)
        }
        count = 0
        longest = 0
    }

    private mutating func append(_ record: UnsafeRawBufferPointer, toPart index: Int) {
        CountedFrame.append(record, to: &parts[index].bytes)
        parts[index].count += 1
    }
}

/// Records as they come back, in order.
package struct StoredRecords: Sendable {
    /// The sequence number of the first one.
    package let first: UInt64
    /// How many there are.
    package let count: Int
    let bytes: ArraySlice<UInt8>

    /// The sequence number of the last one.
    package var last: UInt64 { first + UInt64(count) - 1 }

    /// `nil` if the bytes are not `count` records.
    init?(first: UInt64, count: Int, bytes: [UInt8]) {
        guard count > 0, Self.length(of: count, in: bytes) == bytes.count else { return nil }
        self.init(first: first, count: count, slice: bytes[...])
    }

    private init(first: UInt64, count: Int, slice: ArraySlice<UInt8>) {
        self.first = first
        self.count = count
        bytes = slice
    }

    /// Gives each record with its sequence number; the bytes are lent for the call.
    package func forEach(
        _ body: (UInt64, UnsafeRawBufferPointer) throws(JournalError) -> Void
    ) throws(JournalError) {
        var failure: JournalError?
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            for index in 0..<count {
                guard let range = CountedFrame.range(at: offset, in: bytes) else { return }
                offset = range.upperBound
                do throws(JournalError) {
                    try body(first + UInt64(index), UnsafeRawBufferPointer(rebasing: bytes[range]))
                } catch {
                    failure = error
                    return
                }
            }
        }
        if let failure { throw failure }
    }

    /// Copies of the records.
    package var records: [[UInt8]] {
        var all: [[UInt8]] = []
        all.reserveCapacity(count)
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while let range = CountedFrame.range(at: offset, in: bytes) {
                offset = range.upperBound
                all.append(Array(bytes[range]))
            }
        }
        return all
    }

    /// The records after one; `nil` if there are none.
    func after(_ sequence: UInt64) -> StoredRecords? {
        guard sequence >= first else { return self }
        guard sequence < last else { return nil }
        let skipped = Int(sequence - first + 1)
        let offset = bytes.withUnsafeBytes { bytes in
            var offset = 0
            for _ in 0..<skipped {
                offset = CountedFrame.range(at: offset, in: bytes)?.upperBound ?? offset
            }
            return offset
        }
        return StoredRecords(
            first: sequence + 1, count: count - skipped, slice: bytes.dropFirst(offset))
    }

    /// How many bytes `count` records take; `nil` if there are not so many.
    private static func length(of count: Int, in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            for _ in 0..<count {
                guard let range = CountedFrame.range(at: offset, in: bytes) else { return nil }
                offset = range.upperBound
            }
            return offset
        }
    }
}
