import CFanfoldSystem
@preconcurrency import Glibc

/// Where a snapshot goes, and what it is of: may cross to the thread that writes it.
package struct SnapshotPlace: Sendable {
    /// The last record that the snapshot makes superfluous.
    package let upTo: UInt64
    let folder: JournalFolder

    static let prefix = "snapshot-"
    static let unfinished = ".part"
    static let damaged = ".damaged"

    var path: String {
        let digits = String(upTo)
        return "\(folder.path)/\(Self.prefix)"
            + String(repeating: "0", count: 20 - digits.count) + digits
    }

    /// The snapshots in a folder, the newest first.
    static func all(_ folder: JournalFolder) throws(JournalError) -> [SnapshotPlace] {
        try folder.names(beginning: prefix).compactMap { name in
            UInt64(name.dropFirst(prefix.count)).map { SnapshotPlace(upTo: $0, folder: folder) }
        }.sorted { $0.upTo > $1.upTo }
    }
}

/// Writes a snapshot piece by piece; it counts from `finish()` on, and not at all before.
///
/// A snapshot is a file of its own, so that the thread that writes it does not keep the loop from
/// appending.  For one thread at a time.
///
/// Shape: "FANSNAP1", `upTo`; then pieces, each its length (4 bytes), its bytes, and the CRC-64 of
/// the file so far without the sums; then a length of 0, the bytes of all pieces (8), and the sum.
/// Numbers are little-endian.
package final class SnapshotWriter {
    static let magic: [UInt8] = Array("FANSNAP1".utf8)

    private let place: SnapshotPlace
    private let file: OwnedDescriptor
    private var buffer: [UInt8] = []
    private var sum: UInt64 = 0
    private var isFinished = false
    /// Bytes that were given so far.
    package private(set) var bytes: UInt64 = 0

    /// Begins a snapshot at a place that the journal gave.
    package init(at place: SnapshotPlace) throws(JournalError) {
        self.place = place
        file = try OwnedDescriptor(
            opening: place.path + SnapshotPlace.unfinished, O_WRONLY | O_CREAT | O_TRUNC,
            doing: "opened")
        try emit(Self.magic + Self.bytes(of: place.upTo), summed: true)
    }

    deinit {
        if !isFinished { unlink(place.path + SnapshotPlace.unfinished) }
    }

    /// Puts bytes at the end.
    package func write(_ piece: UnsafeRawBufferPointer) throws(JournalError) {
        var rest = piece
        while !rest.isEmpty {
            let room = JournalLimits.chunkBytes - buffer.count
            buffer.append(contentsOf: rest.prefix(room))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(room))
            if buffer.count == JournalLimits.chunkBytes { try flushBuffer() }
        }
        bytes += UInt64(piece.count)
    }

    /// Puts bytes at the end.
    package func write(_ piece: [UInt8]) throws(JournalError) {
        try piece.withUnsafeBufferPointer { piece throws(JournalError) in
            try write(UnsafeRawBufferPointer(piece))
        }
    }

    /// Waits until the disk has all of it, then makes it the newest snapshot.
    package func finish() throws(JournalError) {
        precondition(!isFinished, "a snapshot is finished once")
        if !buffer.isEmpty { try flushBuffer() }
        try emit(Self.bytes(of: UInt32(0)) + Self.bytes(of: bytes), summed: true)
        try emit(Self.bytes(of: sum), summed: false)
        try file.flush()
        guard rename(place.path + SnapshotPlace.unfinished, place.path) == 0 else {
            throw JournalError(errno: errno, path: place.path, doing: "put in its place")
        }
        isFinished = true
        try place.folder.flush()
    }

    private func flushBuffer() throws(JournalError) {
        try emit(Self.bytes(of: UInt32(buffer.count)), summed: true)
        try emit(buffer, summed: true)
        try emit(Self.bytes(of: sum), summed: false)
        buffer.removeAll(keepingCapacity: true)
    }

    private func emit(_ bytes: [UInt8], summed: Bool) throws(JournalError) {
        if summed { sum = bytes.withUnsafeBytes { fan_crc64(sum, $0.baseAddress, $0.count) } }
        try file.write(bytes[...])
    }

    private static func bytes(of number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}

/// Reads a snapshot piece by piece.
struct SnapshotScan {
    private let place: SnapshotPlace
    private let file: OwnedDescriptor
    private var sum: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    /// Opens it and reads its head.
    init(_ place: SnapshotPlace) throws(JournalError) {
        self.place = place
        file = try OwnedDescriptor(opening: place.path, O_RDONLY, doing: "opened")
        let head = try take(16)
        guard head.prefix(8).elementsEqual(SnapshotWriter.magic),
            Self.number(head.dropFirst(8)) == place.upTo
        else { throw damaged("its head is not that of a snapshot up to \(place.upTo)") }
    }

    /// Reads it to its end, without keeping it.
    ///
    /// - Throws: `damaged` if it is not whole.
    /// - Returns: How many bytes it holds.
    static func verify(_ place: SnapshotPlace) throws(JournalError) -> UInt64 {
        var scan = try SnapshotScan(place)
        while try scan.next() != nil {}
        return scan.bytes
    }

    /// The next piece; `nil` at the end.
    mutating func next() throws(JournalError) -> [UInt8]? {
        let length = Int(Self.number(try take(4)[...]))
        guard length <= JournalLimits.chunkBytes else {
            throw damaged("a piece of \(length) bytes is longer than any")
        }
        guard length > 0 else {
            let total = Self.number(try take(8)[...])
            try checkSum()
            guard total == bytes else { throw damaged("\(bytes) bytes instead of \(total)") }
            return nil
        }
        let piece = try take(length)
        try checkSum()
        bytes += UInt64(length)
        return piece
    }

    private mutating func take(_ count: Int) throws(JournalError) -> [UInt8] {
        let taken = try read(count)
        sum = taken.withUnsafeBytes { fan_crc64(sum, $0.baseAddress, $0.count) }
        return taken
    }

    private func read(_ count: Int) throws(JournalError) -> [UInt8] {
        let taken = try file.read(count)
        guard taken.count == count else { throw damaged("it ends early") }
        return taken
    }

    private func checkSum() throws(JournalError) {
        guard Self.number(try read(8)[...]) == sum else { throw damaged("a sum is wrong") }
    }

    private func damaged(_ reason: String) -> JournalError {
        JournalError(
            .damaged,
            "\(place.path) is not a whole snapshot: \(reason); put back a copy, or let the one "
                + "before be used")
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
