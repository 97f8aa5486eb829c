@preconcurrency import Glibc

/// The bytes of a blob, mapped and not copied.
///
/// The blob is leased as long as this object lives.
package final class BlobMapping: @unchecked Sendable {
    // Unchecked: the memory is read-only and unmapped with the last reference.

    /// The bytes; valid only while this object lives.
    package let bytes: UnsafeRawBufferPointer
    private let lease: BlobLease

    init(_ lease: BlobLease, _ file: borrowing Descriptor, _ path: String) throws(BlobError) {
        self.lease = lease
        let count = Int(lease.reference.size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard
            let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.number, 0),
            start != MAP_FAILED
        else { throw Disk.failure("mapped", path) }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Lends the bytes for the time of the call.
    package func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    deinit {
        guard let start = bytes.baseAddress else { return }
        munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
}

/// Reading: what is served has been seen to be right since the store was opened.
extension BlobStore {
    /// The whole blob, mapped; all of it is checked first.
    ///
    /// - Throws: `missing`, `damaged`.
    package func map(_ id: BlobID) throws(BlobError) -> BlobMapping {
        let lease = try lease(id)
        return try withFile(lease) { number, path throws(BlobError) in
            try check(lease.reference, number, path, 0..<lease.reference.size)
            return try BlobMapping(lease, number, path)
        }
    }

    /// Reads `range` into `buffer`, which has room for it; only its chunks are checked.
    ///
    /// - Throws: `missing`, `damaged`, `outOfRange`.
    package func read(
        _ id: BlobID, _ range: Range<Int64>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(BlobError) {
        precondition(buffer.count >= range.count, "the buffer of a read has room for its range")
        try withDescriptor(of: id, range) { number throws(BlobError) in
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
            let got = try Disk.read(number, folder.blob(id), at: range.lowerBound, into: part)
            guard got == range.count else {
                throw .cannotUse(
                    verb: "read", path: folder.blob(id), reason: "it became shorter")
            }
        }
    }

    /// The bytes of `range`; the whole blob without it.
    package func read(_ id: BlobID, _ range: Range<Int64>? = nil) throws(BlobError) -> [UInt8] {
        let size = try size(here: id)
        let range = range ?? 0..<size
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw .outOfRange(id, range: range, size: size)
        }
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.lendToFill { buffer throws(BlobError) in
            try read(id, range, into: buffer)
        }
        return bytes
    }

    /// Lends a descriptor of the blob, for `sendfile` and its kin; the chunks of `range`, or all,
    /// are checked first.
    ///
    /// The descriptor is for reading and closed afterwards; `dup` keeps it longer.
    package func withDescriptor<T>(
        of id: BlobID, _ range: Range<Int64>? = nil,
        _ body: (_ descriptor: Int32) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        let lease = try lease(id)
        let size = lease.reference.size
        let range = range ?? 0..<size
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw .outOfRange(id, range: range, size: size)
        }
        return try withFile(lease) { file, path throws(BlobError) in
            try check(lease.reference, file, path, range)
            return try body(file.number)
        }
    }

    /// Writes the whole blob to a descriptor from where it is, a buffer at a time.
    package func copy(_ id: BlobID, to descriptor: Int32) throws(BlobError) {
        let size = try size(here: id)
        try Disk.withBuffer { buffer throws(BlobError) in
            var offset: Int64 = 0
            while offset < size {
                let range = offset..<min(size, offset + Int64(buffer.count))
                try read(id, range, into: buffer)
                try Self.send(UnsafeRawBufferPointer(rebasing: buffer[..<range.count]), descriptor)
                offset = range.upperBound
            }
        }
    }

    /// The sums of a blob's chunks, for one who fetches it.
    ///
    /// - Throws: `missing`, `damaged`.
    package func sums(of id: BlobID) throws(BlobError) -> ChunkSums {
        let lease = try lease(id)
        guard lease.reference.size > Int64(ChunkSums.chunkBytes) else {
            return ChunkSums(size: lease.reference.size, chunks: [id])
        }
        return try withFile(lease) { file, path throws(BlobError) in
            try progress(lease.reference, file, path).sums
        }
    }

    private func size(here id: BlobID) throws(BlobError) -> Int64 {
        guard let size = size(of: id) else { throw .missing(id) }
        return size
    }

    private func withFile<T>(
        _ lease: BlobLease,
        _ body: (borrowing Descriptor, _ path: String) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        defer { withExtendedLifetime(lease) {} }
        let id = lease.reference.id
        let path = folder.blob(id)
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else {
            guard errno == ENOENT else { throw Disk.failure("opened", path) }
            // Somebody removed the file; nobody can be given it any more.
            throw setAside(lease.reference, isThere: false)
        }
        return try body(Descriptor(adopting: number), path)
    }

    private static func send(
        _ bytes: UnsafeRawBufferPointer, _ descriptor: Int32
    ) throws(BlobError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Disk.failure("written", "descriptor \(descriptor)") }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }
}
