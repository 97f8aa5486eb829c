import Crypto

/// The SHA-256 of every chunk of a blob, so that a part of it can be checked without the whole.
///
/// A blob of one chunk needs none: its id is the sum of its only chunk.  The sums of another holder
/// are only his word: they are proven when the whole blob has its id.
package struct ChunkSums: Hashable, Sendable {
    /// Bytes of a chunk; the last one of a blob may be shorter.
    package static let chunkBytes = 1 << 20
    /// Chunks of a blob, at most: 1 TiB.
    package static let maximumChunks = 1 << 20

    /// Bytes of the blob.
    package let size: Int64
    /// One sum a chunk, in order.
    package let chunks: [BlobID]

    init(size: Int64, chunks: [BlobID]) {
        precondition(
            chunks.count == Self.chunkCount(size), "there is one sum for each chunk of a blob")
        self.size = size
        self.chunks = chunks
    }

    /// How many chunks a blob of `size` bytes has; the empty one has one.
    package static func chunkCount(_ size: Int64) -> Int {
        max(1, Int((size + Int64(chunkBytes) - 1) / Int64(chunkBytes)))
    }

    /// The bytes of chunk `index` of a blob of `size` bytes.
    package static func range(of index: Int, size: Int64) -> Range<Int64> {
        let start = Int64(index) * Int64(chunkBytes)
        return start..<min(size, start + Int64(chunkBytes))
    }

    /// The chunks that have a byte of `range`.
    static func indices(covering range: Range<Int64>) -> Range<Int> {
        guard !range.isEmpty else { return 0..<0 }
        return Int(
            range.lowerBound / Int64(chunkBytes))..<Int(
                (range.upperBound - 1) / Int64(chunkBytes) + 1)
    }
}

extension ChunkSums {
    private static let magic = Array("FANSUMS1".utf8)
    private static let headBytes = 16

    /// As they lie beside a blob and travel.
    ///
    /// `FANSUMS1`, the size in 8 bytes, the sums, and the SHA-256 of all that.  Numbers have the
    /// least byte first.
    package var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(Self.encodedBytes(size))
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: size >> Int64(8 * $0)) }
        for chunk in chunks { bytes += chunk.bytes }
        return bytes + BlobID.of(bytes).bytes
    }

    /// How many bytes ``encoded`` has for a blob of `size` bytes.
    package static func encodedBytes(_ size: Int64) -> Int {
        headBytes + (chunkCount(size) + 1) * BlobID.byteCount
    }

    /// Reads what ``encoded`` wrote for a blob of `size` bytes; `nil` if it is anything else.
    package init?(encoded bytes: [UInt8], size: Int64) {
        guard size >= 0, Self.chunkCount(size) <= Self.maximumChunks,
            bytes.count == Self.encodedBytes(size), bytes.starts(with: Self.magic)
        else { return nil }
        let found = bytes[8..<Self.headBytes].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let end = bytes.count - BlobID.byteCount
        let isWhole = bytes.withUnsafeBytes {
            BlobID.of(UnsafeRawBufferPointer(rebasing: $0[..<end]))
                == BlobID(bytes: UnsafeRawBufferPointer(rebasing: $0[end...]))
        }
        guard found == UInt64(size), isWhole else { return nil }
        self.size = size
        chunks = bytes.withUnsafeBytes { memory in
            stride(from: Self.headBytes, to: end, by: BlobID.byteCount).compactMap {
                BlobID(
                    bytes: UnsafeRawBufferPointer(rebasing: memory[$0..<($0 + BlobID.byteCount)]))
            }
        }
    }
}

/// Hashes a blob and its chunks as the bytes come.
package struct ContentHasher {
    private var whole = SHA256()
    private var chunk = SHA256()
    private var chunks: [BlobID] = []
    /// Bytes so far.
    package private(set) var count: Int64 = 0

    /// Of nothing yet.
    package init() {}

    /// Takes the next bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let filled = Int(count % Int64(ChunkSums.chunkBytes))
            let part = UnsafeRawBufferPointer(
                rebasing: rest.prefix(ChunkSums.chunkBytes - filled))
            whole.update(bufferPointer: part)
            // The first chunk's sum is that of the whole so far: small blobs are hashed once.
            if count >= Int64(ChunkSums.chunkBytes) { chunk.update(bufferPointer: part) }
            count += Int64(part.count)
            if filled + part.count == ChunkSums.chunkBytes { endChunk() }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
    }

    /// The blob that the bytes so far are, and the sums of its chunks.
    package func finish() -> (reference: BlobReference, sums: ChunkSums) {
        var copy = self
        if chunks.count < ChunkSums.chunkCount(count) { copy.endChunk() }
        return (
            BlobReference(id: BlobID(whole.finalize()), size: count),
            ChunkSums(size: count, chunks: copy.chunks)
        )
    }

    private mutating func endChunk() {
        chunks.append(BlobID(chunks.isEmpty ? whole.finalize() : chunk.finalize()))
        chunk = SHA256()
    }
}

extension ChunkSums {
    /// The sums of bytes that are in memory.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> ChunkSums {
        let chunks = (0..<chunkCount(Int64(bytes.count))).map { index in
            let range = range(of: index, size: Int64(bytes.count))
            return BlobID.of(
                UnsafeRawBufferPointer(
                    rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        return ChunkSums(size: Int64(bytes.count), chunks: chunks)
    }
}
